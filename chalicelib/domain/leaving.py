"""Leaving on the customer's own page: what is offered instead, the wish that is asked once more by
mail, and what was answered afterwards. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.domain.checkouts import living
from chalicelib.domain.payments import invoices_of
from chalicelib.domain.policy import Alternative, Policy
from chalicelib.domain.tasks import Task

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

WAYS = {
    "cancel_now": "End the subscription at once; nothing is paid back.",
    "withdraw": "Withdraw from the contract: it ends at once, and what was paid is paid back.",
}
"""What is asked once more by mail before it is done."""

ASKED_EVERY = timedelta(minutes=15)
"""One mail for the same wish in so long."""

CHANGEABLE = timedelta(days=1)
"""How long an answer may be changed."""

INVOICES_KNOWN = 12
"""Of a subscription with so many invoices the first may be forgotten (account.py keeps the last
ones).
"""


@dataclass(frozen=True, slots=True)
class Leave:
    """A wish to leave, one of WAYS, that waits for the mailed link to be opened. `reason` is one of
    tasks.REASONS.
    """

    what: str
    at: datetime
    reason: str | None = None
    comment: str | None = None

    @property
    def id(self) -> str:
        """What tells it from another one; links and mails are about this."""
        return f"{self.what}-{self.at.timestamp():.0f}"


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered instead; for a coupon with what it gives, in Stripe's words."""

    alternative: Alternative
    coupon: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was answered for an occasion: one of tasks.REASONS, and the customer's own words. `at`
    is when it was first given.
    """

    answer: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """Somebody on the billing page wants to leave at once."""

    leave: Leave


@dataclass(frozen=True, slots=True)
class LeaveConfirmed:
    """The mailed link of the wish of that moment was followed to its end."""

    asked_at: datetime


@dataclass(frozen=True, slots=True)
class AlternativeTaken:
    """What was offered to who wanted to leave was taken; `kind` is an Alternative's."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The customer has withdrawn from the contract, and what was paid is on its way back."""

    at: datetime


@dataclass(frozen=True, slots=True)
class FeedbackGiven:
    """The one question was answered for an occasion."""

    occasion: str
    answer: str
    comment: str
    at: datetime


LeavingFact = LeaveAsked | LeaveConfirmed | AlternativeTaken | Withdrawn | FeedbackGiven


def is_asked(account: "Account") -> bool:
    """Whether a wish to leave waits for its mailed link."""
    return account.leave is not None and (
        account.left_by is None or account.left_by < account.leave.at
    )


def follows(task: Task, at: datetime) -> list[AlternativeTaken | Withdrawn]:
    """What is known of leaving once a task was done."""
    taken: list[AlternativeTaken | Withdrawn] = (
        [AlternativeTaken(task.alternative, at)] if task.alternative else []
    )
    return [*taken, Withdrawn(at)] if task.verb == "withdraw" else taken


def alternative(
    account: "Account", policy: Policy, reason: str | None, now: datetime
) -> Alternative | None:
    """What is offered to who leaves for a reason, if it can be had and was not taken lately: a
    discount for threatening to leave is given once.
    """
    offer, one = policy.cancel.alternatives.get(reason or ""), living(account)
    if (
        offer is None
        or one is None
        or one.status not in {"active", "trialing"}
        or one.cancels_scheduled
    ):
        return None
    last = account.alternatives.get(offer.kind)
    if last and now < last + policy.cancel.again_after:
        return None
    fits: Mapping[str, bool] = {
        "coupon": True,
        "pause": one.pause_collection is None,
        "plan": _is_smaller(account, policy, offer.value),
    }
    return offer if fits[offer.kind] else None


def _is_smaller(account: "Account", policy: Policy, plan: str) -> bool:
    one = living(account)
    current = policy.plan_of(one.items)[0] if one else None
    currency = next((item.currency for item in one.items if item.currency), None) if one else None
    return policy.rank(plan) < policy.rank(current) and bool(policy.sold(plan, currency))


def access_ends(account: "Account") -> datetime | None:
    """When access ends for who cancels at the period's end: None if at once."""
    one = living(account)
    if one is None or one.status == "paused":
        return None
    return one.trial_end if one.status == "trialing" else one.period_end


def may_withdraw_until(account: "Account", policy: Policy) -> datetime | None:
    """Until when a consumer may withdraw from the contract: so many days from the purchase, or the
    first payment after a trial. None: never could.
    """
    one = living(account)
    if one is None or not policy.cancel.withdrawal_days or one.status == "trialing":
        return None
    invoices = invoices_of(account, one)
    paid = [
        invoice.created for invoice in invoices if invoice.status == "paid" and invoice.amount_paid
    ]
    begun = (
        min(paid, default=None)
        if one.trial_end and len(invoices) < INVOICES_KNOWN
        else one.trial_end or one.created
    )
    return begun + timedelta(days=policy.cancel.withdrawal_days) if begun else None


def may_withdraw(account: "Account", policy: Policy, now: datetime) -> bool:
    """Whether the right of withdrawal stands."""
    until = may_withdraw_until(account, policy)
    return until is not None and now < until
