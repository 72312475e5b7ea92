"""Calls about coupons, promotion codes and discounts: each gives what Stripe answers with, or
raises StripeRefusal.
"""

import stripe

from local.stripe_sim.api.calls import Call, list_of
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal, missing
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.discounts import code_by_name, code_is_active, drop


def make_coupon(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    _check_coupon(wanted)
    if wanted.get("id") in store.objects.get("coupon", {}):
        raise StripeRefusal(
            f"Coupon already exists: {wanted['id']}", "id", "resource_already_exists"
        )
    plain = (
        "percent_off",
        "amount_off",
        "currency",
        "duration",
        "duration_in_months",
        "name",
        "max_redemptions",
        "redeem_by",
        "currency_options",
    )
    coupon = store.make(
        "coupon",
        stripe.Coupon,
        id=wanted.get("id") or store.id("product")[5:13],
        applies_to=blank(stripe.Coupon.AppliesTo, **wanted["applies_to"])
        if wanted.get("applies_to")
        else None,
        metadata=merged({}, wanted),
        times_redeemed=0,
        valid=True,
        **{"duration": "once"} | {name: wanted[name] for name in plain if name in wanted},
    )
    store.tell("coupon.created", coupon)
    return coupon


def _check_coupon(wanted: Object) -> None:
    percent_off, amount_off = wanted.get("percent_off"), wanted.get("amount_off")
    if (percent_off is None) == (amount_off is None):
        raise StripeRefusal(
            "You must pass either percent_off or amount_off, and not both.", "percent_off"
        )
    if percent_off is not None and not 0 < percent_off <= 100:
        raise StripeRefusal(
            "Invalid percent_off: must be greater than 0 and at most 100.", "percent_off"
        )
    if amount_off is not None and amount_off <= 0:
        raise StripeRefusal(
            "This value must be greater than or equal to 1.",
            "amount_off",
            "parameter_invalid_integer",
        )
    if amount_off is not None and not wanted.get("currency"):
        raise StripeRefusal(
            "You must pass currency when passing amount_off.", "currency", "parameter_missing"
        )
    if (wanted.get("duration") == "repeating") != ("duration_in_months" in wanted):
        raise StripeRefusal(
            "duration_in_months goes with a duration of repeating, and is required for it.",
            "duration_in_months",
        )


def delete_coupon(call: Call) -> Object:
    """No one can redeem it any more; who has it keeps it."""
    coupon = call.find("coupon")
    coupon["redeem_by"], coupon["valid"] = call.engine.store.second, False
    call.engine.store.tell("coupon.deleted", coupon)
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


def make_promotion_code(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    promotion, kind = wanted["promotion"], stripe.PromotionCode
    coupon = store.find("coupon", promotion.get("coupon"), "promotion[coupon]")
    name = wanted.get("code") or store.id("product")[5:13].upper()
    if code_by_name(store, name):
        raise StripeRefusal(f"An active promotion code with `code: {name}` already exists.", "code")
    if wanted.get("customer"):
        store.find("customer", wanted["customer"], "customer")
    code = store.make(
        "promotion_code",
        kind,
        active=wanted.get("active", True),
        code=name,
        customer=wanted.get("customer"),
        expires_at=wanted.get("expires_at"),
        max_redemptions=wanted.get("max_redemptions"),
        metadata=merged({}, wanted),
        promotion=blank(kind.Promotion, type="coupon", coupon=coupon["id"]),
        restrictions=blank(kind.Restrictions, first_time_transaction=False)
        | (wanted.get("restrictions") or {}),
        times_redeemed=0,
    )
    store.tell("promotion_code.created", code)
    return code


def update_promotion_code(call: Call) -> Object:
    store, code, wanted = call.engine.store, call.find("promotion_code"), call.wanted
    if wanted.get("active") and not code_is_active(store, code):
        raise StripeRefusal("This promotion code can no longer be activated.", "active")
    with store.changing(code, "promotion_code.updated"):
        code["active"], code["metadata"] = (
            wanted.get("active", code["active"]),
            merged(code["metadata"], wanted),
        )
    return code


def promotion_codes(call: Call) -> list[Object]:
    found = list_of("promotion_code", active="active", customer="customer")(call)
    wanted = call.wanted
    found = [
        one
        for one in found
        if "coupon" not in wanted or one["promotion"]["coupon"] == wanted["coupon"]
    ]
    return [
        one
        for one in found
        if "code" not in wanted or one["code"].lower() == wanted["code"].lower()
    ]


def delete_discount(call: Call) -> Object:
    """Take a subscription's discounts away."""
    store, subscription = call.engine.store, call.find("subscription")
    if not subscription["discounts"]:
        raise missing("discount", subscription["id"])
    last = store.find("discount", subscription["discounts"][-1])
    with store.changing(subscription, "customer.subscription.updated"):
        drop(store, subscription, list(subscription["discounts"]))
    return last | {"deleted": True}
