"""Ports: what the use cases need of the outside world, as protocols. `runtime` passes the real
adapters, tests pass fakes.

Every call to Stripe raises `Unavailable` if Stripe gives no answer now, and `Refused` if Stripe
rejects the call. A call that changes something takes an idempotency key: repeated under the same
key, Stripe makes the change once. Such a call may also raise `CardDeclined`, and `Doubtful`: Stripe
may or may not have made the change, and would repeat its failure under the same key (check what
Stripe holds, then use another key).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.domain.listing import Page, Place
from chalicelib.domain.stripe_requests import NewCheckout, NewTrial
from chalicelib.domain.tasks import Change, Charge
from chalicelib.stripe_api.transport import Raw


class ReaderApi(Protocol):
    """Reads single objects and everything of one customer. Customers and subscriptions come with
    their default card.
    """

    def customer(self, id: str) -> Raw | None:
        """The customer, deleted or not; None if Stripe does not know it."""

    def subscription(self, id: str) -> Raw | None:
        """The subscription; None if Stripe does not know it."""

    def subscriptions_of(self, customer: str) -> list[Raw]:
        """All subscriptions of a customer, in any status."""

    def invoices_of(self, customer: str) -> list[Raw]:
        """The hundred newest invoices of a customer, the newest first."""

    def charge(self, id: str) -> Raw | None:
        """The charge; None if Stripe does not know it."""


class ListingApi(Protocol):
    """Reads Stripe's long lists a page at a time, the newest first, starting behind `place`."""

    def undelivered_events(
        self, types: Sequence[str], since: datetime, place: Place | None
    ) -> Page:
        """Events of these types, created since then, that not every endpoint has accepted
        (docs.stripe.com/webhooks/process-undelivered-events).
        """

    def live_subscriptions(self, place: Place | None) -> Page:
        """All subscriptions that have not ended, each with its customer and its latest invoice."""

    def ended_subscriptions(self, since: datetime, place: Place | None) -> Page:
        """Subscriptions that were created since then and have ended, each with its customer and its
        latest invoice.
        """


class CustomersApi(Protocol):
    """Stripe's customers."""

    def with_email(self, email: str) -> list[Raw]:
        """The hundred newest customers with exactly this address. Reads the list, which is never
        behind; Stripe's search is.
        """

    def create(self, key: str, account_id: str, email: str, name: str | None) -> Raw:
        """Create a customer whose metadata names the account."""

    def set_default_card(
        self, key: str, customer: str, card: str, address: Raw | None = None
    ) -> Raw:
        """Make an attached card the customer's default, and `address` the customer's address."""

    def delete(self, id: str) -> None:
        """Delete a customer for good, which ends its subscriptions at once. Does nothing if it is
        deleted already.
        """

    def open_portal(self, customer: str, return_url: str) -> Raw:
        """Create a session of Stripe's customer portal, with the configuration that
        `python -m ops stripe apply` made, or else Stripe's default.
        """


class CheckoutApi(Protocol):
    """Stripe's Checkout sessions."""

    def create(self, key: str, new: NewCheckout) -> Raw:
        """Create a session. Raises Refused also if the plan has no lookup key or no price."""

    def session(self, id: str) -> Raw | None:
        """The session with its setup intent and that intent's card; None if Stripe does not know
        it.
        """

    def open_sessions(self, customer: str) -> list[Raw]:
        """The customer's sessions that can still be completed, a hundred at most."""

    def expire(self, id: str) -> None:
        """Expire a session. Does nothing if it is not open any more."""


class SubscriptionsApi(Protocol):
    """Stripe's subscriptions, and the coupons that they get."""

    def start_trial(self, key: str, new: NewTrial) -> Raw:
        """Create a trialing subscription without a card."""

    def set_card(self, key: str, id: str, card: str) -> Raw:
        """Make an attached card the default of this subscription alone."""

    def enable_tax(self, key: str, id: str) -> Raw:
        """Let Stripe Tax calculate the tax of the subscription's invoices."""

    def resume(self, key: str, id: str) -> Raw:
        """Resume a paused subscription. Its new period begins now."""

    def cancel_at_period_end(
        self, key: str, id: str, reason: str | None, comment: str | None
    ) -> Raw:
        """Schedule the cancellation for the end of the period."""

    def cancel_now(self, id: str, reason: str | None, comment: str | None) -> Raw | None:
        """Cancel at once without a refund; None if it has ended already or never existed."""

    def reactivate(self, key: str, subscription: Raw) -> Raw:
        """Undo a scheduled cancellation, whichever field holds it, and a pause of collection."""

    def pause_collection(self, key: str, id: str, until: datetime) -> Raw:
        """Collect no payments until then. Invoices of that time are voided."""

    def change(self, key: str, id: str, line: str, change: Change) -> Raw:
        """Change price or quantity of one line. Raises CardDeclined, and changes nothing, if an
        amount is due at once and cannot be paid.
        """

    def preview_change(self, id: str, line: str, change: Change) -> Raw:
        """The invoice that this change would create, or the next invoice with it."""

    def move_trial_end(self, key: str, id: str, at: datetime) -> Raw:
        """Move the end of the trial."""

    def coupon(self, id: str) -> Raw | None:
        """The coupon; None if Stripe does not know it."""

    def discounts_of(self, id: str) -> list[tuple[str, str | None]]:
        """The subscription's discounts: the id of each, and of its coupon."""

    def add_coupon(self, key: str, id: str, discounts: list[str], coupon: str) -> Raw:
        """Add a coupon's discount and keep `discounts`, the ids of those that it has."""


class InvoicesApi(Protocol):
    """Stripe's invoices with their items and payments. Amounts are in minor units."""

    def items_of(self, customer: str) -> list[Raw]:
        """All invoice items of a customer, invoiced or not."""

    def add_item(
        self,
        key: str,
        account_id: str,
        customer: str,
        charge: Charge,
        subscription: str | None,
        invoice: str | None,
    ) -> Raw:
        """Add a charge as an item: to the draft `invoice`, or else to the subscription's next
        invoice.
        """

    def create(self, key: str, account_id: str, customer: str, charge: Charge, taxed: bool) -> Raw:
        """Create an empty draft for one charge. Stripe does not finalize it by itself."""

    def finalize(self, key: str, id: str) -> Raw:
        """Turn a draft into an open invoice."""

    def pay(self, key: str, id: str) -> Raw:
        """Try to pay an open invoice now. Raises CardDeclined."""

    def void(self, key: str, id: str) -> Raw:
        """Void an open invoice."""

    def payment_intents_of(self, id: str) -> list[str]:
        """The ids of the payment intents that paid an invoice."""

    def charges_of(self, customer: str) -> list[Raw]:
        """All charges of a customer."""

    def refund(self, key: str, account_id: str | None, charge: str) -> Raw:
        """Refund what is left of a charge."""


@dataclass(frozen=True, slots=True)
class Stripe:
    """Stripe's API by resource."""

    reader: ReaderApi
    listing: ListingApi
    customers: CustomersApi
    checkout: CheckoutApi
    subscriptions: SubscriptionsApi
    invoices: InvoicesApi
