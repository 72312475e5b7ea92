"""What Stripe answers to Billhook's calls, as values. Amounts are in minor units of a currency.

A customer, a subscription or an invoice may have a shape that this release does not know. Its
answer then still holds what could be read beside it.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Generic, TypeVar

from chalicelib.domain.errors import Unreadable
from chalicelib.domain.stripe_objects.objects import Card, Customer, Invoice, Item, Subscription
from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.values import frozen

T = TypeVar("T", Customer, Subscription, Invoice)


@frozen
class Read(Generic[T]):
    """One object of an answer. `id` is empty if even that cannot be read; `account_id` is the
    account that the object's metadata names, and `account_proof` stands beside it; `state` is the
    object, or why it cannot be read.
    """

    id: str
    account_id: str | None
    state: T | Unreadable
    account_proof: str | None = field(default=None, repr=False)

    @property
    def value(self) -> T:
        """The object. Raises Unreadable."""
        if isinstance(self.state, Unreadable):
            raise self.state
        return self.state


@frozen
class CustomerAnswer(Read[Customer]):
    """A customer, with its default card if that was expanded. `discounts` has the terms of the one
    for all that it has, by id, without what it gives if its coupon is not expanded.
    """

    deleted: bool = False
    cards: tuple[Card, ...] = ()
    discounts: Mapping[str, DiscountTerms] = field(default_factory=dict)


@frozen
class SubscriptionAnswer(Read[Subscription]):
    """A subscription, with its default card if that was expanded.

    `payment_method` is the default of this subscription alone, `line_ids` are the ids of its items
    in their order. `paused_by` says why its status is `paused`: Stripe's `type` in
    `status_details`, since endive (2026-09-30).
    """

    status: str = ""
    created: datetime | None = None
    payment_method: str | None = None
    automatic_tax: bool = False
    paused_by: str | None = None
    line_ids: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    latest_invoice: str | None = None


@frozen
class InvoiceAnswer(Read[Invoice]):
    """An invoice. `charge_id` is the charge of ours that it was created for, `page_url` its page
    and `pdf_url` its print at Stripe.
    """

    status: str = ""
    charge_id: str | None = None
    page_url: str | None = None
    pdf_url: str | None = None


@frozen
class InvoiceWithPayments:
    """An invoice's `status`, the statuses of its payment `intents`, and its page at Stripe. An
    intent whose last attempt the bank refused for want of a confirmation counts as
    `requires_action`.
    """

    id: str
    status: str
    intents: tuple[str, ...] = ()
    page_url: str | None = None


@frozen
class SchedulePhase:
    """A phase of a subscription's schedule: its items from `starts_at` on."""

    starts_at: datetime
    items: tuple[Item, ...]


@frozen
class ChangedSubscription:
    """A subscription after a change, and its latest invoice if Stripe made one for it."""

    subscription: Subscription
    invoice: InvoiceWithPayments | None = None


@frozen
class InvoiceItem:
    """An invoice item. `charge_id` is the charge of ours that it was created for."""

    id: str
    charge_id: str | None = None


@frozen
class InvoicePreview:
    """What an invoice would amount to."""

    amount_due: int
    currency: str


@frozen
class StripeCharge:
    """A charge of Stripe's: one payment of `amount`, in minor units, of which `amount_refunded` was
    refunded. `refunded` says that nothing is left of it.
    """

    id: str
    customer: str | None = None
    payment_intent: str | None = None
    paid: bool = False
    refunded: bool = False
    disputed: bool = False
    amount: int = 0
    amount_refunded: int = 0
    currency: str | None = None


@frozen
class BalanceChange:
    """A change of a customer's balance, which was `ending_balance` after it. What is below 0 is
    credit. `invoice` is the one that the change is of; `withdrawn` the subscription from which the
    customer withdrew, if Billhook took its credit away.
    """

    amount: int
    currency: str
    ending_balance: int
    invoice: str | None = None
    withdrawn: str | None = None


@frozen
class Address:
    """An address. `country` has two letters."""

    country: str
    state: str | None = None
    postal_code: str | None = None
    city: str | None = None
    line1: str | None = None
    line2: str | None = None


@frozen
class EnteredCard:
    """A card that a customer entered on a Checkout page at that moment, with the billing address
    that was given with it.
    """

    id: str
    at: datetime
    address: Address | None = None


@frozen
class CheckoutSession:
    """A Checkout session. `ours` says that Billhook created it; `account_id` and `customer` say for
    whom. `url` is its page, empty once the session is closed. `card` is the one that a session of
    mode `setup` collected: only CheckoutApi.session gives it.
    """

    id: str
    status: str
    mode: str
    ours: bool
    account_id: str | None = None
    customer: str | None = None
    url: str = ""
    card: EnteredCard | None = None


@frozen
class Coupon:
    """A coupon: `percent_off`, or `amount_off` in `currency`. `duration` is Stripe's `once`,
    `forever` or `repeating`, for `months` months. One that is not `valid` can no longer be given.
    """

    id: str
    valid: bool = True
    percent_off: float | None = None
    amount_off: int | None = None
    currency: str | None = None
    duration: str | None = None
    months: int | None = None


@frozen
class Discount:
    """A discount of a subscription, and the coupon that it came from."""

    id: str
    coupon: str | None


@frozen
class ListedSubscription:
    """A subscription of a list, with its customer and its latest invoice where the list holds them
    whole. The account ids and their proofs are those in the metadata of both. `credit` is what the
    customer has for the next invoices, in minor units of the customer's currency.
    """

    subscription: Subscription
    customer: Customer | None = None
    invoice: Invoice | None = None
    account_id: str | None = None
    customer_account_id: str | None = None
    account_proof: str | None = field(default=None, repr=False)
    customer_account_proof: str | None = field(default=None, repr=False)
    credit: int = 0


@frozen
class ListEntry:
    """One entry of a list of subscriptions. `listed` is None if it cannot be read."""

    id: str
    listed: ListedSubscription | None
