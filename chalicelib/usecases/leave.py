"""Leaving by the customer's own hand: what is offered instead, what is asked once more by mail, and
the answer to why.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain import actions, leaving
from chalicelib.domain.account import Account
from chalicelib.domain.errors import NotPossible, Refused, Unavailable
from chalicelib.domain.leaving import (
    AlternativeTaken,
    FeedbackGiven,
    Leave,
    LeaveAsked,
    LeaveConfirmed,
    Offer,
)
from chalicelib.domain.policy import Alternative
from chalicelib.domain.tasks import Outcome, Task
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.actions import Asked, cancel, do
from chalicelib.usecases.sign_up import nudge
from chalicelib.usecases.world import World


def offered(account: Account, reason: str | None, world: World) -> Offer | None:
    """What is offered to who leaves for this reason. Nobody is kept from leaving by a coupon that
    cannot be looked up.
    """
    found = leaving.alternative(account, world.policy, reason, world.now())
    if found is None or found.kind != "coupon":
        return Offer(found) if found else None
    try:
        coupon = world.stripe.subscriptions.coupon(found.value)
    except (Unavailable, Refused):
        return None
    return Offer(found, coupon) if coupon and coupon.get("valid", True) else None


def take_alternative(account: Account, reason: str, world: World) -> Alternative | None:
    """Take what is offered to who leaves for this reason, once however often it is asked for; None
    if there is nothing.

    A smaller `plan` is only noted, for its price is still to be seen. Raises as the actions do.
    """
    offer, now = leaving.alternative(account, world.policy, reason, world.now()), world.now()
    if offer is None:
        return None
    if offer.kind == "plan":
        absorb(account, [AlternativeTaken("plan", now)], world, Asker(world))
        return offer

    def decide(found: Account, now: datetime) -> Task | None:
        if leaving.alternative(found, world.policy, reason, now) != offer:
            return None  # somebody was faster: a double click, or another tab
        pauses = offer.kind == "pause"
        task = (
            actions.pause(found, now + timedelta(days=offer.days), now)
            if pauses
            else actions.discount(found, offer.value, now)
        )
        return replace(task, alternative=offer.kind) if task else None

    last = account.alternatives.get(offer.kind)
    times = f"{last.timestamp():.0f}" if last else "first"
    do(
        account.id,
        Asked(f"instead {offer.kind}", f"page instead {offer.kind} {times}"),
        decide,
        world,
    )
    return offer


def ask_to_leave(
    account: Account, what: str, reason: str | None, comment: str | None, world: World
) -> None:
    """Have a link mailed that ends the subscription at once: `cancel_now`, or `withdraw`. Raises
    NotPossible where billing.toml does not allow it.
    """
    now = world.now().replace(microsecond=0)
    if not account.email:
        raise NotPossible("We have no address to write to. Please write to us.")
    if what == "withdraw":
        actions.withdrawal(account, world.policy, now, now)
    elif world.policy.cancel.now:
        actions.cancellation(account, "now", reason, comment, now)
    else:
        raise NotPossible("A subscription ends with what is paid for.")
    nudge(
        absorb(account, [LeaveAsked(Leave(what, now, reason, comment))], world, Asker(world)), world
    )


def leave(account: Account, wish: Leave, world: World) -> Outcome:
    """Do what the mailed link was asked for: once, however often it is sent. Raises as the actions
    do.
    """
    asked = Asked(f"leave {wish.what}", f"page leave {wish.id}")
    if wish.what == "withdraw":
        outcome = do(
            account.id,
            asked,
            lambda found, now: actions.withdrawal(found, world.policy, wish.at, now),
            world,
        )
    else:
        outcome = cancel(account.id, asked, "now", wish.reason, wish.comment, world)
    found = world.accounts.load(account.id) or account
    nudge(absorb(found, [LeaveConfirmed(wish.at)], world, Asker(world)), world)
    return outcome


def give_feedback(account: Account, occasion: str, answer: str, comment: str, world: World) -> bool:
    """Keep the answer for an occasion; False if the time in which it could be changed is over."""
    now = world.now()
    learnt = absorb(account, [FeedbackGiven(occasion, answer, comment, now)], world, Asker(world))
    given = learnt.feedback[occasion]
    return (given.answer, given.comment) == (answer, comment)
