"""Customers: made, and held to the one currency in which they are billed."""

import stripe

from local.stripe_sim.api.errors import StripeRefusal, missing
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.lifecycle.store import Store

ENDED = frozenset({"canceled", "incomplete_expired"})


def make_customer(store: Store, wanted: Object) -> Object:
    """A customer as the parameters of `POST /v1/customers` say; `customer.created` is sent."""
    kind = stripe.Customer
    if wanted.get("test_clock"):
        raise missing("test clock", wanted["test_clock"], "test_clock")
    plain: Object = {
        name: wanted[name] or None
        for name in ("email", "name", "description", "phone")
        if name in wanted
    }
    if wanted.get("address"):
        plain["address"] = blank(kind.Address, **wanted["address"])
    settings = blank(kind.InvoiceSettings) | dict(wanted.get("invoice_settings") or {})
    customer = store.make(
        "customer",
        kind,
        balance=wanted.get("balance", 0),
        delinquent=False,
        invoice_prefix=store.id("customer")[-8:].upper(),
        invoice_settings=settings,
        metadata=dict(wanted.get("metadata") or {}),
        next_invoice_sequence=1,
        preferred_locales=list(wanted.get("preferred_locales") or []),
        tax_exempt=wanted.get("tax_exempt") or "none",
        **plain,
    )
    store.tell("customer.created", customer)
    return customer


def settle_currency(
    store: Store, customer: Object, currency: str, param: str, only_check: bool = False
) -> None:
    """Fix the currency that a customer is billed in. Raises StripeRefusal if what the customer
    already has is in another.
    """
    mine = [
        one
        for one in store.all("subscription")
        if one["customer"] == customer["id"] and one["status"] not in ENDED
    ]
    mine += [
        one
        for one in store.all("invoiceitem")
        if one["customer"] == customer["id"] and one["invoice"] is None
    ]
    other = next((one["currency"] for one in mine if one["currency"] != currency), None)
    if other is not None:
        raise StripeRefusal(
            "You cannot combine currencies on a single customer. This customer has an active"
            " subscription, subscription schedule, discount, quote, or invoice item with currency"
            f" {other}",
            param,
        )
    if customer["currency"] is None and not only_check:
        with store.changing(customer, "customer.updated", extra=True):
            customer["currency"] = currency
