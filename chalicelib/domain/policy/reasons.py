"""Why customers cancel and why subscriptions end, in Stripe's words."""

CANCELLATION_REASONS = {
    "too_expensive": "It costs too much.",
    "missing_features": "Something is missing.",
    "switched_service": "Another service does it.",
    "unused": "It is not used.",
    "customer_service": "The service was not good.",
    "too_complex": "It is too hard to use.",
    "low_quality": "It is not good enough.",
    "other": "Something else.",
}
"""Why customers cancel: Stripe's `cancellation_details.feedback`."""


END_REASONS = {
    **CANCELLATION_REASONS,
    "cancellation_requested": "The customer gave no reason.",
    "payment_failed": "Stripe ended it because a payment failed.",
    "payment_disputed": "Stripe ended it because a payment was disputed.",
}
"""Why subscriptions end: the customer's reason, else Stripe's `cancellation_details.reason`."""
