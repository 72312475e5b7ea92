"""Stripe's customers, subscriptions, invoices and cards: by Stripe's names, and only the fields
that a decision reads.

Every field exists in all API versions since 2022-11-15. Events and responses may be rendered by
different versions, and the same state has to compare equal whichever rendered it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import field, fields
from datetime import datetime

from chalicelib.values import frozen

FINAL_STATUSES = frozenset({"canceled", "incomplete_expired"})
"""The statuses of a subscription that has ended for good."""


STATUSES = FINAL_STATUSES | {"incomplete", "trialing", "active", "past_due", "unpaid", "paused"}
"""Every status of a subscription that Stripe documents. Another one makes it unreadable: Billhook
does not guess.
"""


INVOICE_RANKS = {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3}
"""An invoice's status only goes forward along these ranks."""


OF_SINGLE_ITEMS = frozenset({"manual", "automatic_pending_invoice_item_invoice"})
"""The reasons of invoices that bill single items, beside a subscription's periods and changes:
somebody created them, or they are created now and then for what was added. The subscription's
status does not depend on them (docs.stripe.com/api/invoices/create, `subscription`).
"""


@frozen
class Customer:
    """Stripe's customer. `card` is the id of the default payment method or source; one that is only
    attached does not count. `currency` is the only one in which it can be billed, None before its
    first invoice; `locale` is the first of its preferred languages.
    """

    id: str
    email: str | None = None
    name: str | None = None
    card: str | None = None
    deleted: bool = False
    currency: str | None = field(default=None, repr=False)
    locale: str | None = field(default=None, repr=False)

    @property
    def final(self) -> bool:
        """Whether no later state is possible."""
        return self.deleted


@frozen
class Item:
    """An item of a subscription. `amount` is in minor units of `currency`, the price's own; None if
    the price is tiered or custom, or has fractions of a minor unit, which `amount_decimal` has
    then. A `metered` price takes no quantity. `discounts` are the ids of those of this item alone.

    Where there is a `package`, the amount is for so many of the quantity; what is left over counts
    as one more where the price `rounds_up`. `inclusive_tax` is the tax that the amount contains, in
    per cent of what is left without it; None if it contains none, or Stripe calculates it for each
    invoice.
    """

    price: str
    product: str | None = None
    lookup_key: str | None = None
    quantity: int | None = None
    amount: int | None = None
    currency: str | None = None
    interval: str | None = None
    interval_count: int = 1
    metered: bool = field(default=False, repr=False)
    amount_decimal: str | None = field(default=None, repr=False)
    discounts: tuple[str, ...] = field(default=(), repr=False)
    package: int | None = field(default=None, repr=False)
    rounds_up: bool = field(default=False, repr=False)
    inclusive_tax: str | None = field(default=None, repr=False)


@frozen
class PauseCollection:
    """Stripe's `pause_collection`: invoices are not collected, and the status does not change."""

    behavior: str
    resumes_at: datetime | None = None


@frozen
class CancellationDetails:
    """Stripe's `cancellation_details`: `reason` is Stripe's, `feedback` the reason that the
    customer chose, `comment` the customer's own words.
    """

    reason: str | None = None
    feedback: str | None = None
    comment: str | None = None


@frozen
class Subscription:
    """Stripe's subscription. `period_end` is the latest of its items' period ends; `canceled_at` is
    when its cancellation was requested. `card` is its own default payment method.

    `currency` is what it is billed in, whatever its prices are made for. `send_invoice` says that
    its invoices are sent to be paid by a due date, and not charged. `schedule` is the schedule that
    manages it. `account_id` is the account that its metadata names.
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
    currency: str | None = field(default=None, repr=False)
    send_invoice: bool = field(default=False, repr=False)
    schedule: str | None = field(default=None, repr=False)
    account_id: str | None = field(default=None, repr=False)

    @property
    def final(self) -> bool:
        """Whether no later state is possible."""
        return self.status in FINAL_STATUSES

    @property
    def cancellation_scheduled(self) -> bool:
        """Whether a cancellation is scheduled, by either of Stripe's fields."""
        return self.cancel_at_period_end or self.cancel_at is not None

    @property
    def cancels_at(self) -> datetime | None:
        """When a scheduled cancellation takes effect; None if there is none. In flexible billing
        the portal sets `cancel_at`; other ways set the flag.
        """
        return self.cancel_at or (self.period_end if self.cancel_at_period_end else None)


@frozen
class Invoice:
    """Stripe's invoice. Amounts are in minor units of `currency`; `subscription` is None for an
    invoice without one.

    `amount_remaining` is what is left to pay; None if it was recorded by a release that did not
    read it. `reason` is Stripe's `billing_reason`. An invoice with `send_invoice` was sent, and is
    to be paid by `due_date`. A draft that is `held` stays one until somebody finalizes it. `total`
    is what it costs before the customer's balance is taken into account; below 0 it becomes credit.
    `changed_from` has the items that a change of plan or quantity credits; empty once it is paid.
    `uncollectible_at` is when it was given up; None if it was not, or was recorded by a release
    that did not read it.
    """

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
    amount_remaining: int | None = None
    reason: str | None = None
    send_invoice: bool = False
    due_date: datetime | None = None
    held: bool = False
    total: int | None = None
    changed_from: tuple[Item, ...] = ()
    uncollectible_at: datetime | None = None

    @property
    def left_to_pay(self) -> int:
        """What the customer is asked for: less than `amount_due` once a part of it is paid."""
        return self.amount_due if self.amount_remaining is None else self.amount_remaining


@frozen
class InvoicePayment:
    """The state of the payment of an invoice, None if it belongs to none: `status` is
    `processing`, `failed` or `settled` (neither of them), `failure` Stripe's code. `debit_since` is
    when it was created, if it is a bank debit.
    """

    invoice: str | None
    status: str
    failure: str | None = None
    debit_since: datetime | None = None


@frozen
class Card:
    """A card or a bank account that pays, as far as it may be shown. A card can be used until the
    end of its month. `debit` is Stripe's type of a bank debit, such as `sepa_debit`, and None for a
    card; a bank account does not expire: its `exp_month` and `exp_year` are 0.
    """

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    debit: str | None = None


def digest(state: Customer | Subscription | None) -> str:
    """A short hash that identifies a state among those of one object. It is stored, and made of
    `repr`: the fields of these classes keep their names and their order. A later field is left out
    of `repr`, and counts only if it has a value, so that the digests stored before it still hold.
    """
    text = repr(state) + "".join(_later_fields(state)) if state else repr(state)
    return hashlib.blake2s(text.encode(), digest_size=6).hexdigest()


def _later_fields(state: Customer | Subscription | Item) -> Iterator[str]:
    for one in fields(state):
        value = getattr(state, one.name)
        if not one.repr and value != one.default:
            yield f"|{one.name}={value!r}"
    if isinstance(state, Subscription):
        for item in state.items:
            yield from _later_fields(item)
