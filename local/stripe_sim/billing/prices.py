"""Prices: what they cost in which currency, and the old form that items still carry."""

from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.amounts import step_of
from local.stripe_sim.lifecycle.store import Store


def make_price(store: Store, wanted: Object) -> Object:
    """A price as the parameters of `POST /v1/prices` say. Nothing is told."""
    recurring = wanted.get("recurring")
    amount = wanted.get("unit_amount")
    currency = wanted["currency"].lower()
    options = {currency: {"unit_amount": amount}, **(wanted.get("currency_options") or {})}
    _check_amounts(options)
    price = store.make(
        "price",
        stripe.Price,
        active=wanted.get("active", True),
        billing_scheme="per_unit",
        currency=currency,
        lookup_key=wanted.get("lookup_key"),
        metadata=dict(wanted.get("metadata") or {}),
        nickname=wanted.get("nickname"),
        product=wanted["product"],
        recurring=(
            blank(
                stripe.Price.Recurring,
                interval=recurring["interval"],
                interval_count=recurring.get("interval_count", 1),
                meter=recurring.get("meter"),
                usage_type=recurring.get("usage_type", "licensed"),
            )
            if recurring
            else None
        ),
        tax_behavior=wanted.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
        unit_amount=amount,
        unit_amount_decimal=None if amount is None else str(amount),
    )
    offer_currencies(store, price, options)
    return price


def _check_amounts(options: Object) -> None:
    """Raises StripeRefusal for an amount that a currency cannot have."""
    for currency, option in options.items():
        amount, step = (option or {}).get("unit_amount"), step_of(currency)
        if amount is not None and amount % step:
            raise StripeRefusal(
                f"Invalid amount: amounts in {currency} must be divisible by {step}.",
                "unit_amount",
                "parameter_invalid_integer",
            )


def offer_currencies(store: Store, price: Object, options: Object) -> None:
    """Let a price be paid in these currencies too; one without a value no longer."""
    _check_amounts(options)
    known = store.currency_options.setdefault(price["id"], {})
    for currency, option in options.items():
        known.pop(currency, None)
        if option:
            amount = option.get("unit_amount")
            known[currency] = blank(
                stripe.Price.CurrencyOptions,
                tax_behavior=option.get("tax_behavior", "unspecified"),
                unit_amount=amount,
                unit_amount_decimal=None if amount is None else str(amount),
            )


def currency_for(store: Store, prices: list[Object], wanted: str | None, usual: str | None) -> str:
    """The currency in which prices are paid: the one asked for, else the customer's usual one if
    all offer it, else the first price's own.
    """
    if wanted is not None:
        return wanted.lower()
    if usual and prices and all(usual in store.currency_options[price["id"]] for price in prices):
        return usual
    return str(prices[0]["currency"]) if prices else usual or "usd"


def unit_amount(store: Store, price: Object, currency: str, param: str = "price") -> int:
    """What one costs in a currency. Raises StripeRefusal where the price is not offered in it."""
    option = store.currency_options.get(price["id"], {}).get(currency)
    if option is None:
        offered = ", ".join(
            f"`{one}`"
            for one in sorted(store.currency_options.get(price["id"], {}) or [price["currency"]])
        )
        raise StripeRefusal(
            f"The price specified only supports {offered}. This doesn't match the expected"
            f" currency: `{currency}`.",
            param,
        )
    return int(option["unit_amount"] or 0)


def cost(store: Store, item: Object, currency: str) -> int:
    """What a subscription's item costs for a whole period; of a metered price nothing is used."""
    if is_metered(item["price"]):
        return 0
    quantity = item["quantity"] if item["quantity"] is not None else 1
    return unit_amount(store, item["price"], currency) * int(quantity)


def is_metered(price: Object) -> bool:
    """Whether a price is for what is used, and not for a quantity."""
    return bool(price["recurring"] and price["recurring"]["usage_type"] == "metered")


def plan_of(price: Object) -> Object:
    """The old form of a price, which items still carry."""
    recurring = price["recurring"]
    return blank(
        stripe.Plan,
        id=price["id"],
        active=price["active"],
        amount=price["unit_amount"],
        billing_scheme="per_unit",
        created=price["created"],
        currency=price["currency"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        product=price["product"],
        usage_type=recurring["usage_type"],
    )


def recurring_of(price: Object) -> tuple[str, int]:
    """The interval of a recurring price, and how many of them a period is."""
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def price_of(store: Store, wanted: Object, param: str) -> Object:
    """The price that parameters name, or describe by `price_data`. Raises StripeRefusal."""
    data: Any = wanted.get("price_data")
    if data is None:
        return store.find("price", wanted.get("price"), f"{param}[price]")
    store.find("product", data.get("product"), f"{param}[price_data][product]")
    amount = data.get("unit_amount")
    return make_price(
        store,
        {
            **data,
            "unit_amount": int(data.get("unit_amount_decimal", 0)) if amount is None else amount,
            "active": False,
        },
    )
