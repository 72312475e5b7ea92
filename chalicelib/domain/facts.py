"""Facts: one thing learnt each, translated from its source. Objects keep Stripe's names and only
the fields that a decision reads.

A field stands here only if every API version from 2022-11-15 on can tell it: events and answers may
be rendered by different versions, and the same state must compare equal whichever of them told it.
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


@dataclass(frozen=True, slots=True)
class Event:
    """News that came by an event. `created` is Stripe's second.

    `before` is the digest of the state that `previous_attributes` tells of; `born` says that
    nothing was before; `stale` that the news was more than a day old when it was heard.
    """

    created: datetime
    before: str | None = None
    born: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """News that Stripe gave when asked. `began` is the second in which the request began, by our
    clock.

    `mark` is what was known of the object at that moment: while it still is, nothing newer than the
    answer has been heard, whatever the clocks.
    """

    began: datetime
    mark: str


@dataclass(frozen=True, slots=True)
class CustomerSeen:
    """A customer's state, by an event or an answer."""

    customer: Customer
    by: Event | Answer


@dataclass(frozen=True, slots=True)
class SubscriptionSeen:
    """A subscription's state, by an event or an answer."""

    subscription: Subscription
    by: Event | Answer


@dataclass(frozen=True, slots=True)
class InvoiceSeen:
    """An invoice's state. Invoices need no order: they only go forward. `bank_asks` says that the
    bank wants its last attempt to be confirmed: the invoice itself does not tell, only the type of
    the event.
    """

    invoice: Invoice
    at: datetime
    bank_asks: bool = False


@dataclass(frozen=True, slots=True)
class CardSeen:
    """A card as it was at a moment: banks renew them, so a later look counts more."""

    card: Card
    at: datetime


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """What to ask Stripe: one `customer`, one `subscription`, or the `subscriptions` or `invoices`
    of a customer.
    """

    what: str
    id: str

    def __str__(self) -> str:
        return f"{self.what}:{self.id}"


def everything_of(customer: str) -> tuple[Ask, ...]:
    """What to ask to know all of a customer."""
    return Ask("customer", customer), Ask("invoices", customer), Ask("subscriptions", customer)


@dataclass(frozen=True, slots=True)
class Answered:
    """Stripe's whole answer to one ask; no facts if Stripe does not know the object."""

    ask: Ask
    facts: tuple[CustomerSeen | SubscriptionSeen | InvoiceSeen | CardSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class MilestoneReached:
    """The user has done something in the product, at the earliest at this moment."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """The customer wants mail of a stream, or no more of it."""

    stream: str
    wanted: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class AddressProved:
    """Whoever reads the account's mail opened a link that was mailed there."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SignInAsked:
    """Somebody who knows the address wants a link to the billing page by mail."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in link was opened: the one that was asked for at `asked_at`, which works once."""

    asked_at: datetime


@dataclass(frozen=True, slots=True)
class CheckoutCompleted:
    """A Checkout session of ours was completed. `at` is when that was heard."""

    session: str
    mode: str
    customer: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputeSeen:
    """A payment is disputed; `status` is Stripe's, `charge` the payment."""

    id: str
    charge: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """A payment was given back, in part or whole: told for the timeline. `refunded` is all that
    was, in minor units.
    """

    charge: str
    amount: int
    refunded: int
    currency: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CardGiven:
    """A card that a Checkout session collected has been made the default. `at` is when it was
    entered: an older one never replaces it.
    """

    card: str
    at: datetime


StripeFact = (
    CustomerSeen
    | SubscriptionSeen
    | InvoiceSeen
    | CardSeen
    | CheckoutCompleted
    | DisputeSeen
    | RefundSeen
)
