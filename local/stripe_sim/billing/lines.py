"""The lines of invoices: from a subscription's items, from pending invoice items, and what they
come to together.
"""

from typing import Any

import stripe

from chalicelib.localization.amounts import money
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.discounts import net, standing, take_off
from local.stripe_sim.billing.prices import cost, unit_amount
from local.stripe_sim.lifecycle.store import Store

_Line = stripe.InvoiceLineItem
_Parent = stripe.InvoiceLineItem.Parent


def lines_of(store: Store, subscription: Object, start: int, end: int) -> list[Object]:
    """A line for each item of a subscription, for a whole period."""
    return [
        _item_line(store, subscription, item, start, end) for item in subscription["items"]["data"]
    ]


def _item_line(store: Store, subscription: Object, item: Object, start: int, end: int) -> Object:
    price, currency = item["price"], subscription["currency"]
    interval, amount = (
        price["recurring"]["interval"],
        money(unit_amount(store, price, currency), currency),
    )
    name = store.find("product", price["product"])["name"]
    details = blank(
        _Parent.SubscriptionItemDetails,
        proration=False,
        proration_details=blank(_Parent.SubscriptionItemDetails.ProrationDetails),
        subscription=subscription["id"],
        subscription_item=item["id"],
    )
    return _line(
        store,
        cost(store, item, currency),
        currency,
        f"{item['quantity'] or 0} × {name} (at {amount} / {interval})",
        {"start": start, "end": end},
        parent=blank(_Parent, type="subscription_item_details", subscription_item_details=details),
        pricing=pricing_of(_Line.Pricing, price, unit_amount(store, price, currency)),
        quantity=item["quantity"],
        subscription=subscription["id"],
    )


def line_of(store: Store, item: Object) -> Object:
    """The line of an invoice item."""
    subscription: Object = (item["parent"] or {}).get("subscription_details") or {}
    common = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "subscription": subscription.get("subscription"),
    }
    if item["proration"]:
        details = blank(
            _Parent.SubscriptionItemDetails,
            **common,
            proration_details=blank(
                _Parent.SubscriptionItemDetails.ProrationDetails,
                credited_items=_credited(store, item),
            ),
            subscription_item=subscription["subscription_item"],
        )
        parent = blank(_Parent, type="subscription_item_details", subscription_item_details=details)
    else:
        details = blank(
            _Parent.InvoiceItemDetails,
            **common,
            proration_details=blank(_Parent.InvoiceItemDetails.ProrationDetails),
        )
        parent = blank(_Parent, type="invoice_item_details", invoice_item_details=details)
    return _line(
        store,
        item["amount"],
        item["currency"],
        item["description"],
        dict(item["period"]),
        discountable=item["discountable"],
        metadata=dict(item["metadata"]),
        parent=parent,
        pricing=item["pricing"],
        quantity=item["quantity"],
        subscription=common["subscription"],
    )


def _credited(store: Store, item: Object) -> Object | None:
    """Which lines a credit gives back; what it gives back may not have been on an invoice yet when
    it was made.
    """
    credited = item["proration_details"] and item["proration_details"]["credited_items"]
    if not credited:
        return None
    details = credited["invoice_line_item_details"]
    if details:
        return blank(_Parent.SubscriptionItemDetails.ProrationDetails.CreditedItems, **details)
    debit = store.objects["invoiceitem"].get(credited["invoice_item"])
    invoice = debit and store.objects.get("invoice", {}).get(debit["invoice"])
    if not debit or not invoice:
        return None
    lines = [line["id"] for line in invoice["lines"]["data"] if item_of(line) == debit["id"]]
    return blank(
        _Parent.SubscriptionItemDetails.ProrationDetails.CreditedItems,
        invoice=invoice["id"],
        invoice_line_items=lines,
    )


def item_of(line: Object) -> str | None:
    """The invoice item that a line is of."""
    parent = line["parent"]
    details = parent["invoice_item_details"] or parent["subscription_item_details"]
    return details["invoice_item"] if details else None


def pricing_of(kind: Any, price: Object, amount: int) -> Object:
    """What a line or an invoice item says of its price."""
    details = {"price": price["id"], "product": price["product"]}
    return blank(kind, type="price_details", price_details=details, unit_amount_decimal=str(amount))


def _line(
    store: Store, amount: int, currency: str, description: str | None, period: Object, **more: Any
) -> Object:
    values = {
        "amount": amount,
        "subtotal": amount,
        "currency": currency,
        "description": description,
        "period": period,
        "discountable": True,
    }
    line = blank(_Line, id=store.id("line_item"), **values | more)
    line["quantity_decimal"] = None if line["quantity"] is None else str(line["quantity"])
    line["discount_amounts"] = []
    return line


def total_up(store: Store, invoice: Object) -> None:
    """Write into a draft what its lines come to, less its discounts."""
    lines, discounts = invoice["lines"]["data"], standing(store, invoice["discounts"])
    take_off(store, discounts, lines)
    off = {one["id"]: 0 for one in discounts}
    for line in lines:
        line["invoice"] = invoice["id"]
        for one in line["discount_amounts"]:
            off[one["discount"]] += one["amount"]
    invoice["subtotal"] = invoice["subtotal_excluding_tax"] = sum(line["amount"] for line in lines)
    invoice["total"] = invoice["total_excluding_tax"] = sum(net(line) for line in lines)
    invoice["total_discount_amounts"] = [
        {"amount": amount, "discount": id} for id, amount in off.items()
    ]
