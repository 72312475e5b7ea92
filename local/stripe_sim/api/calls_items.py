"""Calls about invoice items: each gives what Stripe answers with, or raises StripeRefusal."""

from local.stripe_sim.api.calls import Call, list_of
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal, missing
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.items import delete_item, make_item


def make(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    customer = store.find("customer", wanted.get("customer"), "customer")
    if customer.get("deleted"):
        raise missing("customer", customer["id"], "customer")
    invoice = store.find("invoice", wanted["invoice"], "invoice") if wanted.get("invoice") else None
    if invoice:
        if invoice["customer"] != customer["id"]:
            raise missing("invoice", invoice["id"], "invoice")
        call.engine.invoices.must_be_draft(invoice)
        if wanted.get("currency") and wanted["currency"].lower() != invoice["currency"]:
            raise StripeRefusal(
                f"The currency of the invoice item, {wanted['currency']}, must match the invoice's,"
                f" {invoice['currency']}.",
                "currency",
            )
    item = make_item(store, customer, wanted)
    if invoice:
        call.engine.invoices.add(invoice, [item])
    return item


def listed(call: Call) -> list[Object]:
    found = list_of("invoiceitem", customer="customer", invoice="invoice")(call)
    pending = call.wanted.get("pending")
    return [one for one in found if pending is None or (one["invoice"] is None) is pending]


def update(call: Call) -> Object:
    store, item, wanted = call.engine.store, call.find("invoiceitem"), call.wanted
    invoice = store.objects.get("invoice", {}).get(item["invoice"]) if item["invoice"] else None
    if item["invoice"] and invoice is None:
        raise StripeRefusal("This invoice item has been deleted.")
    if invoice:
        call.engine.invoices.must_be_draft(invoice)
    if wanted.get("discountable") and item["proration"]:
        raise StripeRefusal("Prorations cannot be discountable.", "discountable")
    item |= {name: wanted[name] for name in ("description", "discountable") if name in wanted}
    item["metadata"] = merged(item["metadata"], wanted)
    if "amount" in wanted or "quantity" in wanted:
        quantity = wanted["quantity"] if "quantity" in wanted else item["quantity"]
        each = int(item["pricing"]["unit_amount_decimal"])
        item |= {
            "amount": wanted.get("amount", each * quantity),
            "quantity": quantity,
            "quantity_decimal": str(quantity),
        }
    item["net_amount"] = None if item["discountable"] else item["amount"]
    if invoice:
        call.engine.invoices.take_out(invoice, item)
        call.engine.invoices.add(invoice, [item])
    return item


def delete(call: Call) -> Object:
    store, item = call.engine.store, call.find("invoiceitem")
    if item["invoice"] is not None:
        invoice = store.objects.get("invoice", {}).get(item["invoice"])
        if invoice is None or invoice["status"] != "draft":
            raise StripeRefusal(
                "Can't delete an invoice item that is attached to an invoice that is no longer"
                " editable"
            )
        call.engine.invoices.take_out(invoice, item)
    delete_item(store, item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def add_lines(call: Call) -> Object:
    """Lines for a draft: pending items, or amounts, which become items."""
    store, invoice = call.engine.store, call.find("invoice")
    call.engine.invoices.must_be_draft(invoice)
    customer, items = store.find("customer", invoice["customer"]), []
    for place, line in enumerate(call.wanted["lines"]):
        if line.get("invoice_item"):
            item = store.find("invoiceitem", line["invoice_item"], f"lines[{place}][invoice_item]")
            if item["customer"] != customer["id"] or item["invoice"] is not None:
                raise StripeRefusal(
                    "The invoice item is not pending for this customer.",
                    f"lines[{place}][invoice_item]",
                )
            items.append(item)
        else:
            items.append(make_item(store, customer, {"currency": invoice["currency"], **line}))
    call.engine.invoices.add(invoice, items)
    return invoice


def lines(call: Call) -> list[Object]:
    return list(call.find("invoice")["lines"]["data"])
