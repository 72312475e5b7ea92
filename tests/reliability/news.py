"""Use cases that take in news: Stripe's events, what the product and the customer tell, and what
SES says of messages.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.facts import MilestoneReached
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.carry_out import carry_out
from chalicelib.usecases.consent import set_wanted
from chalicelib.usecases.feedback import take_feedback
from chalicelib.usecases.take_in import Message, take_in
from tests.faults import OutsideCalls
from tests.reliability.clockwork import until_later
from tests.reliability.run import UseCase
from tests.usecases.lives import ACCOUNT, Life, MemoryClaims
from tests.usecases.test_feedback import Desk, MemorySuppressions, notice
from tests.usecases.test_take_in_recordings import messages
from tests.worlds import RECORDINGS, Place, at, learnt

RECORDING = RECORDINGS["upgrades_then_downgrades"]
BEGUN, CHANGED = 9, 17
"""So many events make the purchase, and so many more make it another plan."""


@dataclass
class Mailbag:
    """Messages of the events queue, which come again until they are taken in."""

    place: Place = field(default_factory=Place)
    waiting: list[Message] = field(default_factory=list)

    def arrives(self, begin: int, end: int, *more: Message) -> "Mailbag":
        self.place.stripe.reader.truth = RECORDING.truth(end)
        self.place.now.at = at(RECORDING.events[end - 1]["created"])
        self.waiting = [*more, *messages(RECORDING.events[begin:end])]
        return self

    def work(self, calls: OutsideCalls) -> None:
        outcomes = take_in(self.waiting, calls.watch(self.place.world))
        back = {outcome.message for outcome in outcomes if outcome.effect == "given_back"}
        self.waiting = [message for message in self.waiting if message.id in back]


def next_delivery(bag: Mailbag, calls: OutsideCalls) -> None:
    """What was not taken in comes again; what Stripe did not answer is asked by the agenda."""
    bag.work(calls)
    until_later(bag.place, calls.watch(bag.place.world))


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
    bag = to_be_adopted()
    bag.work(OutsideCalls())
    return bag


def end_of_bag(bag: Mailbag) -> Any:
    account = bag.place.accounts.only() if bag.place.accounts.items else None
    dead = {body for body, _ in bag.place.dead_letters.messages}
    return (
        account and (learnt(account), account.asks, account.standing),
        _told(bag.place),
        dead,
        len(bag.waiting),
    )


def end_of_outbox(bag: Mailbag) -> Any:
    account = bag.place.accounts.only()
    return learnt(account), account.outbox, account.due_at, _told(bag.place)


def _told(place: Place) -> Any:
    """What the timeline tells. A happening's id says how many writes came before it, which a repeat
    has more of.
    """
    return sorted(
        (entry.kind, "" if entry.kind == "happening" else entry.id, entry.type)
        for entry in place.log.entries.values()
    )


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
        notice("Bounce"), calls.watch(desk.place.world), beside.claims, beside.suppressions
    )


def reach(life: Life, calls: OutsideCalls) -> None:
    world = calls.watch(life.place.world)
    account = world.accounts.load(ACCOUNT)
    assert account
    absorb(account, [MilestoneReached("connected_data", life.now.at)], world, Asker(world))


def unsubscribe(life: Life, calls: OutsideCalls) -> None:
    world = calls.watch(life.place.world)
    account = world.accounts.load(ACCOUNT)
    assert account
    set_wanted(account, "lifecycle", False, world)


def end_of_wish(life: Life) -> Any:
    return set(life.account.unsubscribed), dict(life.account.milestones).keys(), _told(life.place)


def outbox(bag: Mailbag, calls: OutsideCalls) -> None:
    carry_out("acct_demo", calls.watch(bag.place.world))


USE_CASES = (
    UseCase(
        "Adopt a customer by Stripe's events",
        "SQS brings the messages again; what Stripe did not answer is asked by the agenda",
        to_be_adopted,
        Mailbag.work,
        next_delivery,
        end_of_bag,
        clock=lambda bag: bag.place.now,
    ),
    UseCase(
        "Take in Stripe's events",
        "SQS brings the messages again that were not taken in",
        to_be_learnt,
        Mailbag.work,
        next_delivery,
        end_of_bag,
        clock=lambda bag: bag.place.now,
    ),
    UseCase(
        "Carry out what happened",
        "the stream brings its record again; should it be dead, the account is due a minute later",
        to_be_carried_out,
        outbox,
        outbox,
        end_of_outbox,
        clock=None,
    ),
    UseCase(
        "Take what SES tells of a message",
        "SNS calls the function again",
        lambda: Desk(Place()).has("queued"),
        take_notice,
        take_notice,
        has_told,
        clock=lambda desk: desk.place.now,
    ),
    UseCase(
        "Note a milestone",
        "the product is told 503, and calls again",
        lambda: Life().begins(),
        reach,
        reach,
        end_of_wish,
        clock=lambda life: life.now,
    ),
    UseCase(
        "Unsubscribe",
        "the mail program or the customer is told 503, and tries again",
        lambda: Life().begins(),
        unsubscribe,
        unsubscribe,
        end_of_wish,
        clock=lambda life: life.now,
    ),
)
