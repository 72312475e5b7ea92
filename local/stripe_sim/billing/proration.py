"""Prorations: what was paid for the rest of a period is credited, and the rest with the new items
is charged, to the second. Each line is rounded down by itself, their sum not again.

As in flexible billing a credit is a share of what was really debited for the item, discounts and
all, and not of its price (docs.stripe.com/billing/subscriptions/prorations, "Credit prorations").
What was debited lies beside the subscription, in `_debits`.
"""

from datetime import UTC, datetime
from typing import Any

import stripe

from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.amounts import prorated
from local.stripe_sim.billing.discounts import net, standing, take_off
from local.stripe_sim.billing.lines import pricing_of
from local.stripe_sim.billing.prices import cost, unit_amount
from local.stripe_sim.lifecycle.store import Store

_Item = stripe.InvoiceItem


def remember_debits(subscription: Object, lines: list[Object]) -> None:
    """Note what lines for whole periods debit for each item of a subscription."""
    for line in lines:
        details = (line["parent"] or {}).get("subscription_item_details")
        if details and details["invoice_item"] is None:
            subscription["_debits"][details["subscription_item"]] = {
                "amount": net(line),
                **line["period"],
                "credited": {
                    "type": "invoice_line_items",
                    "invoice": line["invoice"],
                    "line": line["id"],
                },
            }


def prorate(
    store: Store,
    subscription: Object,
    before: list[Object],
    after: list[Object],
    at: int,
    whole_period: bool,
) -> None:
    """Pending invoice items for a change of a subscription's items `at` a second. With a new period
    (not `whole_period`) only credits.
    """
    old, new = ({item["id"]: _essence(item) for item in items} for items in (before, after))
    changed = (
        [item for item in after if old.get(item["id"]) != new[item["id"]]] if whole_period else []
    )
    gone = [item for item in before if not whole_period or new.get(item["id"]) != old[item["id"]]]
    debits = {item["id"]: subscription["_debits"].pop(item["id"], None) for item in gone}
    full, currency = _full_costs(store, subscription, after), subscription["currency"]
    # An item that is added pays for what is left of the period that runs, as the others do.
    began = min((item["current_period_start"] for item in before), default=at)
    for item in changed:
        start = item["current_period_start"] if item["id"] in old else began
        end = item["current_period_end"]
        amount = prorated(full[item["id"]], end - at, end - start, currency)
        made = _pending(store, subscription, item, amount, at, "Remaining")
        subscription["_debits"][item["id"]] = {
            "amount": amount,
            "start": at,
            "end": end,
            "credited": {"type": "invoice_item", "invoice_item": made["id"]},
        }
    for item in gone:
        debit = debits[item["id"]]
        if debit and debit["amount"]:
            amount = prorated(
                -debit["amount"],
                max(0, debit["end"] - max(at, debit["start"])),
                debit["end"] - debit["start"],
                currency,
            )
            _pending(store, subscription, item, amount, at, "Unused", debit["credited"])


def _essence(item: Object) -> tuple[Any, ...]:
    return item["price"]["id"], item["quantity"]


def _full_costs(store: Store, subscription: Object, items: list[Object]) -> dict[str, int]:
    """What each item costs for a whole period with the discounts that stand now."""
    currency = subscription["currency"]
    lines = [
        {
            "amount": cost(store, item, currency),
            "currency": currency,
            "discountable": True,
            "pricing": pricing_of(_Item.Pricing, item["price"], 0),
        }
        for item in items
    ]
    take_off(store, standing(store, subscription["discounts"]), lines)
    return {item["id"]: net(line) for item, line in zip(items, lines, strict=True)}


def _pending(
    store: Store,
    subscription: Object,
    item: Object,
    amount: int,
    at: int,
    what: str,
    credited: Object | None = None,
) -> Object:
    price, quantity = item["price"], item["quantity"] if item["quantity"] is not None else 1
    name = store.find("product", price["product"])["name"]
    day = datetime.fromtimestamp(at, UTC)
    made = store.make(
        "invoiceitem",
        _Item,
        amount=amount,
        currency=subscription["currency"],
        customer=subscription["customer"],
        date=at,
        description=(
            f"{what} time on {name if quantity == 1 else f'{quantity} × {name}'} after"
            f" {day.day:02d} {day:%b %Y}"
        ),
        discountable=False,
        net_amount=amount,
        parent=blank(
            _Item.Parent,
            type="subscription_details",
            subscription_details=blank(
                _Item.Parent.SubscriptionDetails,
                subscription=subscription["id"],
                subscription_item=item["id"],
            ),
        ),
        period={"start": at, "end": item["current_period_end"]},
        pricing=pricing_of(
            _Item.Pricing, price, unit_amount(store, price, subscription["currency"])
        ),
        proration=True,
        proration_details=blank(
            _Item.ProrationDetails, credited_items=_credited(credited), discount_amounts=[]
        ),
        quantity=quantity,
        quantity_decimal=str(quantity),
    )
    store.tell("invoiceitem.created", made)
    return made


def _credited(credited: Object | None) -> Object | None:
    if credited is None:
        return None
    kind = _Item.ProrationDetails.CreditedItems
    if credited["type"] == "invoice_item":
        return blank(kind, **credited)
    details = blank(
        kind.InvoiceLineItemDetails,
        invoice=credited["invoice"],
        invoice_line_items=[credited["line"]],
    )
    return blank(kind, type="invoice_line_items", invoice_line_item_details=details)
