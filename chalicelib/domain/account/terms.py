"""Whether a subscription that has an end was canceled, or was sold for a fixed term."""

from datetime import timedelta

from chalicelib.domain.stripe_objects.objects import Subscription

PURCHASE = timedelta(seconds=2)
"""How long a purchase takes at Stripe. An end that was set later was not part of it."""


def has_fixed_term(subscription: Subscription) -> bool:
    """Whether the subscription was sold with its end in sight, so that nobody has canceled it:
    `cancel_at` was there from the start, or a schedule has set it.

    Stripe sets `canceled_at` with the end (docs.stripe.com/api/subscriptions/object): here to the
    second of the purchase.
    """
    if subscription.cancel_at is None or subscription.cancel_at_period_end:
        return False
    details = subscription.cancellation_details
    if details and (details.feedback or details.comment):
        return False
    if subscription.schedule is not None:
        return True
    set_at = subscription.canceled_at
    return set_at is not None and set_at <= subscription.created + PURCHASE


def is_canceling(subscription: Subscription) -> bool:
    """Whether a cancellation is scheduled that is not just the end of a fixed term."""
    return subscription.cancellation_scheduled and not has_fixed_term(subscription)


def ends_with_its_period(subscription: Subscription) -> bool:
    """Whether the subscription is to end with its current period, or before."""
    ends, period_end = subscription.cancels_at, subscription.period_end
    return ends is not None and (period_end is None or ends <= period_end)
