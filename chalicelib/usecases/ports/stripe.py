"""Protocols of Stripe's API, one for each resource. stripe_api and fakes implement them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.account.operations import Change, Charge
from chalicelib.domain.billing.stripe_requests import ChangedLine, NewCheckout, NewTrial
from chalicelib.domain.stripe_objects.answers import (
    Address,
    BalanceChange,
    ChangedSubscription,
    CheckoutSession,
    Coupon,
    CustomerAnswer,
    Discount,
    InvoiceAnswer,
    InvoiceItem,
    InvoicePreview,
    InvoiceWithPayments,
    ListEntry,
    SchedulePhase,
    StripeCharge,
    SubscriptionAnswer,
)
from chalicelib.domain.stripe_objects.objects import Customer, InvoicePayment, Subscription
from chalicelib.domain.stripe_objects.pagination import ListCursor, Page
from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.values import frozen


class ReaderApi(Protocol):
    """Reads single objects and everything of one customer. Customers and subscriptions come with
    their default card.
    """

    def customer(self, id: str) -> CustomerAnswer | None:
        """The customer, deleted or not; None if Stripe does not know it."""

    def customer_with_subscriptions(
        self, id: str
    ) -> tuple[CustomerAnswer, list[SubscriptionAnswer] | None] | None:
        """The customer, and those of its subscriptions that have not ended, by one call; None in
        their place if there are more than Stripe tells. None if Stripe does not know the customer.
        """

    def subscription(self, id: str) -> SubscriptionAnswer | None:
        """The subscription; None if Stripe does not know it."""

    def subscriptions_of(self, customer: str) -> list[SubscriptionAnswer]:
        """All subscriptions of a customer, in any status."""

    def subscriptions_with_customer(
        self, customer: str
    ) -> tuple[list[SubscriptionAnswer], CustomerAnswer | None]:
        """All subscriptions of a customer, in any status, and the customer, by one call; None in
        its place if it has no subscription.
        """

    def invoices_of(self, customer: str) -> list[InvoiceAnswer]:
        """The newest invoices of a customer, MOST_INVOICES of them, the newest first. A call lists
        a hundred.
        """

    def invoices_with_customer(
        self, customer: str
    ) -> tuple[list[InvoiceAnswer], CustomerAnswer | None]:
        """The same and the customer, by the same calls; None in its place if it has no invoice."""

    def invoice(self, id: str) -> InvoiceAnswer | None:
        """The invoice; None if Stripe does not know it."""

    def payments_of(self, invoice: str) -> list[InvoicePayment]:
        """The state of each payment of an invoice, the newest first."""

    def charge(self, id: str) -> StripeCharge | None:
        """The charge; None if Stripe does not know it."""

    def coupon(self, id: str) -> Coupon | None:
        """The coupon; None if Stripe does not know it any more."""

    def discount_terms(self, subscription: str) -> dict[str, DiscountTerms]:
        """The terms of the discounts of a subscription and of its items, by id; empty if Stripe
        does not know the subscription.
        """

    def customer_discount(self, customer: str) -> dict[str, DiscountTerms]:
        """The terms of the discount for all that a customer has, by its id; empty if it has none,
        or Stripe does not know the customer.
        """

    def invoice_paid_by(self, payment_intent: str) -> str | None:
        """The id of the invoice that a PaymentIntent pays; None if it pays none."""


class ListingApi(Protocol):
    """Reads Stripe's long lists a page at a time, the newest first, starting behind `place`."""

    def undelivered_events(
        self, types: Sequence[str], since: datetime, place: ListCursor | None
    ) -> Page[str]:
        """Events of these types, created since then, that not every endpoint has accepted
        (docs.stripe.com/webhooks/process-undelivered-events): each as the JSON that a webhook's
        body would have held.
        """

    def live_subscriptions(self, place: ListCursor | None) -> Page[ListEntry]:
        """All subscriptions that have not ended, each with its customer and its latest invoice."""

    def ended_subscriptions(self, since: datetime, place: ListCursor | None) -> Page[ListEntry]:
        """Subscriptions that were created since then and have ended, each with its customer and its
        latest invoice.
        """


class CustomersApi(Protocol):
    """Stripe's customers."""

    def with_email(self, email: str) -> list[CustomerAnswer]:
        """The hundred newest customers with exactly this address. Reads the list, which is never
        behind; Stripe's search is.
        """

    def create(
        self, key: str, metadata: Mapping[str, str], email: str, name: str | None
    ) -> Customer:
        """Create a customer whose metadata names and proves the account. `email` may be empty."""

    def update(self, key: str, customer: str, values: Mapping[str, str]) -> Customer:
        """Change a customer's `email`, `name` or `language`."""

    def set_default_card(
        self, key: str, customer: str, card: str, address: Address | None = None
    ) -> Customer:
        """Make an attached card the customer's default, and `address` the customer's address."""

    def delete(self, id: str) -> None:
        """Delete a customer for good, which ends its subscriptions at once. Does nothing if it is
        deleted already.
        """

    def balance_changes(self, customer: str) -> list[BalanceChange]:
        """All changes of a customer's balance, the newest first."""

    def take_credit(
        self, key: str, customer: str, subscription: str, amount: int, currency: str
    ) -> None:
        """Take away credit of a customer, because it withdrew from the subscription."""

    def open_portal(self, customer: str, return_url: str) -> str:
        """The URL of a new session of Stripe's customer portal, with the configuration that
        `python -m ops stripe apply` made. Nobody can change the e-mail address there.
        """


class CheckoutApi(Protocol):
    """Stripe's Checkout sessions."""

    def create(self, key: str, new: NewCheckout) -> CheckoutSession:
        """Create a session. Raises StripeRefused also if the plan has no lookup key or no price,
        and InvalidInput if the price cannot be billed in the currency.
        """

    def session(self, id: str) -> CheckoutSession | None:
        """The session, with the card that it collected; None if Stripe does not know it."""

    def open_sessions(self, customer: str) -> list[CheckoutSession]:
        """The customer's sessions that can still be completed, a hundred at most."""

    def expire(self, id: str) -> None:
        """Expire a session. Does nothing if it is not open any more."""


class SubscriptionsApi(Protocol):
    """Stripe's subscriptions, and the coupons that they get."""

    def start_trial(self, key: str, new: NewTrial) -> Subscription:
        """Create a trialing subscription without a card."""

    def set_card(self, key: str, id: str, card: str) -> None:
        """Make an attached card the default of this subscription alone."""

    def enable_tax(self, key: str, id: str) -> None:
        """Let Stripe Tax calculate the tax of the subscription's invoices."""

    def resume(self, key: str, id: str) -> None:
        """Resume a paused subscription. Its new period begins now."""

    def cancel_at_period_end(
        self, key: str, id: str, reason: str | None, comment: str | None
    ) -> Subscription:
        """Schedule the cancellation for the end of the period."""

    def cancel_now(self, id: str, reason: str | None, comment: str | None) -> Subscription | None:
        """Cancel at once without a refund; None if it has ended already or never existed."""

    def reactivate(self, key: str, subscription: Subscription) -> Subscription:
        """Undo a scheduled cancellation, whichever field holds it, and a pause of collection."""

    def begin_period(self, key: str, id: str) -> Subscription:
        """Begin a new period now and bill it; nothing of the last one is credited. Raises
        CardDeclined or ConfirmationRequired, and changes nothing, if it is not paid.
        """

    def pause_collection(self, key: str, id: str, until: datetime) -> Subscription:
        """Collect no payments until then. Invoices of that time are voided."""

    def phases_of(self, schedule: str) -> list[SchedulePhase]:
        """The phases of a subscription's schedule; none if Stripe does not know it. Raises
        Unreadable too.
        """

    def release_schedule(self, key: str, schedule: str) -> None:
        """Release the schedule of a subscription: the subscription stays as it is, and the phases
        that were to come are dropped. Raises StripeRefused if it is not active any more.
        """

    def change(
        self, key: str, id: str, line: ChangedLine, change: Change, currency: str | None
    ) -> ChangedSubscription:
        """Change price and quantity of one line of a subscription that is billed in `currency`.
        Raises CardDeclined or ConfirmationRequired, and changes nothing, if an amount is due at
        once and is not paid; InvalidInput if the price cannot be billed in the currency.
        """

    def change_once_paid(
        self, key: str, id: str, line: ChangedLine, change: Change, currency: str | None
    ) -> ChangedSubscription:
        """The same, but if the amount that is due at once is not paid, its invoice stays open for a
        day: the change is made as soon as it is paid, or dropped.
        """

    def preview_change(
        self, id: str, line: ChangedLine, change: Change, currency: str | None
    ) -> InvoicePreview:
        """The invoice that this change would create, or the next invoice with it."""

    def move_trial_end(self, key: str, id: str, at: datetime) -> Subscription:
        """Move the end of the trial."""

    def coupon(self, id: str) -> Coupon | None:
        """The coupon; None if Stripe does not know it."""

    def discounts_of(self, id: str) -> list[Discount]:
        """The subscription's discounts; none if Stripe does not know the subscription."""

    def add_coupon(self, key: str, id: str, discounts: list[str], coupon: str) -> Subscription:
        """Add a coupon's discount and keep `discounts`, the ids of those that it has."""


class InvoicesApi(Protocol):
    """Stripe's invoices with their items and payments. Amounts are in minor units."""

    def items_of(self, customer: str) -> list[InvoiceItem]:
        """All invoice items of a customer, invoiced or not."""

    def add_item(
        self,
        key: str,
        account_id: str,
        customer: str,
        charge: Charge,
        subscription: str | None,
        invoice: str | None,
    ) -> None:
        """Add a charge as an item: to the draft `invoice`, or else to the subscription's next
        invoice.
        """

    def create(
        self, key: str, account_id: str, customer: str, charge: Charge, taxed: bool
    ) -> InvoiceAnswer:
        """Create an empty draft for one charge. Stripe does not finalize it by itself."""

    def finalize(self, key: str, id: str) -> InvoiceAnswer:
        """Turn a draft into an open invoice."""

    def pay(self, key: str, id: str) -> InvoiceAnswer:
        """Try to pay an open invoice now. Raises CardDeclined, ConfirmationRequired."""

    def with_payments(self, id: str) -> InvoiceWithPayments:
        """An invoice's status, and that of its payments."""

    def void(self, key: str, id: str) -> None:
        """Void an open invoice."""

    def payment_intents_of(self, id: str) -> list[str]:
        """The ids of the payment intents that paid an invoice."""

    def charges_of(self, customer: str) -> list[StripeCharge]:
        """All charges of a customer."""

    def refund(
        self, key: str, account_id: str | None, charge: str, amount: int | None = None
    ) -> None:
        """Refund `amount` of a charge, or what is left of it."""


@frozen
class Stripe:
    """Stripe's API by resource."""

    reader: ReaderApi
    listing: ListingApi
    customers: CustomersApi
    checkout: CheckoutApi
    subscriptions: SubscriptionsApi
    invoices: InvoicesApi
