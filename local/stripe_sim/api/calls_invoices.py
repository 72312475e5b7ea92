"""Calls about invoices: each gives what Stripe answers with, an object or a list of them, or raises
StripeRefusal.
"""

from local.stripe_sim.api.calls import Call, list_of
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.discounts import discounts_for
from local.stripe_sim.billing.items import pending_of, subscription_of
from local.stripe_sim.billing.preview import preview

DRAFT_SECONDS = 3600
"""How long a one-off that advances by itself stays a draft."""


def invoices(call: Call) -> list[Object]:
    found = list_of("invoice", customer="customer", status="status")(call)
    subscription = call.wanted.get("subscription")
    details = ((one, (one["parent"] or {}).get("subscription_details") or {}) for one in found)
    return [
        one
        for one, detail in details
        if subscription is None or detail.get("subscription") == subscription
    ]


def make_invoice(call: Call) -> Object:
    """A one-off, empty unless pending items are asked for: `pending_invoice_items_behavior` is
    `exclude` by default.
    """
    store, wanted, engine = call.engine.store, call.wanted, call.engine
    customer = store.find("customer", wanted.get("customer"), "customer")
    if customer.get("deleted"):
        raise StripeRefusal(f"No such customer: '{customer['id']}'", "customer", "resource_missing")
    subscription = (
        store.find("subscription", wanted["subscription"], "subscription")
        if wanted.get("subscription")
        else None
    )
    if subscription and subscription["customer"] != customer["id"]:
        raise StripeRefusal(
            f"No such subscription: '{subscription['id']}'", "subscription", "resource_missing"
        )
    currency = (wanted.get("currency") or (subscription or customer)["currency"] or "usd").lower()
    pending = (
        pending_of(store, customer, currency)
        if wanted.get("pending_invoice_items_behavior", "exclude") == "include"
        else []
    )
    if subscription:
        pending = [
            item
            for item in pending_of(store, customer, currency)
            if subscription_of(item) == subscription["id"]
        ]
    auto = wanted.get("auto_advance", False)
    invoice = engine.invoices.make(
        customer,
        "manual",
        [],
        subscription,
        store.second,
        store.second,
        currency,
        pending=pending,
        auto_advance=auto,
        automatically_finalizes_at=store.second + DRAFT_SECONDS if auto else None,
        collection_method=wanted.get("collection_method", "charge_automatically"),
        default_payment_method=wanted.get("default_payment_method"),
        description=wanted.get("description"),
        metadata=merged({}, wanted),
    )
    invoice["_finalize_at"] = invoice["automatically_finalizes_at"]
    if "discounts" in wanted:
        _discount(call, invoice, customer)
    return invoice


def _discount(call: Call, invoice: Object, customer: Object) -> None:
    store = call.engine.store
    found = discounts_for(
        store,
        call.wanted["discounts"],
        customer,
        invoice["currency"],
        invoice["discounts"],
        invoice=invoice["id"],
    )
    invoice["discounts"] = found
    call.engine.invoices.total(invoice)


def update_invoice(call: Call) -> Object:
    store, invoice, wanted = call.engine.store, call.find("invoice"), call.wanted
    if set(wanted) - {"metadata", "auto_advance", "default_payment_method", "expand"}:
        call.engine.invoices.must_be_draft(invoice)
    with store.changing(invoice, "invoice.updated", extra=True):
        invoice |= {
            name: wanted[name]
            for name in ("description", "auto_advance", "default_payment_method")
            if name in wanted
        }
        invoice["metadata"] = merged(invoice["metadata"], wanted)
        if "discounts" in wanted:
            _discount(call, invoice, store.find("customer", invoice["customer"]))
        if "auto_advance" in wanted and invoice["status"] == "draft":
            invoice["automatically_finalizes_at"] = invoice["_finalize_at"] = (
                store.second + DRAFT_SECONDS if wanted["auto_advance"] else None
            )
    return invoice


def delete_invoice(call: Call) -> Object:
    """Take a one-off draft away; its items wait for another invoice again."""
    store, invoice = call.engine.store, call.find("invoice")
    call.engine.invoices.must_be_draft(invoice)
    if invoice["parent"]:
        raise StripeRefusal(
            "You can only delete one-off invoices: void an invoice of a subscription once it is"
            " open.",
            "invoice",
        )
    for item in store.all("invoiceitem"):
        item["invoice"] = None if item["invoice"] == invoice["id"] else item["invoice"]
    del store.objects["invoice"][invoice["id"]]
    store.tell("invoice.deleted", invoice)
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


def show_preview(call: Call) -> Object:
    return preview(call.engine, call.wanted)


def finalize(call: Call) -> Object:
    """Open a draft. With `auto_advance` Stripe tries to have it paid in the same second, but not
    within the call.
    """
    invoice, store = call.find("invoice"), call.engine.store
    invoice["auto_advance"] = call.wanted.get("auto_advance", invoice["auto_advance"])
    call.engine.invoices.finalize(invoice)
    if invoice["status"] == "open" and invoice["auto_advance"]:
        invoice["_attempt_at"] = store.second
    return invoice


def pay(call: Call) -> Object:
    invoice, wanted, store = call.find("invoice"), call.wanted, call.engine.store
    method = (
        store.find("payment_method", wanted["payment_method"], "payment_method")
        if wanted.get("payment_method")
        else None
    )
    if method and method["customer"] not in (None, invoice["customer"]):
        raise StripeRefusal(
            "The payment method does not belong to the customer of the invoice.", "payment_method"
        )
    free = False
    if invoice["status"] == "draft":
        call.engine.invoices.finalize(invoice)
        free = invoice["status"] == "paid"
    if not free and wanted.get("paid_out_of_band") and invoice["status"] == "open":
        call.engine.invoices.paid_elsewhere(invoice)
    elif not free:
        call.engine.invoices.pay(invoice, method, on_session=wanted.get("off_session") is False)
    return invoice


def void(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeRefusal(
            "You can only pass in open or uncollectible invoices.", "invoice", "invoice_not_open"
        )
    call.engine.invoices.void(invoice)
    return invoice


def give_up(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] != "open":
        raise StripeRefusal(
            "You can only mark open invoices as uncollectible.", "invoice", "invoice_not_open"
        )
    call.engine.invoices.give_up(invoice)
    return invoice


def invoice_payments(call: Call) -> list[Object]:
    found = list_of("invoice_payment", invoice="invoice", status="status")(call)
    intent = (call.wanted.get("payment") or {}).get("payment_intent")
    return [one for one in found if intent is None or one["payment"]["payment_intent"] == intent]
