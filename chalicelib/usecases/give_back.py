"""Pay back what was paid for a subscription. What Stripe holds is looked at first: whatever was
paid back already is not paid back again.
"""

from chalicelib.domain.errors import Doubtful, Refused
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.world import World


def give_back(customer: str, subscription: str, key: str, world: World) -> None:
    """Withdraw the subscription's open invoices and refund its paid ones, whole.

    Raises Unavailable, and Doubtful for a refund that Stripe refuses now (a balance too low for
    it): it is owed, so it is tried again.
    """
    invoices = _invoices(customer, subscription, world)
    for invoice in invoices:
        if invoice.get("status") == "open":
            world.stripe.invoices.void(f"{key}:{invoice['id']}:void", str(invoice["id"]))
    for charge in _kept(customer, invoices, world):
        try:
            world.stripe.invoices.refund(
                f"{key}:{charge['id']}:refund",
                objects.account_id_of(invoices[0]),
                str(charge["id"]),
            )
        except Refused as failure:
            raise Doubtful(f"Stripe did not pay back a charge yet. {failure.message}") from failure


def is_given_back(customer: str, subscription: str, world: World) -> bool:
    """Whether nothing of it is open, and nothing is left to pay back. Raises
    Unavailable, Refused."""
    invoices = _invoices(customer, subscription, world)
    return all(invoice.get("status") != "open" for invoice in invoices) and not _kept(
        customer, invoices, world
    )


def _invoices(customer: str, subscription: str, world: World) -> list[Raw]:
    return [
        raw
        for raw in world.stripe.reader.invoices_of(customer)
        if objects.invoice(raw).subscription == subscription
    ]


def _kept(customer: str, invoices: list[Raw], world: World) -> list[Raw]:
    """The charges for these invoices of which something is left. What is disputed the bank has
    taken back, or decides on.
    """
    paid = [
        str(invoice["id"])
        for invoice in invoices
        if invoice.get("status") == "paid" and invoice.get("amount_paid")
    ]
    intents = {
        intent for invoice in paid for intent in world.stripe.invoices.payment_intents_of(invoice)
    }
    return [
        charge
        for charge in (world.stripe.invoices.charges_of(customer) if intents else [])
        if charge.get("payment_intent") in intents
        and charge.get("paid")
        and not charge.get("refunded")
        and not charge.get("disputed")
    ]
