"""What became of the payment of an invoice. A bank debit takes days, and some payments wait for the
customer to confirm them.
"""

from collections.abc import Collection, Mapping

from chalicelib.domain.stripe_objects.answers import InvoiceWithPayments
from chalicelib.values import frozen

PROCESSING = "processing"
REQUIRES_ACTION = "requires_action"

OPEN_STATUSES: Mapping[str, str] = {
    PROCESSING: "The payment is under way, as a bank debit is for days.",
    REQUIRES_ACTION: "The bank wants the customer to confirm the payment, on Stripe's page.",
}
"""The statuses of a payment that is neither made nor failed. Names and meanings are those of a
payment intent (docs.stripe.com/payments/paymentintents/lifecycle).
"""


@frozen
class OpenPayment:
    """The payment of an invoice that is not settled. `status` is one of OPEN_STATUSES, `url` is
    Stripe's page where the customer can confirm it or pay in another way.
    """

    invoice: str
    status: str
    url: str | None = None


def open_payment(payment: InvoiceWithPayments) -> OpenPayment | None:
    """The open payment of an invoice; None if it is paid, if it has failed, or if nothing was
    tried yet.
    """
    status = _open_status(payment.intents) if payment.status == "open" else None
    return OpenPayment(payment.id, status, payment.page_url) if status else None


def has_failed(payment: InvoiceWithPayments) -> bool:
    """Whether an invoice cannot be paid by what was tried: it was withdrawn, or the payment wants
    another card or account.
    """
    if payment.status != "open":
        return payment.status != "paid"
    return open_payment(payment) is None and "requires_payment_method" in payment.intents


def _open_status(intents: Collection[str]) -> str | None:
    """A payment under way counts before one that waits for the customer."""
    return next((status for status in OPEN_STATUSES if status in intents), None)
