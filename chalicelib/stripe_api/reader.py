"""Reads Stripe's objects."""

from itertools import islice
from typing import Any

from chalicelib.domain.stripe_objects.answers import (
    Coupon,
    CustomerAnswer,
    InvoiceAnswer,
    StripeCharge,
    SubscriptionAnswer,
)
from chalicelib.domain.stripe_objects.objects import InvoicePayment
from chalicelib.domain.stripe_objects.pagination import MOST_INVOICES
from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.stripe_api import answers, discounts
from chalicelib.stripe_api.discounts import named_coupons
from chalicelib.stripe_api.fields import reference
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.stripe_api.writer import data_of

WITH_CUSTOMER = "data.customer.invoice_settings.default_payment_method"
"""Expands the customer of each object in a list, with its default card."""


class StripeReader:
    """Implements ReaderApi (usecases/ports/stripe.py)."""

    def __init__(self, transport: StripeTransport) -> None:
        self._transport = transport

    def customer(self, id: str) -> CustomerAnswer | None:
        """See ReaderApi."""
        raw = self._transport.get(
            f"/v1/customers/{id}", expand=["invoice_settings.default_payment_method"]
        )
        return answers.customer(raw) if raw else None

    def customer_with_subscriptions(
        self, id: str
    ) -> tuple[CustomerAnswer, list[SubscriptionAnswer] | None] | None:
        """See ReaderApi. Stripe tells ten of them (docs.stripe.com/api/customers/object)."""
        raw = self._transport.get(
            f"/v1/customers/{id}",
            expand=[
                "invoice_settings.default_payment_method",
                "subscriptions.data.default_payment_method",
            ],
        )
        return answers.customer_with_subscriptions(raw) if raw else None

    def subscription(self, id: str) -> SubscriptionAnswer | None:
        """See ReaderApi."""
        raw = self._transport.get(f"/v1/subscriptions/{id}", expand=["default_payment_method"])
        return answers.subscription(raw) if raw else None

    def subscriptions_of(self, customer: str) -> list[SubscriptionAnswer]:
        """See ReaderApi."""
        found = self._transport.all(
            "/v1/subscriptions",
            customer=customer,
            status="all",
            expand=["data.default_payment_method"],
        )
        return [answers.subscription(raw) for raw in found]

    def subscriptions_with_customer(
        self, customer: str
    ) -> tuple[list[SubscriptionAnswer], CustomerAnswer | None]:
        """See ReaderApi."""
        found = self._transport.all(
            "/v1/subscriptions",
            customer=customer,
            status="all",
            expand=["data.default_payment_method", WITH_CUSTOMER],
        )
        return [answers.subscription(raw) for raw in found], answers.customer_in(found)

    def invoices_of(self, customer: str) -> list[InvoiceAnswer]:
        """See ReaderApi."""
        return [answers.invoice(raw) for raw in self._invoices(customer)]

    def invoices_with_customer(
        self, customer: str
    ) -> tuple[list[InvoiceAnswer], CustomerAnswer | None]:
        """See ReaderApi."""
        found = self._invoices(customer, expand=[WITH_CUSTOMER])
        return [answers.invoice(raw) for raw in found], answers.customer_in(found)

    def _invoices(self, customer: str, **more: Any) -> list[Raw]:
        found = self._transport.each("/v1/invoices", customer=customer, **more)
        return list(islice(found, MOST_INVOICES))

    def invoice(self, id: str) -> InvoiceAnswer | None:
        """See ReaderApi."""
        raw = self._transport.get(f"/v1/invoices/{id}")
        return answers.invoice(raw) if raw else None

    def payments_of(self, invoice: str) -> list[InvoicePayment]:
        """See ReaderApi."""
        page = self._transport.get(
            "/v1/invoice_payments", invoice=invoice, expand=["data.payment.payment_intent"]
        )
        return answers.payments(data_of(page))

    def charge(self, id: str) -> StripeCharge | None:
        """See ReaderApi."""
        raw = self._transport.get(f"/v1/charges/{id}")
        return answers.charge(raw) if raw else None

    def coupon(self, id: str) -> Coupon | None:
        """See ReaderApi."""
        raw = self._transport.get(f"/v1/coupons/{id}")
        return answers.coupon(raw) if raw else None

    def discount_terms(self, subscription: str) -> dict[str, DiscountTerms]:
        """See ReaderApi. Stripe expands four levels at most, and a coupon of an item's discount is
        on the fifth (docs.stripe.com/api/expanding_objects).
        """
        raw = self._transport.get(
            f"/v1/subscriptions/{subscription}",
            expand=["discounts.source.coupon", "items.data.discounts"],
        )
        return discounts.terms_in_subscription(raw, coupons=self._named_in(raw)) if raw else {}

    def customer_discount(self, customer: str) -> dict[str, DiscountTerms]:
        """See ReaderApi."""
        raw = self._transport.get(f"/v1/customers/{customer}")
        return discounts.terms_in_customer(raw, coupons=self._named_in(raw)) if raw else {}

    def _named_in(self, raw: Raw) -> dict[str, Raw]:
        """The coupons that a customer or a subscription only names."""
        found = {id: self._transport.get(f"/v1/coupons/{id}") for id in named_coupons(raw)}
        return {id: coupon for id, coupon in found.items() if coupon}

    def invoice_paid_by(self, payment_intent: str) -> str | None:
        """See ReaderApi."""
        payment = {"type": "payment_intent", "payment_intent": payment_intent}
        page = self._transport.get("/v1/invoice_payments", payment=payment)
        return next((reference(one.get("invoice")) for one in data_of(page)), None)
