"""Stripe's customers, subscriptions, invoices and cards, with Stripe's names and only the fields
that a decision reads.

A field stands here only if every API version from 2022-11-15 on can tell it: events and answers may
be rendered by different versions, and the same state must compare equal whichever rendered it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

FINAL_STATUSES = frozenset({"canceled", "incomplete_expired"})


STATUSES = FINAL_STATUSES | {"incomplete", "trialing", "active", "past_due", "unpaid", "paused"}
"""Every status of a subscription that Stripe documents; another is unreadable rather than guessed.
"""


INVOICE_RANKS = {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3}
"""An invoice's status only goes forward along these ranks."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Stripe's customer. `card` is the default payment method or source: one merely attached does
    not count.
    """

    id: str
    email: str | None = None
    name: str | None = None
    card: str | None = None
    deleted: bool = False

    @property
    def final(self) -> bool:
        """Whether it can never live again."""
        return self.deleted


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a subscription. `amount` is in minor units of `currency`; None where the price is
    tiered or custom.
    """

    price: str
    product: str | None = None
    lookup_key: str | None = None
    quantity: int | None = None
    amount: int | None = None
    currency: str | None = None
    interval: str | None = None
    interval_count: int = 1


@dataclass(frozen=True, slots=True)
class PauseCollection:
    """Stripe's `pause_collection`: invoices are not collected, the status stays what it is."""

    behavior: str
    resumes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CancellationDetails:
    """Stripe's `cancellation_details`: `reason` is Stripe's own word for why, `feedback` the
    customer's choice, `comment` the customer's words.
    """

    reason: str | None = None
    feedback: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Stripe's subscription. `period_end` is the latest of its items' ends; `canceled_at` is when
    its cancellation was asked for.
    """

    id: str
    customer: str
    status: str
    created: datetime
    items: tuple[Item, ...] = ()
    discounts: tuple[str, ...] = ()
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    period_start: datetime | None = None
    period_end: datetime | None = None
    cancel_at: datetime | None = None
    cancel_at_period_end: bool = False
    ended_at: datetime | None = None
    pause_collection: PauseCollection | None = None
    card: str | None = None
    canceled_at: datetime | None = None
    cancellation_details: CancellationDetails | None = None

    @property
    def final(self) -> bool:
        """Whether it can never live again."""
        return self.status in FINAL_STATUSES

    @property
    def cancels_scheduled(self) -> bool:
        """Whether a cancellation is scheduled, by whichever field."""
        return self.cancel_at_period_end or self.cancel_at is not None

    @property
    def cancels_at(self) -> datetime | None:
        """When a scheduled cancellation takes effect. The portal sets `cancel_at` in flexible
        billing, all else may set the flag.
        """
        return self.cancel_at or (self.period_end if self.cancel_at_period_end else None)


@dataclass(frozen=True, slots=True)
class Invoice:
    """Stripe's invoice; amounts in minor units of `currency`. `subscription` is
    None for a one-off."""

    id: str
    customer: str
    status: str
    created: datetime
    subscription: str | None = None
    currency: str | None = None
    amount_due: int = 0
    amount_paid: int = 0
    attempt_count: int = 0
    attempted: bool = False
    next_payment_attempt: datetime | None = None
    finalized_at: datetime | None = None
    hosted_invoice_url: str | None = None
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What may be shown of a payment method that is a card. It is good to the end of its month."""

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


def digest(thing: Customer | Subscription | None) -> str:
    """A short name for a state, to tell two states of one object apart."""
    return hashlib.blake2s(repr(thing).encode(), digest_size=6).hexdigest()
