"""Histories that no recording holds, delivered as badly as may be: once Stripe has answered what
was left open, the account is as Stripe has it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.items import account_item
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.rules.invoices import SETTLED_INVOICES_KEPT
from chalicelib.domain.account.rules.stripe import ENDED_KEPT
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription
from chalicelib.stripe_api import objects
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.recordings import Truth
from tests.fakes.grids import examples
from tests.fakes.histories import ACCOUNT, START, History, adopted_by, invent
from tests.fakes.services import FakeServices, updated
from tests.fakes.stripe.reader import FakeReader, reading

SKEW = 5
"""Seconds that our clock may be off Stripe's, either way."""

LATENESS = [0.0, 0.5, 1.0, 3.0, 30.0, 4000.0, 200_000.0]
"""Seconds within which the events of a history arrive: at once, out of order, and so late that they
are stale.
"""


@dataclass(frozen=True, slots=True)
class Faults:
    """The chance that other deliveries come in while Stripe answers, that Stripe is down for a
    batch, and that an event never comes.
    """

    overlapping: float = 0.0
    outage: float = 0.0
    loss: float = 0.0


FAULTS = {
    "plain": Faults(),
    "overlapping answers": Faults(overlapping=0.5),
    "outages": Faults(outage=0.3),
    "outages and overlapping answers": Faults(overlapping=0.5, outage=0.3),
    "lost events": Faults(overlapping=0.2, outage=0.1, loss=0.3),
}


@dataclass
class Interrupted(FakeReader):
    """Between Stripe's answer and its arrival other things may happen."""

    meanwhile: Callable[[], None] = lambda: None

    def _answer(self, question: str, found: Any) -> Any:
        answer = super()._answer(question, found)
        self.meanwhile()
        return answer


@dataclass
class Delivery:
    """A history on its way into a place: events late, out of order, doubled, some given back and
    brought again.
    """

    history: History
    random: Random
    faults: Faults
    place: FakeServices = field(default_factory=FakeServices)
    nested: int = 0

    def __post_init__(self) -> None:
        self.stripe = Interrupted(meanwhile=self._meanwhile)
        self.place.stripe = reading(self.stripe)
        self.skew = self.random.randint(-SKEW, SKEW)
        self.now = float(START)
        lateness = self.random.choice(LATENESS)
        self.waiting = [
            (change.at + self.random.random() * (lateness + 0.9), change.event)
            for change in self.history.changes
            if self.random.random() >= self.faults.loss
            for _ in range(self.random.choice([1, 1, 1, 2]))
        ]
        self._sort()

    def run(self) -> None:
        """Until nothing is left to be delivered; then Stripe is up, and asked what
        was left open."""
        while self.waiting:
            self._deliver_some()
        self.stripe.meanwhile = lambda: None
        self._pass_to(max(self.now, self.history.end) + 20)
        if self.faults.loss:
            self._compare_daily()
        self.absorb_answers()

    def absorb_answers(self) -> None:
        """What the agenda does a minute later."""
        if account := self.place.accounts.load(ACCOUNT):
            apply_facts(account, (), self.place.services, StripeFetcher(self.place.services))

    def _compare_daily(self) -> None:
        """Each customer is known by one of its events at least, and all that it has
        is asked for."""
        for customer in self.history.ours:
            self._take_in(
                [
                    next(
                        change.event
                        for change in self.history.changes
                        if adopted_by(change) == customer
                    )
                ]
            )
        if account := self.place.accounts.load(ACCOUNT):
            for customer in self.history.ours:
                for what in ("customer", "subscriptions", "invoices"):
                    account = account.with_fetch(FetchRequest(what, customer))
            self.place.accounts.items[ACCOUNT] = account_item(account)

    def _meanwhile(self) -> None:
        if self.waiting and self.nested < 2 and self.random.random() < self.faults.overlapping:
            self.nested += 1
            self._deliver_some()
            self.nested -= 1

    def _deliver_some(self) -> None:
        size = self.random.choice([1, 1, 2, 5])
        batch, self.waiting = self.waiting[:size], self.waiting[size:]
        self._pass_to(max(self.now, *(moment for moment, _ in batch)))
        self.stripe.down = self.random.random() < self.faults.outage
        again = self._take_in([event for _, event in batch])
        self.waiting += [(self.now + 30, event) for event in again]
        self._sort()

    def _take_in(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The events that are given back, for which only Stripe may be to blame."""
        outcomes = ingest(
            [Message(str(place), json.dumps(event)) for place, event in enumerate(events)],
            self.place.services,
        )
        assert all(
            isinstance(outcome.failure, Unavailable) for outcome in outcomes if outcome.failure
        )
        assert not [outcome for outcome in outcomes if outcome.effect == "dead_lettered"]
        return [events[int(outcome.message)] for outcome in outcomes if outcome.effect == "retry"]

    def _pass_to(self, moment: float) -> None:
        self.now = moment
        self.stripe.down = False
        self.stripe.truth = self.history.truth_at(moment)
        self.place.now.at = datetime.fromtimestamp(moment + self.skew, UTC)

    def _sort(self) -> None:
        self.waiting.sort(key=lambda pair: pair[0])


def as_stripe_has_it(truth: Truth, customers: set[str]) -> dict[str, Any]:
    """What is to be learnt of Stripe's truth: all of it, but of old ended subscriptions and of old
    invoices.
    """
    subscriptions = [
        objects.subscription(raw)
        for raw in truth.subscriptions.values()
        if raw["customer"] in customers
    ]
    ended = sorted(
        (one for one in subscriptions if one.final),
        key=lambda one: (one.created, one.id),
        reverse=True,
    )
    buried = {one.id: one.ended_at or one.created for one in ended[ENDED_KEPT:]}
    invoices = sorted(
        map(objects.invoice, truth.invoices.values()), key=lambda one: (one.created, one.id)
    )
    of_each = {
        one.id: [invoice for invoice in invoices if invoice.subscription == one.id]
        for one in subscriptions
        if one.id not in buried
    }
    return {
        "customers": {
            id: objects.customer(raw) for id, raw in truth.customers.items() if id in customers
        },
        "subscriptions": {one.id: one for one in subscriptions if one.id not in buried},
        "ended": buried,
        "invoices": {
            invoice.id: invoice
            for one in subscriptions
            if one.id in of_each
            for invoice in of_each[one.id]
            if invoice.id in kept_of(one, of_each[one.id])
        },
    }


def kept_of(one: Subscription, oldest_first: list[Invoice]) -> set[str]:
    """What is kept of a subscription's invoices: all that are not settled, the newest that are, and
    those on which a rule rests.
    """
    settled = [invoice for invoice in oldest_first if invoice.status in {"paid", "void"}]
    since = [
        invoice
        for invoice in settled
        if one.trial_end and invoice.created >= one.trial_end and invoice.status == "paid"
    ]
    paid = [invoice for invoice in settled if invoice.amount_paid]
    needed = (*settled[-SETTLED_INVOICES_KEPT:], *since[:1], *paid[:1], *paid[-1:])
    unsettled = (invoice for invoice in oldest_first if invoice not in settled)
    return {invoice.id for invoice in (*needed, *unsettled)}


def delivered(random: Random, steps: int, faults: Faults) -> Delivery:
    """A history of so many steps, invented and delivered with these faults."""
    delivery = Delivery(invent(random, steps), random, faults)
    delivery.run()
    return delivery


def assert_true(delivery: Delivery) -> None:
    """The account is as Stripe has it, with nothing in doubt; what is not ours is not there."""
    history, place = delivery.history, delivery.place
    assert set(place.accounts.items) == ({ACCOUNT} if history.ours else set())
    if account := place.accounts.load(ACCOUNT):
        assert updated(account) == as_stripe_has_it(history.truth, history.ours)
        assert account.asks == ()
        assert not [
            known
            for known in (*account.customers.values(), *account.subscriptions.values())
            if known.doubts
        ]


@pytest.mark.parametrize("faults", FAULTS)
@examples(200, derandomize=True)
@given(random=st.randoms(use_true_random=True), steps=st.integers(3, 30))
def test_an_invented_history_ends_as_stripe_has_it(faults: str, random: Random, steps: int) -> None:
    assert_true(delivered(random, steps, FAULTS[faults]))
