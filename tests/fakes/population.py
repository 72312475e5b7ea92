"""A whole Billhook in memory with a simulated Stripe beside it: several customers, queues, the
stream, the schedules, mail, and what goes wrong.

`play` does what waits at one moment, `advance` goes from one such moment to the next. Where
something ends or does not answer, what was under way comes again as it would on AWS: a message of a
queue five minutes later, a schedule at its next time, a customer when he tries again.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError

from chalicelib.aws.dynamo import translate_errors
from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountNotFound, AlreadySubscribed, Refused, Unavailable
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.signup import SignupRequest
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.accounts.sign_up import sign_up
from chalicelib.usecases.ingestion.answers import fetch
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.messaging.delivery_feedback import take_feedback
from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.reconciliation.backfill import backfill_events
from chalicelib.usecases.reconciliation.reconcile import reconcile
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.sweep import sweep
from chalicelib.usecases.services import MailServices, Services
from local.stripe_sim.api.api import Fault
from tests.fakes.faults import Crash, OutsideCalls
from tests.fakes.lifecycles import MemoryClaims, MemoryMailer, Sent
from tests.fakes.memory.accounts import MemoryAccounts
from tests.fakes.memory.timeline import MemoryTimelines
from tests.fakes.services import FakeServices
from tests.fakes.simulated_lifecycles import BEGIN, SimTransport
from tests.fakes.stripe.sim import SimStage

AGAIN = timedelta(minutes=5)
"""When a queue brings back what was not done with."""

LOOKS = timedelta(hours=6)
"""How often Stripe's lists are looked at; on AWS more often."""

IN_THE_TABLE = frozenset(
    {"accounts", "timeline", "due_index", "replan_states", "job_states", "reconciliation", "claims"}
)
WATCHED = (
    *sorted(IN_THE_TABLE - {"claims"}),
    "dead_letters",
    "events_queue",
    "stripe",
    "act_queue",
    "mail_queue",
)

REFUSALS = (AccountNotFound, AlreadySubscribed, Refused, Unavailable)
"""What a customer may be told; anything else is a defect."""


@dataclass
class Troubles(OutsideCalls):
    """Outside calls, of which those to the table fail as aws/dynamo.py says while
    it is throttled."""

    throttled: Callable[[], bool] = lambda: False

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See OutsideCalls."""
        if name.partition(".")[0] in IN_THE_TABLE and self.throttled():
            with translate_errors():
                raise ClientError(
                    {
                        "Error": {"Code": "ThrottlingException"},
                        "ResponseMetadata": {
                            "HTTPStatusCode": 400,
                            "HTTPHeaders": {},
                            "HostId": "",
                            "RequestId": "",
                            "RetryAttempts": 0,
                        },
                    },
                    name,
                )
        return super().call(name, function, *args, **kwargs)


@dataclass
class MinutedLog(MemoryTimelines):
    """The timelines, in which an id of a happening has one body for ever."""

    happenings: dict[str, Entry] = field(default_factory=dict)

    def put(self, entries: Any) -> None:
        """See TimelineStore."""
        entries = list(entries)
        for entry in entries:
            if entry.kind == "happening":
                assert self.happenings.setdefault(entry.id, entry) == entry, (
                    f"{entry.id} has two bodies"
                )
        super().put(entries)


@dataclass
class MinutedAccounts(MemoryAccounts):
    """Accounts of which every write is kept: what it was, what it became, and when."""

    written: list[tuple[Account, Account, datetime]] = field(default_factory=list)
    now: Callable[[], datetime] = datetime.now

    def save(self, old: Account, new: Account) -> None:
        """See AccountStore."""
        stored = self.load(old.id) or old  # `old` may lack what was published meanwhile
        super().save(old, new)
        self.written.append((stored, new, self.now()))

    rewrite = save_listed = save


@dataclass
class Suppressed:
    """Addresses that must not be written to."""

    addresses: set[str] = field(default_factory=set)

    def add(self, email: str, reason: str, at: datetime, *_: object) -> None:
        """See Suppressions."""
        self.addresses.add(email)

    def mark(self, email: str) -> str:
        """See Suppressions."""
        return email

    def holds(self, email: str, stream: str) -> bool:
        """Whether mail of the stream does not go there."""
        return email in self.addresses


class Population:
    """`fates` says what becomes of Stripe's next events: `heard`, `lost` (after our 200),
    `undelivered`, `doubled`, or hours of lateness.

    `until` says how long each of OUTAGES lasts; `watch` is called at every moment that is played,
    before anything is heard of it.
    """

    OUTAGES = ("stripe", "table", "stream", "sweep", "mail")

    def __init__(self, policy: Policy) -> None:
        self.chance = Random(20261123)
        self.stage = SimStage()
        self.stage.engine.store.chance = Random(1)
        transport = SimTransport(self.stage)
        self.accounts, self.log = MinutedAccounts(), MinutedLog()
        self.place = FakeServices(
            self.accounts,
            self.log,
            stripe=stripe_over(transport),
            policy=policy,
        )
        self.accounts.now = self.place.now
        self.place.now.at = self.looked = BEGIN
        self.until = dict.fromkeys(self.OUTAGES, BEGIN)
        self.stripe_says = "429"
        self.calls = Troubles(throttled=lambda: self.is_out("table"))
        self.mailer, self.claims, self.suppressed = MemoryMailer(self), MemoryClaims(), Suppressed()
        self.watch: Callable[[], None] = lambda: None
        self.fates: list[str] = []
        self.seen, self.told_of = 0, 0
        self.coming: list[tuple[datetime, str]] = []
        self.feedback: list[Sent] = []
        self.crashes: Counter[str] = Counter()
        numbers = iter(range(1_000_000))
        self.ids = patch(
            "chalicelib.usecases.accounts.sign_up.secrets.token_hex",
            lambda size: f"{next(numbers):020}",
        )

    # --- what there is ---

    @property
    def now(self) -> datetime:
        return self.place.now.at

    @property
    def services(self) -> Services:
        return self.calls.watch(self.place.services, *WATCHED)

    @property
    def post(self) -> MailServices:
        office = MailServices(
            self.mailer,
            self.claims,
            self.suppressed.holds,
            lambda link: f"https://b.example/{link.purpose}",
            self.suppressed.mark,
            sign_in_form="https://b.example/sign-in",
        )
        return self.calls.watch_parts(office, "mailer", "claims")

    def all_accounts(self) -> list[Account]:
        return [account for id in list(self.accounts.items) if (account := self.accounts.load(id))]

    def addressee(self, account_id: str) -> Account:
        account = self.accounts.load(account_id)
        assert account
        return account

    def stands(self, account: Account) -> Standing:
        return standing(account, self.place.policy, self.now)

    def at_stripe(self, kind: str, account: Account) -> list[Any]:
        """Stripe's objects of a kind that belong to the account's customers, the newest first."""
        return [
            one for one in self.stage.engine.store.all(kind) if one["customer"] in account.customers
        ]

    def truth(self, account: Account) -> Account:
        """The account as one who asks Stripe for everything now would know it."""
        bare = replace(account, customers={}, subscriptions={}, invoices={}, asks=())
        for customer in sorted(account.customers):
            for ask in everything_of(customer):
                bare = apply(bare, fetch(self.place.stripe.reader, ask, bare, self.now)[0])
        return bare

    def is_out(self, what: str) -> bool:
        return self.now < self.until[what]

    # --- what people do ---

    def by_hand(self, method: str, path: str, **parameters: Any) -> int:
        """A call that somebody else makes at Stripe, in its dashboard or portal;
        gives the status."""
        faults, self.stage.api.faults[:] = list(self.stage.api.faults), []
        status, _ = self.stage.call(method, path, parameters)
        self.stage.api.faults[:] = faults
        return status

    def tries(self, use: Callable[[], Any]) -> Any:
        """What a customer does: it may end in the middle, or be refused in our words; then he has
        nothing.
        """
        try:
            return use()
        except REFUSALS:
            return None
        except Crash as crash:
            self.crashes[str(crash)] += 1
            return None

    def signs_up(self, wish: SignupRequest, confirm: bool = False) -> None:
        with self.ids:
            self.tries(lambda: sign_up(wish, confirm, self.services))

    # --- the clock ---

    def advance(self, to: datetime) -> None:
        for _ in range(50_000):
            moment = min(self._moments())
            if moment > to:
                break
            self.play(moment)
        else:
            raise AssertionError("something is due for ever")
        self.play(to)

    def _moments(self) -> Iterator[datetime]:
        soon = self.now + timedelta(minutes=1)
        theirs = self.stage.engine.next_due()
        yield max(self.now, self.looked + LOOKS)
        if theirs is not None:
            yield datetime.fromtimestamp(theirs, BEGIN.tzinfo)
        for account in self.all_accounts():
            if account.due_at:
                due_at = max(account.due_at, self.until["sweep"], self.until["table"])
                yield due_at if due_at > self.now else soon
        for at, _ in self.coming:
            yield at if at > self.now else soon
        if (
            self.place.act_queue.waiting
            or self.place.mail_queue.waiting
            or self.place.events_queue.messages
            or self.feedback
        ):
            yield max(soon, self.until["table"], self.until["mail"])
        yield from (end for end in self.until.values() if end > self.now)

    def play(self, moment: datetime) -> None:
        """All that waits at this moment, each once."""
        self.place.now.at = max(self.now, moment)
        self.stage.advance(int(self.now.timestamp()))
        self.watch()
        self.stage.api.faults[:] = [Fault(self.stripe_says, 10**9)] if self.is_out("stripe") else []
        self.mailer.room = not self.is_out("mail")
        if self.now >= self.looked + LOOKS:
            self.looked = self.now
            for look in (backfill_events, reconcile):
                self._runs(partial(look, self.services))
        self._hear()
        self._stream()
        if not self.is_out("sweep"):
            self._runs(lambda: sweep(self.services))
        self._act()
        self._post()
        self._stream()

    def _runs(self, work: Callable[[], Any]) -> bool:
        """Whether it came to its end."""
        try:
            work()
        except Unavailable:
            return False
        except Crash as crash:
            self.crashes[str(crash)] += 1
            return False
        return True

    def _hear(self) -> None:
        events = self.stage.engine.store.events
        fresh, self.seen = events[self.seen :], len(events)
        for event in fresh:
            fate = self.fates.pop(0) if self.fates else "heard"
            event["pending_webhooks"] = int(fate == "undelivered")
            if fate not in {"lost", "undelivered"}:
                hours = float(fate) if fate.replace(".", "").isdecimal() else 0.0
                self.coming += [(self.now + timedelta(hours=hours), json.dumps(event))] * (
                    2 if fate == "doubled" else 1
                )
        self.coming += [(self.now, body) for body, _ in self.place.events_queue.messages]
        self.place.events_queue.messages.clear()
        here = [body for at, body in self.coming if at <= self.now]
        self.coming = [(at, body) for at, body in self.coming if at > self.now]
        self.chance.shuffle(here)
        for start in range(0, len(here), 10):
            self._take_in(here[start : start + 10])

    def _take_in(self, bodies: list[str]) -> None:
        outcomes: list[Any] = []
        back = set(map(str, range(len(bodies))))
        messages = [Message(str(number), body) for number, body in enumerate(bodies)]
        if self._runs(lambda: outcomes.extend(ingest(messages, self.services))):
            back = {one.message for one in outcomes if one.effect == "retry"}
        for one in outcomes:
            assert one.effect != "dead_lettered", one
            assert one.failure is None or isinstance(one.failure, Unavailable), one
        self.coming += [(self.now + AGAIN, bodies[int(number)]) for number in sorted(back, key=int)]

    def _stream(self) -> None:
        if not self.is_out("stream"):
            for account in self.all_accounts():
                if account.outbox:
                    self._runs(partial(publish_outbox, account.id, self.services))

    def _act(self) -> None:
        waiting, self.place.act_queue.waiting = self.place.act_queue.waiting, []
        for id in dict.fromkeys(work["account_id"] for work in waiting):
            if not self._runs(partial(process_due_account, id, self.services)):
                self.place.act_queue.send({"account_id": id})

    def _post(self) -> None:
        waiting, self.place.mail_queue.waiting = self.place.mail_queue.waiting, []
        for work in waiting:
            if not self._runs(
                partial(send_message, work["account_id"], work["key"], self.services, self.post)
            ):
                self.place.mail_queue.send(work)
        self.feedback += self.mailer.sent[self.told_of :]
        self.told_of = len(self.mailer.sent)
        told, self.feedback = self.feedback, []
        for one in told:
            text = sending(one)
            if not self._runs(
                partial(take_feedback, text, self.services, self.post.claims, self.suppressed)
            ):
                self.feedback.append(one)

    def at_work(self) -> list[str]:
        """What still waits to be done now, in words."""
        queues: dict[str, Sized] = {
            "events": self.coming,
            "fetched events": self.place.events_queue.messages,
            "acts": self.place.act_queue.waiting,
            "mails": self.place.mail_queue.waiting,
            "feedback": self.feedback,
        }
        left = [f"{len(waiting)} {name}" for name, waiting in queues.items() if waiting]
        for account in self.all_accounts():
            undone = [
                name for name, operation in account.errands.items() if operation.done_at is None
            ]
            queued = [key for key, mailed in account.mails.items() if mailed.outcome == "queued"]
            found = {
                "asks": account.asks,
                "outbox": account.outbox,
                "unpublished": [
                    event.id
                    for event in account.worker_outbox
                    if event.id not in self.log.happenings
                ],
                "errands": undone,
                "queued mail": queued,
            }
            left += [
                f"{account.id}: {name} {waiting}" for name, waiting in found.items() if waiting
            ]
            if account.due_at and account.due_at <= self.now:
                left.append(f"{account.id}: due since {account.due_at}")
        return left


def sending(sent: Sent) -> str:
    """SES's event that says that it took a letter."""
    tags = {name: [value] for name, value in sent.letter.tags.items()}
    return json.dumps(
        {
            "eventType": "Send",
            "mail": {
                "timestamp": sent.at.isoformat(),
                "messageId": f"ses-{sent.key}",
                "tags": tags,
            },
            "send": {},
        }
    )
