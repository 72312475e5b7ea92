"""What customers do and what happens to them, lived through the deployed functions by their own
clock; each story gives what it used.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from unittest.mock import patch

from bench.costs.deployment import SCHEDULED, Deployment, deployed
from bench.costs.metering import Meter, Tally
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.domain.webhooks.endpoint import Endpoint, Endpoints, Secret
from chalicelib.runtime import wiring
from local.recordings import Recording
from tests.fakes.services import RECORDINGS, at
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.reader import FakeReader
from tests.fakes.stripe.sim import START, SimStage

DAY = timedelta(days=1)
MONTH = timedelta(days=365 / 12)
AGES = (1, 12, 36)
"""Months for which accounts have paid whose next month is counted."""

BEGIN = datetime.fromtimestamp(START, UTC)
CARD_ON_DAY = 3
STARTED = 5
"""How many events of the recording `trial_converts` tell of the start of its trial."""

WELL_AFTER = timedelta(days=30)
"""How long a trial is followed after its end."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one story used: units and calls by function, what lies in the table at its end, the
    metrics that it wrote to; `events` counts the domain events that were published.
    """

    name: str
    by_function: dict[str, Tally]
    calls: dict[str, Counter[str]]
    stored: int
    items: int
    days: float
    metrics: frozenset[str]
    events: int

    @property
    def total(self) -> Tally:
        """Units of all functions."""
        return sum(self.by_function.values(), Tally())


def used_by(name: str, stage: Deployment, days: float = 0) -> Used:
    """What a stage has used so far."""
    meter, items = stage.meter, stage.items()
    return Used(
        name,
        meter.by_function,
        meter.calls,
        stage.stored_bytes(),
        len(items),
        days,
        frozenset(stage.metrics),
        sum("document" in item for item in items),
    )


class CountedSimTransport(SimTransport):
    """Calls of the simulated Stripe, counted."""

    def __init__(self, stripe: SimStage, meter: Callable[[], Meter]) -> None:
        super().__init__(stripe)
        self._meter = meter

    def _call(self, method: str, path: str, parameters: dict[str, Any]) -> Any:
        meter = self._meter()
        if meter.running:
            meter.add("stripe_calls")
        return super()._call(method, path, parameters)


class CountedStripe(FakeReader):
    """A recording's Stripe, whose answers are counted."""

    meter: Meter | None = None

    def _answer(self, question: str, found: Any) -> Any:
        if self.meter and self.meter.running:
            self.meter.add("stripe_calls")
        return super()._answer(question, found)


def idle_run(scheduled: str) -> Used:
    """What the clock starts, once, with nothing in the table and nothing at Stripe."""
    with _simulated() as (stage, _):
        stage.run(scheduled)
        return used_by(scheduled, stage)


def access_call() -> Used:
    """The product asks what an account may use; its key is remembered."""
    with of_recordings() as (stage, stripe):
        arrive(stage, stripe, RECORDINGS["trial_converts"], 4)
        bearer = f"Bearer {stage.key('access')}"
        stage.call("GET", "/accounts/acct_demo/access", Authorization=bearer)
        stage.meter.by_function.clear()
        stage.meter.calls.clear()
        stage.call("GET", "/accounts/acct_demo/access", Authorization=bearer)
        return used_by("a request for access", stage)


def recorded(recording: Recording) -> Used:
    """The webhooks of a recording and nothing else: those of one second in one batch. No clock runs
    beside them.
    """
    with of_recordings() as (stage, stripe):
        arrive(stage, stripe, recording, len(recording.events))
        return used_by(recording.name, stage, _days(recording))


def delivered(endpoints: int, answer: CallAnswer) -> Used:
    """A trial starts at Stripe, on a stage that delivers what happens to so many endpoints, which
    all answer the same, until nothing is left to deliver.
    """
    name = f"a trial starts, endpoints: {endpoints}"
    if not answer.succeeded:
        name += ", which fails"
    recording = RECORDINGS["trial_converts"]
    with (
        patch("time.sleep"),  # a run waits for the retry after five seconds
        of_recordings() as (stage, stripe),
        patch.object(wiring, "caller", lambda: Same(answer)),
    ):
        _add_endpoints(endpoints)
        arrive(stage, stripe, recording, STARTED)
        deliver_all(stage)
        return used_by(name, stage)


def deliver_all(stage: Deployment) -> None:
    """Deliver until nothing is left to deliver."""
    stage.drain("deliveries")
    while due := stage.delivery_due_at():
        stage.now.at = max(due, stage.now.at)
        stage.deliver()


class Same:
    """Receivers that all answer the same."""

    def __init__(self, answer: CallAnswer) -> None:
        self._answer = answer

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        return self._answer


def _add_endpoints(number: int) -> None:
    store = wiring.services().stores.endpoints
    made = (
        Endpoint(f"we_{n:016}", "https://app.example.com/hooks", BEGIN, (Secret("a" * 64),))
        for n in range(number)
    )
    before = store.load()
    store.save(before, Endpoints(tuple(made), before.version + 1))


def by_event_bus(recording: Recording) -> Used:
    """The events of a recording by Stripe's partner event bus instead of the webhook."""
    with of_recordings() as (stage, stripe):
        arrive(stage, stripe, recording, len(recording.events), stage.partner_events)
        return used_by(f"{recording.name}, by EventBridge", stage, _days(recording))


def signs_up(card_on_day: int | None, name: str = "", *stand_ins: Any) -> Used:
    """A signup on the site and its trial, with every mail of the policy, its webhooks, and the
    month after; a card is given or not.
    """
    name = name or (
        "a signup whose trial is paid" if card_on_day else "a signup whose trial runs out"
    )
    with _simulated(*stand_ins) as (stage, stripe):
        life = _Life(stage, stripe)
        fields = json.dumps({"email": "ada@example.com", "name": "Ada Byron"}).encode()
        stage.call("POST", "/signups", fields, Content_Type="application/json")
        stage.drain("act")
        stage.drain("mail")
        stage.drain("deliveries")
        life.hear()
        ends = BEGIN + timedelta(days=wiring.policy().trial.days)
        life.advance(BEGIN + DAY)
        # The button behind the link of the welcome: an address that is proved gets every
        # mail.
        stage.call(
            "POST",
            f"/billing/{stage.billing_token()}",
            Content_Type="application/x-www-form-urlencoded",
        )
        if card_on_day:
            life.advance(BEGIN + card_on_day * DAY)
            stripe.gives(stripe.engine.store.all("customer")[0]["id"], "tok_visa")
            life.hear()
        life.advance(ends + WELL_AFTER)
        return used_by(name, stage, (stage.now.at - BEGIN) / DAY)


def renews(months: int) -> Used:
    """One month of an account that has paid for so many: its webhooks, and what falls due."""
    with _simulated() as (stage, stripe):
        life = _Life(stage, stripe)
        fields = json.dumps({"email": "ada@example.com", "name": "Ada Byron"}).encode()
        stage.call("POST", "/signups", fields, Content_Type="application/json")
        life.hear()
        stripe.gives(stripe.engine.store.all("customer")[0]["id"], "tok_visa")
        life.hear()
        since = BEGIN + timedelta(days=wiring.policy().trial.days)
        for month in range(months):
            life.advance(since + (month + 0.5) * MONTH)
        stage.meter.by_function.clear()
        stage.meter.calls.clear()
        life.advance(since + (months + 0.5) * MONTH)
        return used_by(f"a month after {months} paid", stage, MONTH / DAY)


@dataclass
class _Life:
    stage: Deployment
    stripe: SimStage
    heard: int = 0

    def hear(self) -> None:
        """Stripe's events that the endpoint is registered for."""
        fresh = self.stripe.engine.store.events[self.heard :]
        self.heard += len(fresh)
        wanted = [json.loads(json.dumps(event)) for event in fresh if event["type"] in EVENT_TYPES]
        if wanted:
            self.stage.webhooks(wanted)

    def advance(self, to: datetime) -> None:
        """Let time pass: what falls due here and at Stripe happens at its moment."""
        for _ in range(500):
            theirs = self.stripe.engine.next_due()
            dues = [
                due
                for due in (
                    self.stage.due_at(),
                    datetime.fromtimestamp(theirs, UTC) if theirs else None,
                )
                if due and due <= to
            ]
            if not dues:
                break
            self._stop_at(min(dues))
        else:
            raise RuntimeError("Something is due for ever.")
        self._stop_at(to)

    def _stop_at(self, moment: datetime) -> None:
        self.stage.now.at = max(self.stage.now.at, moment)
        self.stripe.advance(int(self.stage.now.at.timestamp()))
        self.hear()
        due = self.stage.due_at()
        if due and due <= self.stage.now.at:
            self.stage.act()
        self.stage.drain("deliveries")


@contextmanager
def _simulated(*stand_ins: Any) -> Iterator[tuple[Deployment, SimStage]]:
    stripe, running = SimStage(), Meter(lambda _: None)
    held = [running]
    transport = CountedSimTransport(stripe, lambda: held[-1])
    with deployed(
        BEGIN,
        patch("chalicelib.stripe_api.transport.StripeTransport", lambda *_: transport),
        *stand_ins,
    ) as stage:
        held.append(stage.meter)
        yield stage, stripe


@contextmanager
def of_recordings(*stand_ins: Any) -> Iterator[tuple[Deployment, CountedStripe]]:
    """A stage, and the Stripe of the recordings. `stand_ins` are patches that are begun before
    anything is built.
    """
    stripe = CountedStripe()
    begin = at(min(recording.start for recording in RECORDINGS.values()))
    reads = patch("chalicelib.stripe_api.reader.StripeReader", lambda *_: stripe)
    with deployed(begin, reads, *stand_ins) as stage:
        stripe.meter = stage.meter
        yield stage, stripe


def arrive(
    stage: Deployment,
    stripe: CountedStripe,
    recording: Recording,
    first: int,
    way: Callable[[list[Any]], None] | None = None,
) -> None:
    """Let the first events of a recording come, by the webhook or another way."""
    numbered = list(enumerate(recording.events[:first], 1))
    for second, together in groupby(numbered, lambda one: one[1]["created"]):
        some = list(together)
        stage.now.at, stripe.truth = at(second), recording.truth(some[-1][0])
        wanted = [event for _, event in some if event["type"] in EVENT_TYPES]
        if wanted:
            (way or stage.webhooks)(wanted)


def _days(recording: Recording) -> float:
    ended = int(recording.events[-1]["created"])
    return (ended - recording.start) / DAY.total_seconds()


def all_stories() -> dict[str, list[Used]]:
    """Everything that is counted, by kind."""
    return {
        "idle": [idle_run(name) for name in SCHEDULED],
        "access": [access_call()],
        "webhooks": [recorded(recording) for recording in RECORDINGS.values()],
        "event bus": [by_event_bus(recording) for recording in RECORDINGS.values()],
        "signups": [signs_up(None), signs_up(CARD_ON_DAY)],
        "renewals": [renews(months) for months in AGES],
        "deliveries": [
            delivered(0, CallAnswer(200)),
            delivered(1, CallAnswer(200)),
            delivered(20, CallAnswer(200)),
            delivered(1, CallAnswer(500, head="oops")),
        ],
    }
