"""Refund what was paid for a subscription. Looks first at what Stripe holds, so that nothing is
refunded twice.
"""

from chalicelib.domain.errors import OutcomeUnknown, Refused, StripeRefused
from chalicelib.domain.stripe_objects.answers import InvoiceAnswer, StripeCharge
from chalicelib.usecases.stripe_ports import Stripe

REFUNDED_ALREADY = "charge_already_refunded"

LATER = frozenset({"balance_insufficient"})
"""Codes with which Stripe refuses a refund now, and accepts it once the owner has money there
(docs.stripe.com/error-codes).
"""


def refund_all(customer: str, subscription: str, key: str, stripe: Stripe) -> dict[str, str]:
    """Void the subscription's open invoices and refund its paid ones in full. Returns the invoices
    and charges of which Stripe refuses that, with its code: an invoice that a debit is paying, or a
    charge that cannot be refunded any more. Somebody has to look after these.

    Raises Unavailable, Refused, Unreadable; and OutcomeUnknown where Stripe does not refund a
    charge now (the owner's balance is too low, say), because the refund is owed and has to be tried
    again.
    """
    refused: dict[str, str] = {}
    invoices = _invoices(customer, subscription, stripe)
    for invoice in invoices:
        if invoice.status == "open":
            try:
                stripe.invoices.void(f"{key}:{invoice.id}:void", invoice.id)
            except StripeRefused as failure:
                refused[invoice.id] = failure.stripe_code or failure.code
    for charge in _refundable(customer, invoices, stripe):
        try:
            stripe.invoices.refund(f"{key}:{charge.id}:refund", invoices[0].account_id, charge.id)
        except Refused as failure:
            if not isinstance(failure, StripeRefused) or failure.stripe_code in LATER:
                raise OutcomeUnknown(
                    f"Stripe does not refund a payment yet. {failure.message}"
                ) from failure
            if failure.stripe_code != REFUNDED_ALREADY:
                refused[charge.id] = failure.stripe_code or failure.code
    return refused


def is_refunded(customer: str, subscription: str, stripe: Stripe) -> bool:
    """Whether no invoice of the subscription is open, and nothing is left to refund. Raises
    Unavailable, Refused, Unreadable.
    """
    invoices = _invoices(customer, subscription, stripe)
    return all(invoice.status != "open" for invoice in invoices) and not _refundable(
        customer, invoices, stripe
    )


def _invoices(customer: str, subscription: str, stripe: Stripe) -> list[InvoiceAnswer]:
    return [
        invoice
        for invoice in stripe.reader.invoices_of(customer)
        if invoice.value.subscription == subscription
    ]


def _refundable(customer: str, invoices: list[InvoiceAnswer], stripe: Stripe) -> list[StripeCharge]:
    """The charges that paid these invoices and of which something is left. A disputed charge is not
    refunded: the bank has taken the money back, or decides about it.
    """
    paid = [
        invoice.id for invoice in invoices if invoice.status == "paid" and invoice.value.amount_paid
    ]
    intents = {intent for id in paid for intent in stripe.invoices.payment_intents_of(id)}
    return [
        charge
        for charge in (stripe.invoices.charges_of(customer) if intents else [])
        if charge.payment_intent in intents
        and charge.paid
        and not charge.refunded
        and not charge.disputed
    ]
