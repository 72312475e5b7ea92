"""Calls about invoices: each gives what Stripe answers with, an object or a list of them, or raises
StripeRefusal.
"""

from local.stripe_sim.api.calls import Call, in_range, list_of
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal, missing
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.calendar import days
from local.stripe_sim.billing.discounts import discounts_for
from local.stripe_sim.billing.drafts import DRAFT_SECONDS
from local.stripe_sim.billing.invoices import NOT_OPEN
from local.stripe_sim.billing.items import pending_of, subscription_of
from local.stripe_sim.billing.preview import preview


def invoices(call: Call) -> list[Object]:
    found = list_of(
        "invoice", customer="customer", status="status", collection_method="collection_method"
    )(call)
    if due := call.wanted.get("due_date"):
        is_due = in_range(due)
        found = [one for one in found if one["due_date"] and is_due(one["due_date"])]
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
        raise missing("customer", customer["id"], "customer")
    subscription = (
        store.find("subscription", wanted["subscription"], "subscription")
        if wanted.get("subscription")
        else None
    )
    if subscription and subscription["customer"] != customer["id"]:
        raise missing("subscription", subscription["id"], "subscription")
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
    auto, terms = wanted.get("auto_advance", False), _terms(store.second, wanted)
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
        next_payment_attempt=None,
        **terms,
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


def _terms(now: int, wanted: Object) -> Object:
    """How a one-off is collected, and by when it is due. Raises StripeRefusal."""
    method = wanted.get("collection_method", "charge_automatically")
    named = [name for name in ("due_date", "days_until_due") if wanted.get(name) is not None]
    if method == "send_invoice" and not named:
        raise StripeRefusal(
            "If invoice collection method is 'send_invoice', you must specify 'due_date' or"
            " 'days_until_due'."
        )
    if method != "send_invoice" and named:
        raise StripeRefusal(
            "You can only specify 'due_date' or 'days_until_due' if invoice collection method is"
            " 'send_invoice'."
        )
    due = wanted.get("due_date")
    if due is None and named:
        due = now + days(wanted["days_until_due"])
    return {"collection_method": method, "due_date": due}


def update_invoice(call: Call) -> Object:
    store, invoice, wanted = call.engine.store, call.find("invoice"), call.wanted
    wider = sorted(set(wanted) - {"metadata", "auto_advance", "default_payment_method", "expand"})
    if wider and invoice["status"] != "draft":
        raise StripeRefusal("Finalized invoices can't be updated in this way", wider[0])
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
    """Take a one-off draft away. Its items are gone with it: not pending, not billed."""
    store, invoice = call.engine.store, call.find("invoice")
    if invoice["status"] != "draft":
        raise StripeRefusal("You can only delete draft invoices.")
    if invoice["parent"]:
        raise StripeRefusal(
            "You can only delete one-off invoices: void an invoice of a subscription once it is"
            " open.",
            "invoice",
        )
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


def send(call: Call) -> Object:
    """Finalize a draft; an invoice that the customer is to pay is sent once more."""
    invoice = call.find("invoice")
    if invoice["status"] == "draft":
        call.engine.invoices.finalize(invoice)
    elif invoice["status"] == "open" and invoice["collection_method"] == "send_invoice":
        call.engine.store.tell("invoice.sent", invoice)
    else:
        raise StripeRefusal(
            "This invoice cannot be sent right now. Please contact us via"
            " https://support.stripe.com/contact with details, so we can help."
        )
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
    payable = invoice["status"] in ("open", "uncollectible")
    if not free and wanted.get("paid_out_of_band") and payable:
        call.engine.invoices.paid_elsewhere(invoice)
    elif not free:
        call.engine.invoices.pay(invoice, method, on_session=wanted.get("off_session") is False)
    return invoice


def void(call: Call) -> Object:
    invoice = call.find("invoice")
    call.engine.invoices.must_be_voidable(invoice)
    call.engine.invoices.void(invoice)
    return invoice


def give_up(call: Call) -> Object:
    invoice = call.find("invoice")
    if invoice["status"] == "uncollectible":
        raise StripeRefusal("This invoice has already been marked uncollectible.")
    if invoice["status"] != "open":
        raise StripeRefusal(NOT_OPEN)
    call.engine.invoices.give_up(invoice)
    return invoice


def invoice_payments(call: Call) -> list[Object]:
    found = list_of("invoice_payment", invoice="invoice", status="status")(call)
    intent = (call.wanted.get("payment") or {}).get("payment_intent")
    return [one for one in found if intent is None or one["payment"]["payment_intent"] == intent]
