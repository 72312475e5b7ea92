"""Rules of a cancellation: the retention offer, the end of access, and the right of withdrawal."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.account.cancellation import (
    ContractWithdrawn,
    OwnPause,
    Refund,
    RetentionOfferAccepted,
)
from chalicelib.domain.account.operations import Operation
from chalicelib.domain.account.payments import OF_A_CHANGE, is_payment, unpaid_pause
from chalicelib.domain.account.queries import (
    creation_order,
    current_subscription,
    invoices_of,
    period_invoices,
    plan_of,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.account.terms import is_canceling
from chalicelib.domain.policy.policy import Policy, RetentionOffer
from chalicelib.domain.stripe_objects.answers import Coupon
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import frozen


@frozen
class Offer:
    """What is offered instead; for a coupon, with the coupon itself."""

    alternative: RetentionOffer
    coupon: Coupon | None = None


def follows(
    task: Operation, at: datetime, refund: Refund | None = None
) -> list[RetentionOfferAccepted | ContractWithdrawn]:
    """The facts about a cancellation that follow from an operation once it is done. `refund` is
    what a withdrawal pays back.
    """
    pause = (
        OwnPause(task.subscription, task.paid_until, task.at)
        if task.verb == "pause" and task.subscription and task.paid_until and task.at
        else None
    )
    taken: list[RetentionOfferAccepted | ContractWithdrawn] = (
        [RetentionOfferAccepted(task.alternative, at, pause)] if task.alternative else []
    )
    return [*taken, ContractWithdrawn(at, refund)] if task.verb == "withdraw" else taken


def retention_offer(
    account: Account, policy: Policy, reason: str | None, now: datetime
) -> RetentionOffer | None:
    """The offer to a customer who cancels for `reason`; None if there is none, if it does not fit
    the subscription, or if one of its kind was accepted within `again_after`: threatening to cancel
    does not earn a discount each time.
    """
    offer, subscription = (
        policy.cancel.alternatives.get(reason or ""),
        current_subscription(account),
    )
    if (
        offer is None
        or subscription is None
        or subscription.status not in {"active", "trialing"}
        or is_canceling(subscription)
    ):
        return None
    last = account.alternatives.get(offer.kind)
    if last and now < last + policy.cancel.again_after:
        return None
    fits: Mapping[str, bool] = {
        "coupon": True,
        "pause": _is_paid(account, subscription),
        "plan": _is_smaller(account, policy, offer.value),
    }
    return offer if fits[offer.kind] else None


def _is_paid(account: Account, subscription: Subscription) -> bool:
    """Whether the customer may pause it: it is active, and its last invoice was paid; a change
    that cost nothing does not count. A trial, or what is not paid, would only be used for nothing.
    """
    if subscription.status != "active" or subscription.pause_collection:
        return False
    bills = [
        one
        for one in period_invoices(account, subscription)
        if one.amount_due or one.reason != OF_A_CHANGE
    ]
    last = max(bills, key=creation_order, default=None)
    is_free = unpaid_pause(account, subscription) is None
    return is_free and subscription.period_end is not None and bool(last and is_payment(last))


def _is_smaller(account: Account, policy: Policy, plan: str) -> bool:
    subscription = current_subscription(account)
    current = plan_of(account, subscription, policy)[0] if subscription else None
    currency = (
        next((item.currency for item in subscription.items if item.currency), None)
        if subscription
        else None
    )
    return policy.rank(plan) < policy.rank(current) and bool(policy.lookup_keys(plan, currency))


def access_ends(account: Account) -> datetime | None:
    """When access ends if the customer cancels at the end of the period; None if at once."""
    subscription = current_subscription(account)
    if subscription is None or subscription.status == "paused":
        return None
    return subscription.trial_end if subscription.status == "trialing" else subscription.period_end


def may_withdraw_until(account: Account, policy: Policy) -> datetime | None:
    """Until when a consumer may withdraw from the contract: `withdrawal_days` after the purchase,
    or after the first payment if there was a trial. None if there is no such right.
    """
    subscription = current_subscription(account)
    if (
        subscription is None
        or not policy.cancel.withdrawal_days
        or subscription.status == "trialing"
    ):
        return None
    begun: datetime | None = subscription.created
    if subscription.trial_end:
        paid = [one.created for one in invoices_of(account, subscription) if one.amount_paid]
        begun = min(paid, default=None)
    return begun + timedelta(days=policy.cancel.withdrawal_days) if begun else None


def may_withdraw(
    account: Account, policy: Policy, now: datetime, last: datetime | None = None
) -> bool:
    """Whether the customer may withdraw from the contract now. `last` is when the same person last
    withdrew, from whichever account.
    """
    until = may_withdraw_until(account, policy)
    again = withdraws_again(last or account.withdrawn_at, policy, now)
    if until is None or (again and policy.cancel.withdrawal_again == "refuse"):
        return False
    return now < until


def withdraws_again(last: datetime | None, policy: Policy, now: datetime) -> bool:
    """Whether the last withdrawal is so short ago that the days that were used are kept now."""
    return last is not None and now < last + policy.cancel.withdrawal_again_after
