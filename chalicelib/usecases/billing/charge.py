"""Charge an amount beside the subscription: on its next invoice, or at once on an invoice of its
own. The id of the charge stands in Stripe's metadata, so that a charge can be found again.
"""

from chalicelib.domain.account.operations import Charge, Charged, Operation
from chalicelib.domain.errors import CardDeclined, Refused
from chalicelib.domain.stripe_objects.answers import InvoiceAnswer, InvoiceItem
from chalicelib.usecases.ports import Stripe


def make_charge(
    account_id: str,
    operation: Operation,
    charge: Charge,
    key: str,
    look: bool,
    stripe: Stripe,
    taxed: bool,
) -> Charged:
    """Charge the customer, and say what became of it. `look` says that it may have been charged
    under another idempotency key, so that Stripe's invoices and items are read first.

    An invoice that cannot be paid is voided, so that the customer owes nothing unnoticed. Raises
    as the calls to Stripe do (ports.py).
    """
    if charge.bill == "next_invoice":
        if not look or _item(operation, charge, stripe) is None:
            stripe.invoices.add_item(
                f"{key}:item", account_id, operation.customer, charge, operation.subscription, None
            )
        return Charged(charge, "pending")
    invoice = _invoice(operation, charge, stripe) if look else None
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
    if invoice.status == "open":
        try:
            invoice = stripe.invoices.pay(f"{key}:pay", id)
        except (CardDeclined, Refused):
            stripe.invoices.void(f"{key}:void", id)
            raise
    if invoice.status != "paid":
        raise CardDeclined("The charge was not paid, and its invoice was withdrawn.")
    return Charged(charge, "paid", id)


def find_charge(operation: Operation, charge: Charge, stripe: Stripe) -> Charged | None:
    """What became of a charge, if Stripe has it; None if it was not made or not paid. Raises
    Unavailable, Refused, Unreadable.
    """
    if charge.bill == "next_invoice":
        return Charged(charge, "pending") if _item(operation, charge, stripe) else None
    invoice = _invoice(operation, charge, stripe)
    if invoice is None or invoice.status != "paid":
        return None
    return Charged(charge, "paid", invoice.id)


def _item(operation: Operation, charge: Charge, stripe: Stripe) -> InvoiceItem | None:
    items = stripe.invoices.items_of(operation.customer)
    return next((one for one in items if one.charge_id == charge.id), None)


def _invoice(operation: Operation, charge: Charge, stripe: Stripe) -> InvoiceAnswer | None:
    invoices = stripe.reader.invoices_of(operation.customer)
    return next((one for one in invoices if one.charge_id == charge.id), None)
