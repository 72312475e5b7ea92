"""Calls about products, prices and coupons: each gives what Stripe answers with, an object or a
list of them, or raises StripeRefusal.
"""

import stripe

from local.stripe_sim.api.calls import Call, list_of
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.prices import make_price as new_price
from local.stripe_sim.billing.prices import offer_currencies


def make_product(call: Call) -> Object:
    wanted = call.wanted
    store = call.engine.store
    if wanted.get("id") in store.objects.get("product", {}):
        raise StripeRefusal(
            f"Product already exists: {wanted['id']}", "id", "resource_already_exists"
        )
    product = store.make(
        "product",
        stripe.Product,
        **({"id": wanted["id"]} if "id" in wanted else {}),
        name=wanted["name"],
        active=wanted.get("active", True),
        updated=store.second,
        metadata=dict(wanted.get("metadata") or {}),
        description=wanted.get("description"),
    )
    store.tell("product.created", product)
    return product


def update_product(call: Call) -> Object:
    store, product, wanted = call.engine.store, call.find("product"), call.wanted
    if default := wanted.get("default_price"):
        price = store.find("price", default, "default_price")
        if price["product"] != product["id"] or not price["active"]:
            raise StripeRefusal(
                "The default price must be an active price of the product.", "default_price"
            )
    with store.changing(product, "product.updated"):
        product |= {
            name: wanted[name]
            for name in ("active", "name", "description", "default_price")
            if name in wanted
        }
        product["metadata"] = merged(product["metadata"], wanted)
        product["updated"] = store.second
    return product


def products(call: Call) -> list[Object]:
    found = list_of("product", active="active")(call)
    ids = call.wanted.get("ids")
    return found if ids is None else [one for one in found if one["id"] in ids]


def make_price(call: Call) -> Object:
    store, wanted = call.engine.store, dict(call.wanted)
    if data := wanted.pop("product_data", None):
        wanted["product"] = store.make(
            "product",
            stripe.Product,
            type="service",
            name=data["name"],
            active=True,
            updated=store.second,
        )["id"]
    store.find("product", wanted.get("product"), "product")
    _take_lookup_key(call)
    price = new_price(store, wanted)
    store.tell("price.created", price)
    return price


def update_price(call: Call) -> Object:
    store, price, wanted = call.engine.store, call.find("price"), call.wanted
    if (
        wanted.get("active") is False
        and store.find("product", price["product"])["default_price"] == price["id"]
    ):
        raise StripeRefusal(
            "This price cannot be archived because it is the default price of its product.",
            "active",
        )
    if wanted.get("lookup_key") != price["lookup_key"]:
        _take_lookup_key(call)
    with store.changing(price, "price.updated"):
        price |= {
            name: wanted[name] for name in ("active", "lookup_key", "nickname") if name in wanted
        }
        price["metadata"] = merged(price["metadata"], wanted)
    offer_currencies(store, price, wanted.get("currency_options") or {})
    return price


def prices(call: Call) -> list[Object]:
    found = list_of("price", product="product", active="active", type="type")(call)
    keys = call.wanted.get("lookup_keys")
    if keys is not None and len(keys) > 10:
        raise StripeRefusal("You can specify up to 10 lookup_keys.", "lookup_keys")
    return found if keys is None else [one for one in found if one["lookup_key"] in keys]


def merged(metadata: Object, wanted: Object) -> Object:
    """What becomes of an object's metadata: keys are set, those with an empty value go, and an
    empty value in place of all takes all away.
    """
    if "metadata" not in wanted:
        return metadata
    given = wanted["metadata"]
    return (
        {name: value for name, value in (metadata | given).items() if value != ""} if given else {}
    )


def _take_lookup_key(call: Call) -> None:
    """Free the lookup key that the call asks for. Raises StripeRefusal if another price has it,
    unless it is to be transferred.
    """
    key, store = call.wanted.get("lookup_key"), call.engine.store
    for one in [one for one in store.all("price") if key and one["lookup_key"] == key]:
        if not call.wanted.get("transfer_lookup_key"):
            raise StripeRefusal(
                f"A price (`{one['id']}`) already uses that lookup key.",
                "lookup_key",
                "resource_already_exists",
            )
        with store.changing(one, "price.updated"):
            one["lookup_key"] = None
