"""Prices: what they cost in which currency, and the old form that items still carry. One with tiers
has no amount, and costs nothing here.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.amounts import step_of
from local.stripe_sim.lifecycle.store import Store


def make_price(store: Store, wanted: Object) -> Object:
    """A price as the parameters of `POST /v1/prices` say. No event is sent."""
    recurring = wanted.get("recurring")
    currency = wanted["currency"].lower()
    own = {name: wanted.get(name) for name in ("unit_amount", "unit_amount_decimal")}
    options = {currency: own, **(wanted.get("currency_options") or {})}
    _check_amounts(options)
    scheme = wanted.get("billing_scheme") or "per_unit"
    price = store.make(
        "price",
        stripe.Price,
        active=wanted.get("active", True),
        billing_scheme=scheme,
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
        tiers_mode=wanted.get("tiers_mode"),
        type="recurring" if recurring else "one_time",
        **_amounts(own),
    )
    offer_currencies(store, price, options)
    return price


def _amounts(option: Object) -> Object:
    """`unit_amount`, which is whole or null, and `unit_amount_decimal`, which has its fractions."""
    amount, fine = option.get("unit_amount"), option.get("unit_amount_decimal")
    exact = (
        Decimal(str(fine if amount is None else amount)) if (fine, amount) != (None, None) else None
    )
    if exact is None:
        return {"unit_amount": None, "unit_amount_decimal": None}
    whole = int(exact) if exact == int(exact) else None
    text = str(whole) if whole is not None else format(exact.normalize(), "f")
    return {"unit_amount": whole, "unit_amount_decimal": text}


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
            known[currency] = blank(
                stripe.Price.CurrencyOptions,
                tax_behavior=option.get("tax_behavior", "unspecified"),
                **_amounts(option),
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
    """What one costs in a currency, in whole minor units. Raises StripeRefusal where the price is
    not offered in it.
    """
    return _rounded(_exact(store, price, currency, param))


def _exact(store: Store, price: Object, currency: str, param: str) -> Decimal:
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
    return Decimal(option["unit_amount_decimal"] or 0)


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def cost(store: Store, item: Object, currency: str) -> int:
    """What a subscription's item costs for a whole period; of a metered price nothing is used."""
    if is_metered(item["price"]):
        return 0
    quantity = item["quantity"] if item["quantity"] is not None else 1
    return _rounded(_exact(store, item["price"], currency, "price") * int(quantity))


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
        amount_decimal=price["unit_amount_decimal"],
        billing_scheme=price["billing_scheme"],
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
    return make_price(store, {**data, "active": False})
