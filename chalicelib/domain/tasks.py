"""Tasks: changes at Stripe that somebody asked for, decided and written down before Stripe is
called, so that every try says the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.standing import Standing

VERBS = {
    "cancel": "End the subscription when what is paid for is over.",
    "cancel_now": "End the subscription at once; nothing is paid back.",
    "withdraw": "End the subscription at once and pay back all that was paid for it.",
    "uncancel": "Take back a scheduled cancellation, and a pause of collection with it.",
    "unpause": "Collect payments again.",
    "pause": "Collect no payments for a time.",
    "resume": "Let a paused subscription run again, and pay what that costs.",
    "plan": "Change plan, interval or quantity.",
    "trial": "Move the end of the trial.",
    "discount": "Give a coupon's discount on what comes.",
    "charge": "Charge an amount beside the subscription.",
}
"""What a task can be. All but a charge are about the subscription's state, and come one after the
other.
"""


REASONS = {
    "too_expensive": "It costs too much.",
    "missing_features": "Something is missing.",
    "switched_service": "Another service does it.",
    "unused": "It is not used.",
    "customer_service": "The service was not good.",
    "too_complex": "It is too hard to use.",
    "low_quality": "It is not good enough.",
    "other": "Something else.",
}
"""Why customers cancel: Stripe's words for it (`cancellation_details.feedback`)."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another plan, interval or quantity. `prorate` is one of PRORATE; what is prorated is so as of
    `as_of`.
    """

    plan: str
    interval: str
    quantity: int
    lookup_key: str
    prorate: str
    as_of: datetime


PRORATE = {
    "now": (
        "The difference for the rest of the period is billed at once; what a smaller plan leaves"
        " over is kept as credit."
    ),
    "next_invoice": "The difference stands on the next invoice.",
    "none": "The rest of the period costs what it did.",
}
"""How a change of plan in the middle of a period is settled. A change of interval begins a new
period and bills it at once in any case.
"""


PREVIEW_LASTS = timedelta(minutes=15)
"""How long a preview may be confirmed: one of long ago would prorate as of then, so its amount is
asked for anew.
"""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change costs: `due_now` in minor units of `currency`, if it is made as of `as_of`;
    with `next_invoice` the next one's amount is `next_amount`. `change` None: all is so already.
    """

    change: Change | None
    due_now: int
    currency: str
    as_of: datetime
    next_amount: int | None = None


def is_fresh(as_of: datetime, now: datetime) -> bool:
    """Whether a preview of that moment may still be confirmed."""
    return timedelta(0) <= now - as_of <= PREVIEW_LASTS


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount in minor units of a currency, on the `next_invoice` or billed `now`. `card` pays
    it, where the customer has no default of its own.
    """

    id: str
    amount: int
    currency: str
    description: str
    bill: str
    card: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One of VERBS, about a customer and, all but some charges, its subscription. `at` is a moment
    that the verb needs: the trial's new end, the end of a pause. `asked` tells the caller's body,
    and `key` is its Idempotency-Key. `alternative` is what was offered to who wanted to leave.
    """

    verb: str
    customer: str
    subscription: str | None = None
    at: datetime | None = None
    change: Change | None = None
    charge: Charge | None = None
    coupon: str | None = None
    reason: str | None = None
    comment: str | None = None
    key: str | None = None
    asked: str = ""
    alternative: str | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """What became of a charge: `pending` until the next invoice, or `paid` by an invoice of its
    own.
    """

    charge: Charge
    status: str
    invoice: str | None = None


def done_by(task: Task) -> str | None:
    """What a task did, in the words of a reactivation; None for what is none."""
    return {"uncancel": "uncanceled", "unpause": "resumed", "resume": "resumed"}.get(task.verb)


@dataclass(frozen=True, slots=True)
class Declined:
    """A card that was declined: an answer too, and the same for ever under its key."""

    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call that changes something came to: the standing after it; what a reactivation did,
    or where it leads; the charge that was made.
    """

    standing: Standing
    action: str | None = None
    url: str | None = None
    charged: Charged | None = None
    declined: Declined | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given under an Idempotency-Key, and what was asked: the same is answered
    so for ever.
    """

    account_id: str
    key: str
    asked: str
    at: datetime
    outcome: Outcome
