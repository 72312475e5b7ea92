"""The rules of access: what an account may use follows from its state, the policy and the time.
Nothing of it is decided by a job or an event.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.account.queries import has_card, invoices_of, paid_since_trial
from chalicelib.domain.account.standing import ACCESS_LEVELS, Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription


@dataclass(frozen=True, slots=True)
class _Entitlement:
    """The standing that one subscription, grant or signup gives by itself."""

    standing: Standing
    created: datetime
    id: str


_Access = tuple[str, str, datetime | None]
"""(access, reason, until)"""


_CLOSED = {
    "incomplete": "payment_incomplete",
    "incomplete_expired": "incomplete_expired",
    "unpaid": "unpaid",
    "paused": "paused",
    "canceled": "canceled",
}
"""Stripe's statuses that give no access → the reason."""


def standing(account: Account, policy: Policy, now: datetime) -> Standing:
    """The best standing that the account's subscriptions, grants and signup give at `now`, with the
    features of all those that give full access.
    """
    entitlements = list(_entitlements(account, policy, now))
    if not entitlements:
        return Standing("none", "none", "no_subscription")
    best = max(entitlements, key=lambda entitlement: _rank(entitlement, policy)).standing
    features = {
        feature
        for entitlement in entitlements
        if entitlement.standing.access == "full"
        for feature in policy.features(entitlement.standing.plan)
    }
    return replace(best, features=tuple(sorted(features)))


def unknown_prices(account: Account, policy: Policy) -> tuple[str, ...]:
    """Prices of live subscriptions that belong to no plan of the policy. Such a subscription gives
    access without a plan, and raises an alarm.
    """
    live = [tracked.value for tracked in account.subscriptions.values() if not tracked.value.final]
    prices = {
        item.price
        for subscription in live
        if policy.plan_of(subscription.items)[0] is None
        for item in subscription.items
    }
    return tuple(sorted(prices))


def _rank(entitlement: _Entitlement, policy: Policy) -> tuple[int, bool, float, int, datetime, str]:
    given = entitlement.standing
    return (
        ACCESS_LEVELS.index(given.access),
        given.until is None,
        given.until.timestamp() if given.until else 0.0,
        policy.rank(given.plan),
        entitlement.created,
        entitlement.id,
    )


def _entitlements(account: Account, policy: Policy, now: datetime) -> Iterator[_Entitlement]:
    yield from _of_subscriptions(account, policy, now)
    for grant in account.grants:
        if now < grant.until:
            given = Standing("granted", "full", "granted", grant.plan, (), None, grant.until)
            yield _Entitlement(given, grant.until, "")
    yield from _of_signup(account, now)
    if account.ended and not account.subscriptions:
        id, end = max(account.ended.items(), key=lambda pair: (pair[1], pair[0]))
        yield _Entitlement(Standing("canceled", "none", "canceled"), end, id)


def _of_subscriptions(account: Account, policy: Policy, now: datetime) -> Iterator[_Entitlement]:
    for tracked in account.subscriptions.values():
        subscription = tracked.value
        plan, quantity = policy.plan_of(subscription.items)
        access, reason, until = _access(account, subscription, policy, now, tracked.seen)
        if policy.trial.after_trial and _trial_ran_out(subscription, reason):
            access, reason, until, plan = "full", "after_trial", None, policy.trial.after_trial
        # Stripe ends the subscriptions of a deleted customer. The event about that may be lost.
        ended_with_customer = reason == "customer_deleted" and not subscription.final
        status = "canceled" if ended_with_customer else subscription.status
        yield _Entitlement(
            Standing(status, access, reason, plan, (), quantity, until),
            subscription.created,
            subscription.id,
        )


def _of_signup(account: Account, now: datetime) -> Iterator[_Entitlement]:
    signup = account.signup
    if signup and signup.confirm:
        yield _Entitlement(Standing("unconfirmed", "none", "unconfirmed"), signup.at, "")
    elif signup and not account.subscriptions and not account.ended:
        if now < signup.trial_ends_at:
            access, reason, until = "full", "trial_starting", signup.trial_ends_at
        else:
            access, reason, until = "none", "trial_expired", None
        given = Standing("trial_starting", access, reason, signup.plan, (), None, until)
        yield _Entitlement(given, signup.trial_ends_at, "")


def _trial_ran_out(subscription: Subscription, reason: str) -> bool:
    return reason == "trial_expired" or (reason == "paused" and subscription.trial_end is not None)


def _access(
    account: Account, subscription: Subscription, policy: Policy, now: datetime, seen: datetime
) -> _Access:
    customer = account.customers.get(subscription.customer)
    if customer and customer.value.deleted:
        return "none", "customer_deleted", None
    if subscription.status in _CLOSED:
        return "none", _CLOSED[subscription.status], None
    running = _running(account, subscription, policy, now, seen)
    pause, paused_access = subscription.pause_collection, policy.access.collection_paused
    if (
        paused_access is None
        or pause is None
        or (pause.resumes_at and pause.resumes_at <= now)
        or running[0] == "none"
    ):
        return running
    return paused_access, "collection_paused", _earliest(pause.resumes_at, running[2])


def _running(
    account: Account, subscription: Subscription, policy: Policy, now: datetime, seen: datetime
) -> _Access:
    """The access by a subscription that is `trialing`, `active` or `past_due`."""
    cancels_at = subscription.cancels_at
    if cancels_at and cancels_at <= now:
        return "none", "canceled", None
    card_on_file = has_card(account, subscription)
    if subscription.status == "trialing":
        result: _Access = _trialing(subscription, card_on_file, policy, now)
    elif subscription.trial_end and not paid_since_trial(account, subscription):
        closes = subscription.trial_end + policy.trial.first_payment
        result = (
            ("full", "first_payment", closes)
            if card_on_file and now < closes
            else ("none", "trial_expired", None)
        )
    elif subscription.status == "past_due":
        since = _past_due_since(account, subscription, seen)
        grace_ends = since + policy.access.past_due_grace
        result = _full_until("past_due_grace", grace_ends, ("limited", "past_due"), now)
    elif cancels_at:
        result = ("full", "canceling", cancels_at)
    else:
        result = _active(subscription, policy, now)
    access, reason, until = result
    return access, reason, None if access == "none" else _earliest(until, cancels_at)


def _past_due_since(account: Account, subscription: Subscription, seen: datetime) -> datetime:
    """When the oldest failed invoice was finalized. Without one: the start of the period, else when
    the subscription's state was last reported.
    """
    return min(
        (
            invoice.finalized_at or invoice.created
            for invoice in invoices_of(account, subscription)
            if invoice.status == "open" and (invoice.attempted or invoice.attempt_count)
        ),
        default=subscription.period_start or seen,
    )


def _trialing(
    subscription: Subscription, card_on_file: bool, policy: Policy, now: datetime
) -> _Access:
    end = subscription.trial_end
    if end is None or now < end:
        return "full", "trialing", end
    until = end + (policy.trial.late_news if card_on_file else timedelta(0))
    return _full_until("trialing", until, ("none", "trial_expired"), now)


def _active(subscription: Subscription, policy: Policy, now: datetime) -> _Access:
    if subscription.period_end is None:
        return "full", "active", None
    until = subscription.period_end + policy.access.renewal_grace
    return _full_until("active", until, (policy.access.stale, "stale"), now)


def _full_until(
    reason: str, until: datetime, afterwards: tuple[str, str], now: datetime
) -> _Access:
    """Full access for `reason` until a time; after it (access, reason) as in `afterwards`."""
    return ("full", reason, until) if now < until else (*afterwards, None)


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time), default=None)
