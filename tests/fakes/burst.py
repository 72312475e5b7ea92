"""Many customers' recorded histories played at once, seconds apart, through hours in which queue,
Stripe, table, stream or sweep fail.

The events come in any order, one in ten twice, and as late as the queue is behind. Stripe
holds of each history what has happened by now.
"""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import count
from random import Random
from typing import Any

import stripe

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.stripe_api.transport import translated_error
from chalicelib.usecases.ingestion.answers import fetch
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.sweep import sweep
from local.recordings import Recording, Truth
from tests.fakes.population import AGAIN, IN_THE_TABLE, MinutedLog, Troubles
from tests.fakes.services import QUIET, RECORDINGS, FakeServices, at
from tests.fakes.stripe.reader import FakeReader, reading

APART = 10
"""Seconds between the beginnings of two histories: what all of them meet at one age is a burst of
so many times as much.
"""

A_BATCH = 100
TICK = timedelta(minutes=1)
WATCHED = (*sorted(IN_THE_TABLE - {"claims"}), "stripe", "act_queue")


BURSTS = (0, 10, 14, 24, 31, 45)
"""The days of a history on which most happens."""

KINDS = {
    "behind": timedelta(hours=1),
    "stripe": timedelta(hours=1),
    "table": timedelta(hours=1),
    "stream": timedelta(hours=6),
    "sweep": timedelta(days=1),
}
"""What fails, and how long each time: the events queue is behind, Stripe says 429, the table is
throttled, the stream and the sweep are dead.
"""

LATE = timedelta(minutes=15)
"""How late news may be while nothing fails: by a message that returns to its queue, and by what is
fetched from Stripe a minute later.
"""


@dataclass(frozen=True)
class Outage:
    """What fails from one moment to another, one of KINDS."""

    what: str
    begins: datetime
    ends: datetime


def at_every_burst(*kinds: str) -> Callable[[datetime], list[Outage]]:
    """All of these fail at each of the bursts, from a minute into it."""
    return lambda begin: [
        Outage(kind, start := begin + timedelta(days=day, minutes=1), start + KINDS[kind])
        for day in BURSTS
        for kind in kinds
    ]


@dataclass(eq=False)
class History:
    """One customer's. `moments` are those of its events."""

    recording: Recording
    account_id: str = field(init=False)
    moments: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.account_id = str(self.recording.account_id)
        self.moments = [event["created"] for event in self.recording.events]

    def happened(self, by: datetime) -> int:
        """How many of its events have happened by a moment."""
        return sum(moment <= by.timestamp() for moment in self.moments)

    @cache  # noqa: B019
    def truth(self, events: int) -> Truth:
        """What Stripe holds after so many events."""
        return self.recording.truth(events)

    @cache  # noqa: B019
    def known(self, events: int) -> Account:
        """The account of one who asked Stripe for everything after so many events."""
        account, reader = Account(self.account_id), FakeReader(self.truth(events))
        for customer in sorted(reader.truth.customers):
            for ask in everything_of(customer):
                account = apply(
                    account, fetch(reader, ask, account, at(self.moments[events - 1]))[0]
                )
        return account


@dataclass
class StripeOfMany(FakeReader):
    """Stripe, holding all histories as far as they have come."""

    owners: dict[str, History] = field(default_factory=dict)
    now: Callable[[], datetime] = datetime.now

    def _answer(self, question: str, found: Any) -> Any:
        self.asked.append(question)
        if self.down:
            raise translated_error(
                stripe.RateLimitError("Too many requests.", http_status=429), False
            )
        history = self.owners[question.rpartition(" ")[2]]
        self.truth = history.truth(history.happened(self.now()))
        return found()


class Burst:
    """`run` plays it all; `look` is called now and then, in the middle of outages too."""

    def __init__(self, accounts: int, outages: Callable[[datetime], list[Outage]]) -> None:
        self.chance = Random(20261123)
        recordings = list(RECORDINGS.values())
        begin = recordings[0].start
        self.histories = [
            History(
                recordings[number % len(recordings)]
                .renamed(f"n{number}")
                .moved_to(begin + number * APART)
            )
            for number in range(accounts)
        ]
        self.begin = at(begin)
        self.outages = outages(self.begin)
        self.log = MinutedLog()
        owners = {id: history for history in self.histories for id in ids_of(history)}
        self.stripe = StripeOfMany(owners=owners)
        self.place = FakeServices(timeline=self.log, stripe=reading(self.stripe), policy=QUIET)
        self.place.now.at = self.begin
        self.stripe.now = self.place.now
        self.calls = Troubles(throttled=lambda: self.is_out("table"))
        self.services = self.calls.watch(self.place.services, *WATCHED)
        self.numbers = count()
        self.coming: list[tuple[datetime, int, str]] = []
        self.effects: Counter[str] = Counter()
        self.events = 0
        for history in self.histories:
            for event in history.recording.events:
                if event["type"] in EVENT_TYPES:
                    self.events += 1
                    for _ in range(2 if self.chance.random() < 0.1 else 1):
                        self._will_arrive(
                            at(event["created"]) + timedelta(seconds=self.chance.randrange(120)),
                            json.dumps(event),
                        )

    @property
    def now(self) -> datetime:
        return self.place.now.at

    @property
    def accounts(self) -> dict[str, Account]:
        """Of each history its account, once there is one."""
        found = {
            history.account_id: self.place.accounts.load(history.account_id)
            for history in self.histories
        }
        return {id: account for id, account in found.items() if account}

    def is_out(self, what: str) -> bool:
        return any(one.what == what and one.begins <= self.now < one.ends for one in self.outages)

    def failing(self, within: timedelta) -> set[str]:
        """What fails now, or failed `within` that time."""
        return {one.what for one in self.outages if one.begins <= self.now < one.ends + within}

    def run(self, to: datetime, look: Callable[["Burst"], None], every: timedelta) -> "Burst":
        """Play everything up to a moment, with a look `every` so often while anything happens."""
        looked = self.now
        while (moment := min(self._moments(), default=to)) < to:
            self.place.now.at = max(self.now + TICK, moment)
            self._work()
            if self.now >= looked + every:
                looked = self.now
                look(self)
        self.place.now.at = to
        self._work()
        look(self)
        return self

    def _moments(self) -> Iterator[datetime]:
        if self.coming:
            yield self.coming[0][0]
        if due := self.place.services.stores.due_index.due(self.now + timedelta(days=365), 1):
            wakes = [
                one.ends
                for one in self.outages
                if one.what in {"sweep", "table"}
                and one.begins <= max(due[0][0], self.now) < one.ends
            ]
            yield max(due[0][0], *wakes, self.now)

    def _work(self) -> None:
        self.stripe.down = self.is_out("stripe")
        self._ingest()
        self._stream()
        if not self.is_out("sweep"):
            runs(lambda: sweep(self.services))
        waiting, self.place.act_queue.waiting = self.place.act_queue.waiting, []
        for work in waiting:
            if not runs(partial(process_due_account, work["account_id"], self.services)):
                self.place.act_queue.send(work)
        self._stream()

    def _will_arrive(self, moment: datetime, body: str) -> None:
        behind = [
            one for one in self.outages if one.what == "behind" and one.begins <= moment < one.ends
        ]
        heapq.heappush(
            self.coming,
            (moment + timedelta(hours=1) if behind else moment, next(self.numbers), body),
        )

    def _ingest(self) -> None:
        here = []
        while self.coming and self.coming[0][0] <= self.now:
            here.append(heapq.heappop(self.coming)[2])
        self.chance.shuffle(here)
        for start in range(0, len(here), A_BATCH):
            bodies = here[start : start + A_BATCH]
            for one in ingest(
                [Message(str(number), body) for number, body in enumerate(bodies)], self.services
            ):
                self.effects[one.effect] += 1
                if one.effect == "retry":
                    assert isinstance(one.failure, Unavailable), one
                    heapq.heappush(
                        self.coming,
                        (self.now + AGAIN, next(self.numbers), bodies[int(one.message)]),
                    )

    def _stream(self) -> None:
        if not self.is_out("stream"):
            for id in self._with_outbox():
                runs(lambda id=id: publish_outbox(id, self.services))  # type: ignore[misc]

    def _with_outbox(self) -> list[str]:
        return [id for id, item in self.place.accounts.items.items() if "outbox" in item]

    def standing_of(self, account: Account) -> Standing:
        return standing(account, QUIET, self.now)

    def known_since(self) -> datetime:
        """The moment up to which every account must know everything by now."""
        late = [
            one
            for one in self.outages
            if one.what in {"behind", "stripe", "table"}
            and one.begins <= self.now < one.ends + KINDS["behind"] + LATE
        ]
        return min((self.now, *(one.begins for one in late))) - LATE

    def told(self) -> dict[str, list[Entry]]:
        """The domain events of each account, in the order of its versions."""
        found: dict[str, list[Entry]] = {history.account_id: [] for history in self.histories}
        for entry in self.log.happenings.values():
            found[entry.account_id].append(entry)
        return {
            id: sorted(some, key=lambda one: int(one.id.split(".")[2]))
            for id, some in found.items()
        }


def runs(work: Callable[[], Any]) -> bool:
    """Whether it came to its end; what does not answer now comes again."""
    try:
        work()
    except Unavailable:
        return False
    return True


def ids_of(history: History) -> set[str]:
    """Stripe's ids of all that a history is about."""
    return {event["data"]["object"]["id"] for event in history.recording.events} | {
        str(customer)
        for event in history.recording.events
        if (customer := event["data"]["object"].get("customer"))
    }
