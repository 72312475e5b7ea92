"""Coupons, promotion codes and discounts: who may use which, how long each lasts, and what it takes
off the lines of an invoice.
"""

from typing import Any

import stripe

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.amounts import percent, split
from local.stripe_sim.billing.calendar import months_later
from local.stripe_sim.lifecycle.store import Store

PRIOR = (
    "This promotion code cannot be redeemed because the associated customer has prior transactions."
)


def is_valid(store: Store, coupon: Object) -> bool:
    """Whether a coupon can still be redeemed."""
    late = coupon["redeem_by"] is not None and coupon["redeem_by"] <= store.second
    return not late and not (
        coupon["max_redemptions"] is not None
        and coupon["times_redeemed"] >= coupon["max_redemptions"]
    )


def code_is_active(store: Store, code: Object) -> bool:
    """Whether a promotion code can still be redeemed."""
    late = code["expires_at"] is not None and code["expires_at"] <= store.second
    used_up = (
        code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]
    )
    return (
        not late
        and not used_up
        and is_valid(store, store.find("coupon", code["promotion"]["coupon"]))
    )


def discounts_for(
    store: Store, wanted: Any, customer: Object | None, currency: str, held: list[str], **owner: str
) -> list[str]:
    """The ids of the discounts that a `discounts` parameter asks for; `owner` is what they are made
    for. Raises StripeRefusal.
    """
    found = []
    for place, one in enumerate(wanted or []):
        param = f"discounts[{place}]"
        if one.get("discount"):
            if one["discount"] not in held:
                raise StripeRefusal(
                    f"No such discount: '{one['discount']}'",
                    f"{param}[discount]",
                    "resource_missing",
                )
            found.append(one["discount"])
            continue
        coupon, code = redeemable(store, one, customer, currency, param)
        found.append(_made(store, coupon, code, customer, owner)["id"])
    return found


def refuse_for_item(line: Object, param: str) -> None:
    """Raises StripeRefusal for the discount of a single item, which only Stripe itself has."""
    if line.get("discounts"):
        raise StripeRefusal(
            "The simulated Stripe takes discounts off whole subscriptions and invoices only.",
            f"{param}[discounts]",
        )


def redeemable(
    store: Store, wanted: Object, customer: Object | None, currency: str, param: str
) -> tuple[Object, Object | None]:
    """The coupon, and the promotion code if it came by one, that can be redeemed now. Raises
    StripeRefusal.
    """
    code = None
    if wanted.get("promotion_code"):
        code = store.find("promotion_code", wanted["promotion_code"], f"{param}[promotion_code]")
        _check_code(store, code, customer, f"{param}[promotion_code]")
    coupon = store.find(
        "coupon", code["promotion"]["coupon"] if code else wanted.get("coupon"), f"{param}[coupon]"
    )
    if not is_valid(store, coupon):
        raise StripeRefusal(f"Coupon expired: {coupon['id']}", f"{param}[coupon]", "coupon_expired")
    if coupon["amount_off"] is not None and _off_in(coupon, currency) is None:
        raise StripeRefusal(
            f"Coupon `{coupon['id']}` is in {coupon['currency']} and cannot be applied to a"
            f" currency of {currency}.",
            f"{param}[coupon]",
        )
    return coupon, code


def code_by_name(store: Store, name: str) -> Object | None:
    """The active promotion code that a customer types in, whatever its case."""
    return next(
        (
            one
            for one in store.all("promotion_code")
            if one["active"] and one["code"].lower() == name.strip().lower()
        ),
        None,
    )


def _check_code(store: Store, code: Object, customer: Object | None, param: str) -> None:
    if not code["active"] or not code_is_active(store, code):
        raise StripeRefusal("This promotion code is not active.", param, "promotion_code_inactive")
    if code["customer"] is not None and code["customer"] != (customer and customer["id"]):
        raise StripeRefusal(
            "This promotion code cannot be redeemed by this customer.",
            param,
            "promotion_code_customer_mismatch",
        )
    mine = [
        one
        for one in store.all("invoice")
        if customer and one["customer"] == customer["id"] and one["amount_paid"] > 0
    ]
    if code["restrictions"]["first_time_transaction"] and mine:
        raise StripeRefusal(PRIOR, param)


def _made(
    store: Store,
    coupon: Object,
    code: Object | None,
    customer: Object | None,
    owner: dict[str, str],
) -> Object:
    coupon["times_redeemed"] += 1
    coupon["valid"] = is_valid(store, coupon)
    if code:
        code["times_redeemed"] += 1
        code["active"] = code["active"] and code_is_active(store, code)
    discount = store.make(
        "discount",
        stripe.Discount,
        customer=customer and customer["id"],
        end=(
            months_later(store.second, coupon["duration_in_months"])
            if coupon["duration"] == "repeating"
            else None
        ),
        promotion_code=code and code["id"],
        source=blank(stripe.Discount.Source, type="coupon", coupon=coupon["id"]),
        start=store.second,
        **owner,
    )
    store.tell("customer.discount.created", discount)
    return discount


def drop(store: Store, subscription: Object, gone: list[str]) -> None:
    """Take discounts off a subscription."""
    subscription["discounts"] = [one for one in subscription["discounts"] if one not in gone]
    for id in gone:
        store.tell("customer.discount.deleted", store.find("discount", id))


def ending(store: Store, subscription: Object) -> list[Object]:
    """Those of a subscription's discounts that end by themselves."""
    found = [store.find("discount", id) for id in subscription["discounts"]]
    return [one for one in found if one["end"] is not None]


def standing(store: Store, ids: list[str]) -> list[Object]:
    """Those of some discounts that have not ended."""
    found = [store.find("discount", id) for id in ids]
    return [one for one in found if one["end"] is None or one["end"] > store.second]


def coupon_of(store: Store, discount: Object) -> Object:
    """The coupon behind a discount."""
    return store.find("coupon", discount["source"]["coupon"])


def take_off(store: Store, discounts: list[Object], lines: list[Object]) -> None:
    """Write into lines what discounts, one after another, take off them: a percentage of each, an
    amount once, shared among them.
    """
    for line in lines:
        line["discounts"] = line["discount_amounts"] = []
    for discount in discounts:
        coupon = coupon_of(store, discount)
        products = (coupon["applies_to"] or {}).get("products")
        fit = [
            line
            for line in lines
            if line["discountable"]
            and net(line) > 0
            and (products is None or _product(line) in products)
        ]
        left = [net(line) for line in fit]
        if coupon["percent_off"] is not None:
            off = [percent(amount, coupon["percent_off"]) for amount in left]
        else:
            off = (
                split(min(_off_in(coupon, lines[0]["currency"]) or 0, sum(left)), left)
                if fit
                else []
            )
        for line, amount in zip(fit, off, strict=True):
            line["discounts"] = [*line["discounts"], discount["id"]]
            line["discount_amounts"] = [
                *line["discount_amounts"],
                {"amount": amount, "discount": discount["id"]},
            ]


def net(line: Object) -> int:
    """What a line costs after its discounts."""
    discounts: list[Object] = line["discount_amounts"] or []
    return int(line["amount"] - sum(one["amount"] for one in discounts))


def _product(line: Object) -> str | None:
    return ((line["pricing"] or {}).get("price_details") or {}).get("product")


def _off_in(coupon: Object, currency: str) -> int | None:
    options = coupon["currency_options"] or {}
    if coupon["currency"] == currency:
        return int(coupon["amount_off"])
    return int(options[currency]["amount_off"]) if currency in options else None
