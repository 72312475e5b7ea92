"""What an account is now: Stripe's status, the access it gives and the reason."""

from dataclasses import dataclass
from datetime import datetime

ACCESS_LEVELS = ("none", "limited", "full")
"""From the least to the most. `limited` is the billing pages and the customer's own data, not the
product's work.
"""


REASONS = {
    "unconfirmed": "Signed up; the trial begins once the address is confirmed.",
    "trial_starting": "Signed up; the trial runs, and Stripe will know of it shortly.",
    "trialing": "The free trial runs.",
    "first_payment": "The trial ended with a card on file; its first payment is under way.",
    "trial_expired": "The trial ended and was not paid for.",
    "after_trial": "The trial ended; the plan that remains after it applies.",
    "active": "The subscription is paid.",
    "canceling": (
        "The subscription is paid, and ends at the moment for which its cancellation is scheduled."
    ),
    "canceled": "The subscription was canceled.",
    "stale": "The paid period is over and Stripe has said nothing of the next.",
    "past_due_grace": "A payment failed; access goes on while it is tried again.",
    "past_due": "A payment failed and the time to mend it has passed.",
    "payment_incomplete": "The first payment has not been completed.",
    "incomplete_expired": "The first payment was not completed in time.",
    "unpaid": "Stripe gave up on a payment.",
    "paused": "The subscription is paused.",
    "collection_paused": "Collection of payments is paused.",
    "customer_deleted": "The customer was deleted at Stripe.",
    "granted": "Access was given by hand.",
    "no_subscription": "There is no subscription.",
}
"""Why an account has the access it has: every `reason` there is, with what it means."""


ON_TRIAL = frozenset({"trialing", "trial_starting"})
"""The reasons of a free trial that runs."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account is now. `status` is Stripe's, or `granted`, `trial_starting`, `unconfirmed`,
    `none`; `until` is when the clock alone will change it.
    """

    status: str
    access: str
    reason: str
    plan: str | None = None
    features: tuple[str, ...] = ()
    quantity: int | None = None
    until: datetime | None = None
