"""Pay open invoices. A payment that is under way is neither repeated nor called a failure."""

from collections.abc import Iterable

from chalicelib.domain.billing.payments import (
    PROCESSING,
    REQUIRES_ACTION,
    OpenPayment,
    has_failed,
    open_payment,
)
from chalicelib.domain.errors import CardDeclined, ConfirmationRequired, Refused, StripeRefused
from chalicelib.domain.stripe_objects.answers import InvoiceWithPayments
from chalicelib.domain.stripe_objects.objects import Invoice
from chalicelib.usecases.ports.stripe import Stripe


def pay_invoice(id: str, attempted: bool, key: str, stripe: Stripe) -> OpenPayment | None:
    """Pay an open invoice. `attempted` says that a payment may have begun already: Stripe is asked
    first, so that no second one is made.

    None once the invoice is paid; else the payment that is under way, or that the bank wants
    confirmed. Raises CardDeclined, and as the calls to Stripe do (ports/stripe.py).
    """
    if attempted and (found := _payments_of(id, stripe)):
        begun = open_payment(found)
        if found.status == "paid":
            return None
        if begun and begun.status == PROCESSING:
            return begun
    try:
        invoice = stripe.invoices.pay(f"{key}:pay", id)
    except ConfirmationRequired:
        found = _payments_of(id, stripe)
        return OpenPayment(id, REQUIRES_ACTION, found.page_url if found else None)
    except StripeRefused as failure:
        # It may have been paid in another way at the same time, or a debit may have begun.
        found = _payments_of(id, stripe)
        begun = open_payment(found) if found else None
        if begun is None and not (found and found.status == "paid"):
            raise failure
        return begun
    return None if invoice.status == "paid" else _accepted(id, stripe)


def pay_each(
    invoices: Iterable[Invoice], key: str, stripe: Stripe
) -> tuple[list[OpenPayment], list[CardDeclined | StripeRefused]]:
    """Pay open invoices, each whatever becomes of the others: the payments that stay open, and why
    invoices are not paid. Raises Unavailable, Refused.
    """
    opened: list[OpenPayment] = []
    failures: list[CardDeclined | StripeRefused] = []
    for invoice in invoices:
        try:
            payment = pay_invoice(
                invoice.id, invoice.attempt_count > 0, f"{key}:{invoice.id}", stripe
            )
        except (CardDeclined, StripeRefused) as failure:
            failures.append(failure)
        else:
            opened += [payment] if payment else []
    return opened, failures


def _accepted(id: str, stripe: Stripe) -> OpenPayment | None:
    """What stays open of an invoice whose payment Stripe has begun without an error. It is under
    way unless Stripe says something else. Raises CardDeclined if it has failed meanwhile.
    """
    found = _payments_of(id, stripe)
    if found is None:
        return OpenPayment(id, PROCESSING)
    if found.status == "paid":
        return None
    if has_failed(found):
        raise CardDeclined("The invoice was not paid.")
    return open_payment(found) or OpenPayment(id, PROCESSING, found.page_url)


def _payments_of(id: str, stripe: Stripe) -> InvoiceWithPayments | None:
    """The invoice with its payments; None if the key may not read them. Raises Unavailable."""
    try:
        return stripe.invoices.with_payments(id)
    except Refused:
        return None
