"""Invoice items: charges and credits that wait for the customer's next invoice, or go onto a draft
at once.
"""

from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.amounts import MAXIMUM, rounded
from local.stripe_sim.billing.lines import pricing_of
from local.stripe_sim.billing.prices import make_price, price_of, unit_amount
from local.stripe_sim.lifecycle.customers import settle_currency
from local.stripe_sim.lifecycle.store import Store

_Item = stripe.InvoiceItem


def make_item(store: Store, customer: Object, wanted: Object) -> Object:
    """A pending item as the parameters of `POST /v1/invoiceitems` say; an item in another currency
    than the customer's is refused.
    """
    price, currency = _priced(store, customer, wanted)
    settle_currency(store, customer, currency, "currency")
    quantity = wanted.get("quantity", 1)
    each = unit_amount(store, price, currency)
    amount = each * quantity
    subscription = wanted.get("subscription")
    if subscription:
        _check_subscription(
            store.find("subscription", subscription, "subscription"), customer, currency
        )
    item = store.make(
        "invoiceitem",
        _Item,
        amount=amount,
        currency=currency,
        customer=customer["id"],
        date=store.second,
        description=wanted.get("description"),
        discountable=wanted.get("discountable", amount >= 0),
        metadata=dict(wanted.get("metadata") or {}),
        parent=(
            blank(
                _Item.Parent,
                type="subscription_details",
                subscription_details=blank(
                    _Item.Parent.SubscriptionDetails, subscription=subscription
                ),
            )
            if subscription
            else None
        ),
        period=dict(wanted.get("period") or {"start": store.second, "end": store.second}),
        pricing=pricing_of(_Item.Pricing, price, each),
        proration=False,
        quantity=quantity,
        quantity_decimal=str(quantity),
    )
    item["net_amount"] = None if item["discountable"] else amount
    store.tell("invoiceitem.created", item)
    return item


def _priced(store: Store, customer: Object, wanted: Object) -> tuple[Object, str]:
    """The price of an item and its currency. Stripe makes a price for an amount that is given by
    itself.
    """
    amounts: list[Any] = [
        wanted[name] for name in ("amount", "unit_amount", "unit_amount_decimal") if name in wanted
    ]
    if not amounts:
        named = {
            **(wanted.get("pricing") or {}),
            **{name: wanted[name] for name in ("price", "price_data") if name in wanted},
        }
        price = price_of(store, named, "pricing")
        if price["type"] != "one_time":
            raise StripeRefusal(
                "The price specified is set to `type=recurring` but this field only accepts prices"
                " with `type=one_time`.",
                "pricing[price]",
            )
        return price, wanted.get("currency") or price["currency"]
    amount = rounded(amounts[0]) if not isinstance(amounts[0], float) else round(amounts[0])
    currency = str(wanted.get("currency") or "").lower()
    if not currency:
        raise StripeRefusal("Missing required param: currency.", "currency", "parameter_missing")
    if abs(amount) > MAXIMUM:
        raise StripeRefusal("Amount must be no more than $999,999.99", "amount", "amount_too_large")
    settle_currency(store, customer, currency, "currency", only_check=True)
    product = store.make(
        "product",
        stripe.Product,
        type="service",
        name=wanted.get("description") or "Item",
        active=False,
        updated=store.second,
    )
    store.tell("product.created", product)
    price = make_price(
        store,
        {"product": product["id"], "currency": currency, "unit_amount": amount, "active": False},
    )
    store.tell("price.created", price)
    return price, currency


def _check_subscription(subscription: Object, customer: Object, currency: str) -> None:
    if subscription["customer"] != customer["id"]:
        raise StripeRefusal(
            f"Customer {customer['id']} does not have a subscription with ID {subscription['id']}",
            "subscription",
            "resource_missing",
        )
    if subscription["status"] in {"canceled", "incomplete_expired"}:
        raise StripeRefusal(
            "You cannot add an invoice item to a subscription that has ended.", "subscription"
        )
    if subscription["currency"] != currency:
        raise StripeRefusal(
            "The currency of the item must be that of the subscription,"
            f" {subscription['currency']}.",
            "currency",
        )


def pending_of(store: Store, customer: Object, currency: str | None = None) -> list[Object]:
    """The items that wait for an invoice, the newest first."""
    found = [
        one
        for one in store.all("invoiceitem")
        if one["customer"] == customer["id"] and one["invoice"] is None
    ]
    return found if currency is None else [one for one in found if one["currency"] == currency]


def subscription_of(item: Object) -> str | None:
    """The subscription that an item is bound to."""
    return ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")


def delete_item(store: Store, item: Object) -> None:
    """Take a pending item away."""
    del store.objects["invoiceitem"][item["id"]]
    store.tell("invoiceitem.deleted", item)
