"""Pay open invoices. A payment that is under way is neither repeated nor called a failure."""

from collections.abc import Iterable

from chalicelib.domain.billing.payments import (
    PROCESSING,
    REQUIRES_ACTION,
    OpenPayment,
    open_payment,
)
from chalicelib.domain.errors import CardDeclined, ConfirmationRequired, StripeRefused
from chalicelib.domain.stripe_objects.objects import Invoice
from chalicelib.usecases.stripe_ports import Stripe


def pay_invoice(id: str, attempted: bool, key: str, stripe: Stripe) -> OpenPayment | None:
    """Pay an open invoice. `attempted` says that a payment may have begun already: Stripe is asked
    first, so that no second one is made.

    None once the invoice is paid; else the payment that is under way, or that the bank wants
    confirmed. Raises CardDeclined, and as the calls to Stripe do (stripe_ports.py).
    """
    if attempted:
        found = stripe.invoices.with_payments(id)
        begun = open_payment(found)
        if found.status == "paid":
            return None
        if begun and begun.status == PROCESSING:
            return begun
    try:
        invoice = stripe.invoices.pay(f"{key}:pay", id)
    except ConfirmationRequired:
        return OpenPayment(id, REQUIRES_ACTION, stripe.invoices.with_payments(id).page_url)
    except StripeRefused as failure:
        # It may have been paid in another way at the same time, or a debit may have begun.
        return _open_or_failed(id, failure, stripe)
    if invoice.status == "paid":
        return None
    return _open_or_failed(id, CardDeclined("The invoice was not paid."), stripe)


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


def _open_or_failed(
    id: str, failure: CardDeclined | StripeRefused, stripe: Stripe
) -> OpenPayment | None:
    """The open payment of an invoice, None if it is paid. Raises `failure` otherwise."""
    found = stripe.invoices.with_payments(id)
    begun = open_payment(found)
    if begun is None and found.status != "paid":
        raise failure
    return begun
