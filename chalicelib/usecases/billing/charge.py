"""Charge an amount beside the subscription: on its next invoice, or at once on an invoice of its
own. Stripe's metadata names the charge, so that it can be found again.
"""

from chalicelib.domain.account.operations import Charge, Charged, Operation
from chalicelib.domain.billing.payments import OpenPayment, open_payment
from chalicelib.domain.errors import CardDeclined, StripeRefused
from chalicelib.domain.stripe_objects.answers import InvoiceAnswer, InvoiceItem
from chalicelib.usecases.billing.pay_invoice import pay_invoice
from chalicelib.usecases.ports.stripe import Stripe

MadeCharge = tuple[Charged, OpenPayment | None]
"""What became of a charge, and its payment if that is open."""


def make_charge(
    account_id: str,
    operation: Operation,
    charge: Charge,
    key: str,
    look: bool,
    stripe: Stripe,
    taxed: bool,
) -> MadeCharge:
    """Charge the customer. `look` says that it may have been charged under another idempotency key,
    so that Stripe's invoices and items are read first.

    An invoice that cannot be paid is voided, so that the customer owes nothing unnoticed. One whose
    payment is under way, or waits for the customer's bank, stays. Raises as the calls to Stripe do
    (ports/stripe.py).
    """
    if charge.bill == "next_invoice":
        if not look or _item(operation, charge, stripe) is None:
            stripe.invoices.add_item(
                f"{key}:item", account_id, operation.customer, charge, operation.subscription, None
            )
        return Charged(charge, "pending"), None
    invoice = _invoice(operation, charge, stripe) if look else None
    found = invoice is not None
    if invoice is None:
        invoice = stripe.invoices.create(
            f"{key}:invoice", account_id, operation.customer, charge, taxed
        )
    id = invoice.id
    if invoice.status == "draft":
        if not look or _item(operation, charge, stripe) is None:
            stripe.invoices.add_item(
                f"{key}:item", account_id, operation.customer, charge, None, id
            )
        invoice = stripe.invoices.finalize(f"{key}:finalize", id)
    payment = None
    if invoice.status == "open":
        try:
            payment = pay_invoice(id, found, key, stripe)
        except (CardDeclined, StripeRefused):
            stripe.invoices.void(f"{key}:void", id)
            raise
    elif invoice.status != "paid":
        raise CardDeclined("The charge was not paid, and its invoice was withdrawn.")
    return Charged(charge, payment.status if payment else "paid", id), payment


def find_charge(operation: Operation, charge: Charge, stripe: Stripe) -> MadeCharge | None:
    """What became of a charge, if Stripe has it; None if it was not made or not paid. Raises
    Unavailable, Refused, Unreadable.
    """
    if charge.bill == "next_invoice":
        return (Charged(charge, "pending"), None) if _item(operation, charge, stripe) else None
    invoice = _invoice(operation, charge, stripe)
    if invoice is None:
        return None
    if invoice.status == "paid":
        return Charged(charge, "paid", invoice.id), None
    if invoice.status != "open":
        return None
    payment = open_payment(stripe.invoices.with_payments(invoice.id))
    return (Charged(charge, payment.status, invoice.id), payment) if payment else None


def _item(operation: Operation, charge: Charge, stripe: Stripe) -> InvoiceItem | None:
    items = stripe.invoices.items_of(operation.customer)
    return next((one for one in items if one.charge_id == charge.id), None)


def _invoice(operation: Operation, charge: Charge, stripe: Stripe) -> InvoiceAnswer | None:
    invoices = stripe.reader.invoices_of(operation.customer)
    return next((one for one in invoices if one.charge_id == charge.id), None)
