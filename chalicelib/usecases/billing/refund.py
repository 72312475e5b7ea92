"""Pay back what was paid for a subscription. What Stripe holds is looked at first: whatever was
paid back already is not paid back again.
"""

from chalicelib.domain.errors import OutcomeUnknown, Refused
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.services import Services


def refund_all(customer: str, subscription: str, key: str, services: Services) -> None:
    """Withdraw the subscription's open invoices and refund its paid ones, whole.

    Raises Unavailable, and Doubtful for a refund that Stripe refuses now (a balance too low for
    it): it is owed, so it is tried again.
    """
    invoices = _invoices(customer, subscription, services)
    for invoice in invoices:
        if invoice.get("status") == "open":
            services.stripe.invoices.void(f"{key}:{invoice['id']}:void", str(invoice["id"]))
    for charge in _kept(customer, invoices, services):
        try:
            services.stripe.invoices.refund(
                f"{key}:{charge['id']}:refund",
                objects.account_id_of(invoices[0]),
                str(charge["id"]),
            )
        except Refused as failure:
            raise OutcomeUnknown(
                f"Stripe did not pay back a charge yet. {failure.message}"
            ) from failure


def is_refunded(customer: str, subscription: str, services: Services) -> bool:
    """Whether nothing of it is open, and nothing is left to pay back. Raises
    Unavailable, Refused."""
    invoices = _invoices(customer, subscription, services)
    return all(invoice.get("status") != "open" for invoice in invoices) and not _kept(
        customer, invoices, services
    )


def _invoices(customer: str, subscription: str, services: Services) -> list[Raw]:
    return [
        raw
        for raw in services.stripe.reader.invoices_of(customer)
        if objects.invoice(raw).subscription == subscription
    ]


def _kept(customer: str, invoices: list[Raw], services: Services) -> list[Raw]:
    """The charges for these invoices of which something is left. What is disputed the bank has
    taken back, or decides on.
    """
    paid = [
        str(invoice["id"])
        for invoice in invoices
        if invoice.get("status") == "paid" and invoice.get("amount_paid")
    ]
    intents = {
        intent
        for invoice in paid
        for intent in services.stripe.invoices.payment_intents_of(invoice)
    }
    return [
        charge
        for charge in (services.stripe.invoices.charges_of(customer) if intents else [])
        if charge.get("payment_intent") in intents
        and charge.get("paid")
        and not charge.get("refunded")
        and not charge.get("disputed")
    ]
