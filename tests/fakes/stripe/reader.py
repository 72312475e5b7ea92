"""Stripe's reads, answered with what it holds."""

from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.stripe_objects.answers import (
    Coupon,
    CustomerAnswer,
    InvoiceAnswer,
    StripeCharge,
    SubscriptionAnswer,
)
from chalicelib.domain.stripe_objects.objects import InvoicePayment
from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.stripe_api import answers
from chalicelib.usecases.ports.stripe import Stripe
from local.recordings import Truth

NOTHING = Truth({}, {}, {})


@dataclass
class FakeReader:
    """A ReaderApi that answers with what Stripe holds; `asked` counts. Down while `down`."""

    truth: Truth = NOTHING
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def customer(self, id: str) -> CustomerAnswer | None:
        raw = self._answer(f"customer {id}", lambda: self.truth.customer(id))
        return answers.customer(raw) if raw else None

    def customer_with_subscriptions(
        self, id: str
    ) -> tuple[CustomerAnswer, list[SubscriptionAnswer] | None] | None:
        raw = self._answer(f"customer-and-subscriptions of {id}", lambda: self._both(id))
        return answers.customer_with_subscriptions(raw) if raw else None

    def _both(self, id: str) -> Any:
        raw = self.truth.customer(id)
        living = [
            one
            for one in self.truth.subscriptions_of(id)
            if one["status"] not in ("canceled", "incomplete_expired")
        ]
        return raw and {**raw, "subscriptions": {"data": living, "has_more": False}}

    def subscription(self, id: str) -> SubscriptionAnswer | None:
        raw = self._answer(f"subscription {id}", lambda: self.truth.subscription(id))
        return answers.subscription(raw) if raw else None

    def subscriptions_of(self, customer: str) -> list[SubscriptionAnswer]:
        found = self._answer(
            f"subscriptions of {customer}", lambda: self.truth.subscriptions_of(customer)
        )
        return [answers.subscription(raw) for raw in found]

    def subscriptions_with_customer(
        self, customer: str
    ) -> tuple[list[SubscriptionAnswer], CustomerAnswer | None]:
        found = self._answer(
            f"subscriptions-and-customer of {customer}",
            lambda: self._expanded(self.truth.subscriptions_of(customer)),
        )
        return [answers.subscription(raw) for raw in found], answers.customer_in(found)

    def invoices_with_customer(
        self, customer: str
    ) -> tuple[list[InvoiceAnswer], CustomerAnswer | None]:
        found = self._answer(
            f"invoices-and-customer of {customer}",
            lambda: self._expanded(self.truth.invoices_of(customer)),
        )
        return [answers.invoice(raw) for raw in found], answers.customer_in(found)

    def _expanded(self, found: list[Any]) -> list[Any]:
        return [{**one, "customer": self.truth.customer(one["customer"])} for one in found]

    def invoices_of(self, customer: str) -> list[InvoiceAnswer]:
        found = self._answer(f"invoices of {customer}", lambda: self.truth.invoices_of(customer))
        return [answers.invoice(raw) for raw in found]

    def invoice(self, id: str) -> InvoiceAnswer | None:
        raw = self._answer(f"invoice {id}", lambda: self.truth.invoice(id))
        return answers.invoice(raw) if raw else None

    def payments_of(self, invoice: str) -> list[InvoicePayment]:
        found = self._answer(f"payments of {invoice}", lambda: self.truth.payments_of(invoice))
        return answers.payments(found)

    def charge(self, id: str) -> StripeCharge | None:
        found: StripeCharge | None = self._answer(f"charge {id}", lambda: None)
        return found

    def coupon(self, id: str) -> Coupon | None:
        found: Coupon | None = self._answer(f"coupon {id}", lambda: None)
        return found

    def discount_terms(self, subscription: str) -> dict[str, DiscountTerms]:
        found: dict[str, DiscountTerms] = self._answer(f"discounts of {subscription}", dict)
        return found

    def customer_discount(self, customer: str) -> dict[str, DiscountTerms]:
        found: dict[str, DiscountTerms] = self._answer(f"discount of {customer}", dict)
        return found

    def invoice_paid_by(self, payment_intent: str) -> str | None:
        found: str | None = self._answer(f"invoice paid by {payment_intent}", lambda: None)
        return found

    def _answer(self, question: str, found: Any) -> Any:
        self.asked.append(question)
        if self.down:
            raise Unavailable("Stripe gave no answer.")
        return found()


def reading(reader: Any) -> Stripe:
    """Stripe whose reads `reader` answers, and that nothing else may be asked of."""
    nothing: Any = None
    return Stripe(reader, nothing, nothing, nothing, nothing, nothing)
