"""What an account may use now: a function of its state, the policy and the clock. No job and no
event decides it.
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
class _Claim:
    """What one subscription, grant or signup gives by itself."""

    standing: Standing
    created: datetime
    id: str


_Verdict = tuple[str, str, datetime | None]
"""(access, reason, until)"""


_CLOSED = {
    "incomplete": "payment_incomplete",
    "incomplete_expired": "incomplete_expired",
    "unpaid": "unpaid",
    "paused": "paused",
    "canceled": "canceled",
}


def standing(account: Account, policy: Policy, now: datetime) -> Standing:
    """The best of what the account's subscriptions, grants and signup give at `now`, with the
    features of all that is full.
    """
    claims = list(_claims(account, policy, now))
    if not claims:
        return Standing("none", "none", "no_subscription")
    best = max(claims, key=lambda claim: _order(claim, policy)).standing
    features = {
        feature
        for claim in claims
        if claim.standing.access == "full"
        for feature in policy.features(claim.standing.plan)
    }
    return replace(best, features=tuple(sorted(features)))


def unknown_prices(account: Account, policy: Policy) -> tuple[str, ...]:
    """Prices of living subscriptions that the catalogue does not know: they keep their access,
    without a plan, and are worth an alarm.
    """
    living = (known.value for known in account.subscriptions.values() if not known.value.final)
    return tuple(
        sorted(
            {
                item.price
                for value in living
                if policy.plan_of(value.items)[0] is None
                for item in value.items
            }
        )
    )


def _order(claim: _Claim, policy: Policy) -> tuple[int, bool, float, int, datetime, str]:
    until = claim.standing.until
    lasting = until.timestamp() if until else 0.0
    return (
        ACCESS_LEVELS.index(claim.standing.access),
        until is None,
        lasting,
        policy.rank(claim.standing.plan),
        claim.created,
        claim.id,
    )


def _claims(account: Account, policy: Policy, now: datetime) -> Iterator[_Claim]:
    for known in account.subscriptions.values():
        subscription = known.value
        plan, quantity = policy.plan_of(subscription.items)
        access, reason, until = _verdict(account, subscription, policy, now, known.seen)
        if policy.trial.after_trial and _ran_out(subscription, reason):
            access, reason, until, plan = "full", "after_trial", None, policy.trial.after_trial
        # Stripe ends what a customer has when it is deleted; the news of that may be lost.
        status = (
            "canceled"
            if reason == "customer_deleted" and not subscription.final
            else subscription.status
        )
        yield _Claim(
            Standing(status, access, reason, plan, (), quantity, until),
            subscription.created,
            subscription.id,
        )
    for grant in account.grants:
        if now < grant.until:
            yield _Claim(
                Standing("granted", "full", "granted", grant.plan, (), None, grant.until),
                grant.until,
                "",
            )
    if account.signup and account.signup.confirm:
        yield _Claim(Standing("unconfirmed", "none", "unconfirmed"), account.signup.at, "")
    elif account.signup and not account.subscriptions and not account.ended:
        signup, running = account.signup, now < account.signup.trial_ends_at
        access, reason, until = (
            ("full", "trial_starting", signup.trial_ends_at)
            if running
            else ("none", "trial_expired", None)
        )
        yield _Claim(
            Standing("trial_starting", access, reason, signup.plan, (), None, until),
            signup.trial_ends_at,
            "",
        )
    if account.ended and not account.subscriptions:
        id, end = max(account.ended.items(), key=lambda pair: (pair[1], pair[0]))
        yield _Claim(Standing("canceled", "none", "canceled"), end, id)


def _ran_out(subscription: Subscription, reason: str) -> bool:
    return reason == "trial_expired" or (reason == "paused" and subscription.trial_end is not None)


def _verdict(
    account: Account, subscription: Subscription, policy: Policy, now: datetime, seen: datetime
) -> _Verdict:
    customer = account.customers.get(subscription.customer)
    if customer and customer.value.deleted:
        return "none", "customer_deleted", None
    if subscription.status in _CLOSED:
        return "none", _CLOSED[subscription.status], None
    verdict = _running(account, subscription, policy, now, seen)
    pause, kept = subscription.pause_collection, policy.access.collection_paused
    if (
        kept is None
        or pause is None
        or (pause.resumes_at and pause.resumes_at <= now)
        or verdict[0] == "none"
    ):
        return verdict
    return (
        kept,
        "collection_paused",
        min((end for end in (pause.resumes_at, verdict[2]) if end), default=None),
    )


def _running(
    account: Account, subscription: Subscription, policy: Policy, now: datetime, seen: datetime
) -> _Verdict:
    """For `trialing`, `active` and `past_due`."""
    canceled_at = subscription.cancels_at
    if canceled_at and canceled_at <= now:
        return "none", "canceled", None
    card = has_card(account, subscription)
    if subscription.status == "trialing":
        verdict = _trialing(subscription, card, policy, now)
    elif subscription.trial_end and not paid_since_trial(account, subscription):
        closes = subscription.trial_end + policy.trial.first_payment
        verdict = (
            ("full", "first_payment", closes)
            if card and now < closes
            else ("none", "trial_expired", None)
        )
    elif subscription.status == "past_due":
        invoices = invoices_of(account, subscription)
        since = min(
            (
                i.finalized_at or i.created
                for i in invoices
                if i.status == "open" and (i.attempted or i.attempt_count)
            ),
            default=subscription.period_start or seen,
        )
        verdict = _graced(
            "past_due_grace", since + policy.access.past_due_grace, ("limited", "past_due"), now
        )
    elif canceled_at:
        verdict = "full", "canceling", canceled_at
    else:
        verdict = _active(subscription, policy, now)
    access, reason, until = verdict
    return (
        access,
        reason,
        (
            min((end for end in (until, canceled_at) if end), default=None)
            if access != "none"
            else None
        ),
    )


def _trialing(subscription: Subscription, card: bool, policy: Policy, now: datetime) -> _Verdict:
    end = subscription.trial_end
    if end is None or now < end:
        return "full", "trialing", end
    return _graced(
        "trialing",
        end + (policy.trial.late_news if card else timedelta(0)),
        ("none", "trial_expired"),
        now,
    )


def _active(subscription: Subscription, policy: Policy, now: datetime) -> _Verdict:
    if subscription.period_end is None:
        return "full", "active", None
    return _graced(
        "active",
        subscription.period_end + policy.access.renewal_grace,
        (policy.access.stale, "stale"),
        now,
    )


def _graced(reason: str, until: datetime, afterwards: tuple[str, str], now: datetime) -> _Verdict:
    return ("full", reason, until) if now < until else (*afterwards, None)
