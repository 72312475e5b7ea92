"""Use cases that take in news: Stripe's events, what the product and the customer tell, and what
SES says of messages.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.account.facts import MilestoneReached
from chalicelib.domain.account.state import Account
from chalicelib.stripe_api.events import read_event
from chalicelib.usecases.accounts.record import record_consent
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.messaging.delivery_feedback import take_feedback
from chalicelib.usecases.schedule.outbox import publish_outbox
from tests.fakes.faults import OutsideCalls
from tests.fakes.lifecycles import ACCOUNT, Life, MemoryClaims
from tests.fakes.services import RECORDINGS, FakeServices, at, updated
from tests.system.reliability.clock import told_of, until_later
from tests.system.reliability.run import UseCase
from tests.unit.usecases.ingestion.test_ingest_recordings import messages
from tests.unit.usecases.messaging.test_delivery_feedback import Desk, MemorySuppressions, notice

RECORDING = RECORDINGS["upgrades_then_downgrades"]
BEGUN, CHANGED = 9, 17
"""So many events make the purchase, and so many more make it another plan."""


@dataclass
class Mailbag:
    """Messages of the events queue, which come again until they are taken in."""

    place: FakeServices = field(default_factory=FakeServices)
    waiting: list[Message] = field(default_factory=list)

    def arrives(self, begin: int, end: int, *more: Message) -> "Mailbag":
        self.place.stripe.reader.truth = RECORDING.truth(end)
        self.place.now.at = at(RECORDING.events[end - 1]["created"])
        self.waiting = [*more, *messages(RECORDING.events[begin:end])]
        return self

    def work(self, calls: OutsideCalls) -> None:
        outcomes = ingest(self.waiting, calls.watch(self.place.services))
        back = {outcome.message for outcome in outcomes if outcome.effect == "retry"}
        self.waiting = [message for message in self.waiting if message.id in back]


def next_delivery(bag: Mailbag, calls: OutsideCalls) -> None:
    """What was not taken in comes again; what Stripe did not answer is asked by the agenda."""
    bag.work(calls)
    until_later(bag.place, calls.watch(bag.place.services))


def to_be_adopted() -> Mailbag:
    return Mailbag().arrives(0, BEGUN)


def to_be_learnt() -> Mailbag:
    """News of a known account; beside it a message that nobody can read, and a dispute, which names
    a charge only.
    """
    bag = to_be_adopted()
    bag.work(OutsideCalls())
    dispute = {
        "id": "dp_1",
        "object": "dispute",
        "charge": "ch_1",
        "status": "needs_response",
        "reason": "fraudulent",
    }
    event = {
        **RECORDING.events[-1],
        "id": "evt_dispute",
        "type": "charge.dispute.created",
        "data": {"object": dispute},
    }
    return bag.arrives(
        BEGUN, CHANGED, Message("broken", "{broken"), Message("dispute", json.dumps(event))
    )


def to_be_carried_out() -> Mailbag:
    """What a call learnt, and no worker: the domain events wait for the stream."""
    bag = to_be_adopted()
    facts = [
        fact for message in bag.waiting if (fact := read_event(message.body, bag.place.now.at).fact)
    ]
    apply_facts(Account("acct_demo"), facts, bag.place.services, None)
    return bag


def end_of_bag(bag: Mailbag) -> Any:
    account = bag.place.accounts.only() if bag.place.accounts.items else None
    dead = {body for body, _ in bag.place.dead_letters.messages}
    return (
        account and (updated(account), account.asks, account.standing),
        told_of(bag.place),
        dead,
        len(bag.waiting),
    )


def end_of_outbox(bag: Mailbag) -> Any:
    account = bag.place.accounts.only()
    return updated(account), account.outbox, account.due_at, told_of(bag.place)


def has_told(desk: Desk) -> Any:
    claim = desk.claims.load("acc_1", "welcome@signup")
    return desk.suppressions.held, desk.outcome, sorted(desk.timeline), claim and claim.state


@dataclass(frozen=True)
class Beside:
    claims: MemoryClaims
    suppressions: MemorySuppressions


def take_notice(desk: Desk, calls: OutsideCalls) -> None:
    beside = calls.watch_parts(Beside(desk.claims, desk.suppressions), "claims", "suppressions")
    take_feedback(
        notice("Bounce"), calls.watch(desk.place.services), beside.claims, beside.suppressions
    )


def reach(life: Life, calls: OutsideCalls) -> None:
    services = calls.watch(life.place.services)
    account = services.stores.accounts.load(ACCOUNT)
    assert account
    apply_facts(
        account,
        [MilestoneReached("connected_data", life.now.at)],
        services,
        StripeFetcher(services),
    )


def unsubscribe(life: Life, calls: OutsideCalls) -> None:
    services = calls.watch(life.place.services)
    account = services.stores.accounts.load(ACCOUNT)
    assert account
    record_consent(account, "lifecycle", False, services)


def end_of_wish(life: Life) -> Any:
    return set(life.account.unsubscribed), dict(life.account.milestones).keys(), told_of(life.place)


def outbox(bag: Mailbag, calls: OutsideCalls) -> None:
    publish_outbox("acct_demo", calls.watch(bag.place.services))


USE_CASES = (
    UseCase(
        "Adopt a customer from Stripe's events",
        "SQS delivers the messages again; the schedule fetches what Stripe did not answer",
        to_be_adopted,
        Mailbag.work,
        next_delivery,
        end_of_bag,
        clock=lambda bag: bag.place.now,
    ),
    UseCase(
        "Ingest Stripe's events",
        "SQS delivers the failed messages again",
        to_be_learnt,
        Mailbag.work,
        next_delivery,
        end_of_bag,
        clock=lambda bag: bag.place.now,
    ),
    UseCase(
        "Publish an outbox",
        "the stream delivers the record again; if it fails for good, the account is due a"
        " minute later",
        to_be_carried_out,
        outbox,
        outbox,
        end_of_outbox,
        clock=None,
    ),
    UseCase(
        "Process SES's delivery feedback",
        "SNS calls the function again",
        lambda: Desk(FakeServices()).has("queued"),
        take_notice,
        take_notice,
        has_told,
        clock=lambda desk: desk.place.now,
    ),
    UseCase(
        "Record a milestone",
        "the product gets a 503 and calls again",
        lambda: Life().begins(),
        reach,
        reach,
        end_of_wish,
        clock=lambda life: life.now,
    ),
    UseCase(
        "Unsubscribe",
        "the mail program or the customer gets a 503 and tries again",
        lambda: Life().begins(),
        unsubscribe,
        unsubscribe,
        end_of_wish,
        clock=lambda life: life.now,
    ),
)
