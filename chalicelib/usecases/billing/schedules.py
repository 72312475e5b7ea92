"""A subscription that a schedule manages: Stripe does not let it be canceled, and the schedule's
next phase would undo any other change. So the schedule is released first
(docs.stripe.com/billing/subscriptions/subscription-schedules).
"""

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import StripeRefused
from chalicelib.usecases.billing.live_subscription import Attempt, LiveSubscription, hold
from chalicelib.usecases.services import Services

RELEASES_SCHEDULE = frozenset({"cancel", "cancel_now", "withdraw", "uncancel", "plan", "trial"})
"""The verbs before which a schedule is released. The others leave what is planned as it is."""


def without_schedule(
    account: Account, held: LiveSubscription, attempt: Attempt, services: Services
) -> LiveSubscription:
    """The subscription once no schedule manages it any more. The phases that were to come, and an
    end that the schedule had set, are dropped; the timeline says so.

    Raises as the calls to Stripe do (ports/stripe.py).
    """
    schedule = held.one.schedule
    if schedule is None:
        return held
    entry = Entry(
        account.id,
        attempt.since,
        "call",
        f"{attempt.name}:{schedule}",
        "schedule.released",
        {"schedule": schedule, "subscription": held.one.id},
    )
    # Written first: the entry may be early, and is never lost.
    services.stores.timeline.put([entry])
    try:
        services.stripe.subscriptions.release_schedule(f"{attempt.key}:release", schedule)
    except StripeRefused:
        # Somebody may have released it, or its last phase may have ended, at the same time.
        again = hold(account, held.one.id, services)
        if again.one.schedule == schedule:
            raise
        return again
    return hold(account, held.one.id, services)


def stands_in_the_way(
    failure: StripeRefused, before: LiveSubscription, now: LiveSubscription
) -> bool:
    """Whether Stripe refused a change because of a schedule: one that was added since the
    subscription was read, or one that Stripe names. There is no code for it.
    """
    if now.one.schedule is None:
        return False
    return now.one.schedule != before.one.schedule or "subscription schedule" in failure.message
