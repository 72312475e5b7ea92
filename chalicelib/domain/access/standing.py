"""The standing of an account: what it may use follows from its state, the policy and the time.
Nothing of it is decided by a job or an event. rules.py has the rules for one subscription,
paid_plans.py those for its plan.
"""

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.access.paid_plans import paid_plan
from chalicelib.domain.access.rules import Case, access_of
from chalicelib.domain.account.queries import plan_of, restarts_trial
from chalicelib.domain.account.standing import ACCESS_LEVELS, Standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import frozen, replace


@frozen
class _Entitlement:
    """The standing that one subscription, grant or signup gives by itself."""

    standing: Standing
    created: datetime
    id: str


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
        if plan_of(account, subscription, policy)[0] is None
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
        case = Case(account, subscription, policy, now, tracked.seen)
        plan, quantity = paid_plan(case)
        access, reason, until = access_of(case)
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
    elif signup and (_awaits_trial(account) or restarts_trial(account)):
        if now < signup.trial_ends_at:
            access, reason, until = "full", "trial_starting", signup.trial_ends_at
        else:
            access, reason, until = "none", "trial_expired", None
        given = Standing("trial_starting", access, reason, signup.plan, (), None, until)
        yield _Entitlement(given, signup.trial_ends_at, "")


def _awaits_trial(account: Account) -> bool:
    return not account.subscriptions and not account.ended


def _trial_ran_out(subscription: Subscription, reason: str) -> bool:
    return reason == "trial_expired" or (reason == "paused" and subscription.trial_end is not None)
