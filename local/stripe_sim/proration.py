"""Prorations: what is left of the old items is credited, and the rest of the period with the new ones is charged, to the second."""

import stripe

from local.stripe_sim.shapes import Object, blank
from local.stripe_sim.store import Store


def prorate(store: Store, subscription: Object, before: list[Object], after: list[Object], whole_period: bool) -> None:
    """Pending invoice items for the change of a subscription's items now. With a new period (`whole_period` false) only what is left is credited."""
    old = {item["id"]: item for item in before}
    for item in after:
        was = old.get(item["id"])
        if whole_period and (was is None or _cost(was) != _cost(item)):
            _pending(store, subscription, item, _share(store, item, _cost(item)), "Remaining time")
    new = {item["id"]: item for item in after}
    for id, was in old.items():
        if not whole_period or id not in new or _cost(new[id]) != _cost(was):
            _pending(store, subscription, was, -_share(store, was, _cost(was)), "Unused time")


def _cost(item: Object) -> int:
    return int((item["price"]["unit_amount"] or 0) * (item["quantity"] or 1))


def _share(store: Store, item: Object, amount: int) -> int:
    """The part of an amount that falls on the rest of the item's period."""
    length = item["current_period_end"] - item["current_period_start"]
    left = max(0, item["current_period_end"] - store.second)
    return round(amount * left / length) if length else 0


def _pending(store: Store, subscription: Object, item: Object, amount: int, what: str) -> None:
    kind, price = stripe.InvoiceItem, item["price"]
    made = store.make(
        "invoiceitem",
        kind,
        amount=amount,
        currency=price["currency"],
        customer=subscription["customer"],
        date=store.second,
        description=f"{what} on {price['id']}",
        discountable=False,
        parent=blank(
            kind.Parent,
            type="subscription_details",
            subscription_details=blank(kind.Parent.SubscriptionDetails, subscription=subscription["id"], subscription_item=item["id"]),
        ),
        period={"start": store.second, "end": item["current_period_end"]},
        pricing=blank(kind.Pricing, type="price_details", price_details={"price": price["id"], "product": price["product"]}),
        proration=True,
        quantity=item["quantity"] or 1,
        quantity_decimal=str(item["quantity"] or 1),
    )
    store.tell("invoiceitem.created", made)
