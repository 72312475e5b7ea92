"""Stripe's invoices: charges on them, paying, voiding and refunding."""

from chalicelib.domain.account.operations import Charge
from chalicelib.domain.errors import StripeRefused
from chalicelib.domain.stripe_objects.answers import (
    InvoiceAnswer,
    InvoiceItem,
    InvoiceWithPayments,
    StripeCharge,
)
from chalicelib.stripe_api import answers
from chalicelib.stripe_api.fields import mapping, reference
from chalicelib.stripe_api.transport import Raw
from chalicelib.stripe_api.writer import OURS, StripeWriter


class StripeInvoices(StripeWriter):
    """Implements InvoicesApi (usecases/ports/stripe.py)."""

    def items_of(self, customer: str) -> list[InvoiceItem]:
        """See InvoicesApi."""
        found = self._transport.all("/v1/invoiceitems", customer=customer)
        return [answers.invoice_item(raw) for raw in found]

    def add_item(
        self,
        key: str,
        account_id: str,
        customer: str,
        charge: Charge,
        subscription: str | None,
        invoice: str | None,
    ) -> None:
        """See InvoicesApi. No coupon reduces it: the customer is charged what was asked for."""
        where = {"invoice": invoice} if invoice else {"subscription": subscription}
        self._write(
            "/v1/invoiceitems",
            key,
            customer=customer,
            amount=charge.amount,
            currency=charge.currency,
            description=charge.description,
            discountable=False,
            metadata=_metadata(account_id, charge),
            **where,
        )

    def create(
        self, key: str, account_id: str, customer: str, charge: Charge, taxed: bool
    ) -> InvoiceAnswer:
        """See InvoicesApi."""
        raw = self._write(
            "/v1/invoices",
            key,
            customer=customer,
            currency=charge.currency,
            auto_advance=False,
            pending_invoice_items_behavior="exclude",
            metadata=_metadata(account_id, charge),
            **({"default_payment_method": charge.card} if charge.card else {}),
            **({"automatic_tax": {"enabled": True}} if taxed else {}),
        )
        return answers.invoice(raw)

    def finalize(self, key: str, id: str) -> InvoiceAnswer:
        """See InvoicesApi."""
        return answers.invoice(self._write(f"/v1/invoices/{id}/finalize", key, auto_advance=False))

    def pay(self, key: str, id: str) -> InvoiceAnswer:
        """See InvoicesApi."""
        return answers.invoice(self._write(f"/v1/invoices/{id}/pay", key))

    def with_payments(self, id: str) -> InvoiceWithPayments:
        """See InvoicesApi. An invoice lists its payments itself since basil (2025-03-31), if that
        is asked for.
        """
        raw = self._transport.get(
            f"/v1/invoices/{id}", expand=["payments.data.payment.payment_intent"]
        )
        if raw is None:
            raise StripeRefused("Stripe does not know the invoice.")
        found = answers.intents_in(raw)
        if found is None:
            listed = self._transport.all(
                "/v1/invoice_payments", invoice=id, expand=["data.payment.payment_intent"]
            )
            found = answers.intents_of(listed)
        return answers.invoice_with_payments(raw, [self._whole_intent(one) for one in found])

    def _whole_intent(self, intent: Raw | str) -> Raw:
        if not isinstance(intent, str):
            return intent
        return self._transport.get(f"/v1/payment_intents/{intent}") or {}

    def void(self, key: str, id: str) -> None:
        """See InvoicesApi."""
        self._write(f"/v1/invoices/{id}/void", key)

    def payment_intents_of(self, id: str) -> list[str]:
        """See InvoicesApi. An invoice lists its payments separately since basil (2025-03-31)."""
        found = self._transport.all("/v1/invoice_payments", invoice=id, status="paid")
        intents = (reference(mapping(one.get("payment")).get("payment_intent")) for one in found)
        return [intent for intent in intents if intent]

    def charges_of(self, customer: str) -> list[StripeCharge]:
        """See InvoicesApi."""
        return [
            answers.charge(raw) for raw in self._transport.all("/v1/charges", customer=customer)
        ]

    def refund(
        self, key: str, account_id: str | None, charge: str, amount: int | None = None
    ) -> None:
        """See InvoicesApi."""
        metadata = {"account_id": account_id, **OURS} if account_id else OURS
        self._write(
            "/v1/refunds",
            key,
            charge=charge,
            reason="requested_by_customer",
            metadata=metadata,
            **({"amount": amount} if amount is not None else {}),
        )


def _metadata(account_id: str, charge: Charge) -> dict[str, str]:
    return {"account_id": account_id, "charge_id": charge.id, **OURS}
