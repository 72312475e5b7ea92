"""Calls about invoices, their items, and refunds: each gives what Stripe answers with, an object or a list of them, or raises StripeRefusal."""

import stripe

from local.stripe_sim.calls import Call, list_of
from local.stripe_sim.engine import make_price as new_price
from local.stripe_sim.refusals import StripeRefusal
from local.stripe_sim.shapes import Object, blank


def invoices(call: Call) -> list[Object]:
    found = list_of("invoice", customer="customer", status="status")(call)
    subscription = call.wanted.get("subscription")
    details = ((one, (one["parent"] or {}).get("subscription_details") or {}) for one in found)
    return [one for one, detail in details if subscription is None or detail.get("subscription") == subscription]


def make_invoice(call: Call) -> Object:
    """A one-off of the customer's pending items, if they are asked for: `pending_invoice_items_behavior` is `exclude` by default."""
    store, wanted = call.engine.store, call.wanted
    customer = store.find("customer", wanted.get("customer"), "customer")
    held = [one for one in store.all("invoiceitem") if one["customer"] == customer["id"] and one["invoice"] is None]
    excluded = wanted.get("pending_invoice_items_behavior", "exclude") == "exclude"
    for one in held if excluded else []:
        one["invoice"] = "held"
    invoice = call.engine.invoices.make(customer, "manual", [], None, store.second, store.second, wanted.get("currency", "usd"))
    for one in held if excluded else []:
        one["invoice"] = None
    return invoice


def finalize(call: Call) -> Object:
    invoice = call.find("invoice")
    call.engine.invoices.finalize(invoice)
    return invoice


def pay(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] == "draft":
        call.engine.invoices.finalize(invoice)
    if invoice["status"] != "paid" or invoice["amount_due"]:
        call.engine.invoices.pay(invoice)
    return invoice


def void(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeRefusal("You can only pass in open or uncollectible invoices.", "invoice", "invoice_not_open")
    call.engine.invoices.void(invoice)
    return invoice


def give_up(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] != "open":
        raise StripeRefusal("You can only mark open invoices as uncollectible.", "invoice", "invoice_not_open")
    call.engine.invoices.give_up(invoice)
    return invoice


def make_invoice_item(call: Call) -> Object:
    store, wanted, kind = call.engine.store, call.wanted, stripe.InvoiceItem
    customer = store.find("customer", wanted.get("customer"), "customer")
    pricing = None
    if "amount" in wanted:  # Stripe makes a price for an amount that is given by itself
        product = store.make("product", stripe.Product, type="service", name=wanted.get("description") or "Item", active=False, updated=store.second)
        store.tell("product.created", product)
        price = new_price(store, {"product": product["id"], "currency": wanted["currency"], "unit_amount": wanted["amount"], "active": False})
        store.tell("price.created", price)
    else:
        price = store.find("price", (wanted.get("pricing") or {}).get("price"), "pricing[price]")
    pricing = blank(kind.Pricing, type="price_details", price_details={"price": price["id"], "product": price["product"]})
    subscription = wanted.get("subscription")
    details = blank(kind.Parent.SubscriptionDetails, subscription=subscription)
    item = store.make(
        "invoiceitem",
        kind,
        amount=(price["unit_amount"] or 0) * wanted.get("quantity", 1),
        currency=price["currency"],
        customer=customer["id"],
        date=store.second,
        description=wanted.get("description"),
        discountable=True,
        metadata=dict(wanted.get("metadata") or {}),
        parent=blank(kind.Parent, type="subscription_details", subscription_details=details) if subscription else None,
        period={"start": store.second, "end": store.second},
        pricing=pricing,
        proration=False,
        quantity=wanted.get("quantity", 1),
        quantity_decimal=str(wanted.get("quantity", 1)),
    )
    if wanted.get("invoice"):
        item["invoice"] = store.find("invoice", wanted["invoice"], "invoice")["id"]
    store.tell("invoiceitem.created", item)
    return item


def delete_invoice_item(call: Call) -> Object:
    item = call.find("invoiceitem")
    if item["invoice"] is not None:
        raise StripeRefusal("You can't delete an invoice item that is on an invoice.", "invoiceitem")
    del call.engine.store.objects["invoiceitem"][item["id"]]
    call.engine.store.tell("invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def invoice_payments(call: Call) -> list[Object]:
    found = list_of("invoice_payment", invoice="invoice", status="status")(call)
    intent = (call.wanted.get("payment") or {}).get("payment_intent")
    return [one for one in found if intent is None or one["payment"]["payment_intent"] == intent]


def refund(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    id = wanted.get("charge") or store.find("payment_intent", wanted.get("payment_intent"), "payment_intent")["latest_charge"]
    return call.engine.payments.refund(store.find("charge", id, "charge"), wanted.get("amount"))
