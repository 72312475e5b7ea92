"""An account's standing: Stripe's status, the access that follows from it, and the reason."""

from datetime import datetime

from chalicelib.values import frozen

ACCESS_LEVELS = ("none", "limited", "full")
"""From the lowest to the highest. With `limited` the customer reaches the billing pages and their
own data, but cannot work with the product.
"""


REASONS = {
    "unconfirmed": "Signed up; the trial begins once the address is confirmed.",
    "trial_starting": "Signed up; the trial runs and is being created at Stripe.",
    "trialing": "The free trial runs.",
    "first_payment": "The trial ended with a card on file; its first payment is under way.",
    "trial_expired": "The trial ended without a payment.",
    "after_trial": "The trial ended; the plan for expired trials applies.",
    "active": "The subscription is paid.",
    "canceling": "The subscription is paid until its scheduled cancellation.",
    "canceled": "The subscription was canceled.",
    "stale": "The paid period is over, and Stripe has not reported the next one.",
    "past_due_grace": "A payment failed; access continues during the grace period.",
    "past_due": "A payment failed and the grace period is over.",
    "payment_processing": "A payment by bank debit is under way.",
    "uncollectible": "An invoice was given up and is not paid.",
    "payment_incomplete": "The first payment has not been completed.",
    "incomplete_expired": "The first payment was not completed in time.",
    "unpaid": "Stripe no longer retries a failed payment.",
    "paused": "The subscription is paused.",
    "collection_paused": "Collection of payments is paused.",
    "customer_deleted": "The customer was deleted at Stripe.",
    "granted": "An operator granted access.",
    "no_subscription": "There is no subscription.",
    "charged_back": "The bank took the payment of the running period back, after a dispute.",
}
"""Why an account has its access: every `reason`, with its meaning."""


ON_TRIAL = frozenset({"trialing", "trial_starting"})
"""The reasons of a running free trial."""


@frozen
class Standing:
    """What an account may use. `status` is Stripe's, or `granted`, `trial_starting`, `unconfirmed`
    or `none`; `access` is one of ACCESS_LEVELS and `reason` one of REASONS. `until` is when it
    changes by the clock alone; None if it does not.
    """

    status: str
    access: str
    reason: str
    plan: str | None = None
    features: tuple[str, ...] = ()
    quantity: int | None = None
    until: datetime | None = None
