"""Calls about the catalogue, customers and their cards: each gives what Stripe answers with, an object or a list of them, or raises StripeRefusal."""

import stripe

from local.stripe_sim.calls import Call, list_of
from local.stripe_sim.checkout import make_customer as new_customer
from local.stripe_sim.engine import make_price as new_price
from local.stripe_sim.refusals import StripeRefusal
from local.stripe_sim.shapes import Object


def make_product(call: Call) -> Object:
    wanted = call.wanted
    store = call.engine.store
    product = store.make(
        "product",
        stripe.Product,
        **({"id": wanted["id"]} if "id" in wanted else {}),
        name=wanted["name"],
        active=True,
        updated=store.second,
        metadata=dict(wanted.get("metadata") or {}),
        description=wanted.get("description"),
    )
    store.tell("product.created", product)
    return product


def make_price(call: Call) -> Object:
    store, wanted = call.engine.store, dict(call.wanted)
    if data := wanted.pop("product_data", None):
        wanted["product"] = store.make("product", stripe.Product, type="service", name=data["name"], active=True, updated=store.second)["id"]
    if any(one["lookup_key"] == wanted.get("lookup_key") for one in store.all("price")) and wanted.get("lookup_key"):
        if not wanted.get("transfer_lookup_key"):
            raise StripeRefusal(f"A price (`{wanted['lookup_key']}`) already uses that lookup key.", "lookup_key", "resource_already_exists")
        for one in store.all("price"):
            one["lookup_key"] = None if one["lookup_key"] == wanted["lookup_key"] else one["lookup_key"]
    store.find("product", wanted.get("product"), "product")
    price = new_price(store, wanted)
    store.tell("price.created", price)
    return price


def update_price(call: Call) -> Object:
    price = call.find("price")
    with call.engine.store.changing(price, "price.updated"):
        price |= {name: call.wanted[name] for name in ("active", "lookup_key", "nickname") if name in call.wanted}
    return price


def prices(call: Call) -> list[Object]:
    found = list_of("price", product="product", active="active", type="type")(call)
    keys = call.wanted.get("lookup_keys")
    return found if keys is None else [one for one in found if one["lookup_key"] in keys]


def make_coupon(call: Call) -> Object:
    wanted = call.wanted
    values = {name: wanted[name] for name in ("percent_off", "amount_off", "currency", "duration", "duration_in_months", "name") if name in wanted}
    coupon = call.engine.store.make(
        "coupon",
        stripe.Coupon,
        id=wanted.get("id") or call.engine.store.id("product")[5:13].upper(),
        times_redeemed=0,
        valid=True,
        **{"duration": "once"} | values,
    )
    call.engine.store.tell("coupon.created", coupon)
    return coupon


def make_customer(call: Call) -> Object:
    wanted = dict(call.wanted)
    method = wanted.pop("payment_method", None)
    customer = new_customer(call.engine.store, wanted)
    if method:
        call.engine.payments.attach(call.engine.store.find("payment_method", method, "payment_method"), customer)
    return customer


def update_customer(call: Call) -> Object:
    store, customer, wanted = call.engine.store, call.find("customer"), call.wanted
    if customer.get("deleted"):
        raise StripeRefusal(f"No such customer: '{customer['id']}'", "id", "resource_missing", 404)
    settings = wanted.get("invoice_settings") or {}
    if settings.get("default_payment_method"):
        method = store.find("payment_method", settings["default_payment_method"], "invoice_settings[default_payment_method]")
        if method["customer"] != customer["id"]:
            raise StripeRefusal(
                f"The customer does not have a payment method with the ID {method['id']}. The payment method must be attached to the customer.",
                "invoice_settings[default_payment_method]",
                "resource_missing",
            )
    with store.changing(customer, "customer.updated"):
        for name in ("email", "name", "description", "phone"):
            if name in wanted:
                customer[name] = wanted[name] or None
        if "metadata" in wanted:
            customer["metadata"] = {**customer["metadata"], **(wanted["metadata"] or {})}
        if settings:
            customer["invoice_settings"] = customer["invoice_settings"] | {name: value or None for name, value in settings.items()}
    return customer


def get_customer(call: Call) -> Object:
    customer = call.find("customer")
    return {"id": customer["id"], "object": "customer", "deleted": True} if customer.get("deleted") else customer


def delete_customer(call: Call) -> Object:
    engine, customer = call.engine, call.find("customer")
    for subscription in engine.store.all("subscription"):
        if subscription["customer"] == customer["id"] and subscription["status"] not in {"canceled", "incomplete_expired"}:
            engine.subscriptions.cancel(subscription)
    engine.store.tell("customer.deleted", customer)
    customer["deleted"] = True
    return get_customer(call)


def customers(call: Call) -> list[Object]:
    return [one for one in list_of("customer", email="email")(call) if not one.get("deleted")]


def make_method(call: Call) -> Object:
    card = call.wanted.get("card") or {}
    return call.engine.payments.make_method(str(card.get("token") or card.get("number") or ""))


def attach(call: Call) -> Object:
    method = (
        call.find("payment_method") if call.ids[0].startswith("pm_") and call.ids[0] in call.engine.store.objects.get("payment_method", {}) else None
    )
    method = method or call.engine.payments.make_method(call.ids[0])
    call.engine.payments.attach(method, call.engine.store.find("customer", call.wanted.get("customer"), "customer"))
    return method


def make_setup_intent(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    customer = store.find("customer", wanted["customer"], "customer") if wanted.get("customer") else None
    intent = call.engine.checkout.setup_intent(customer, wanted.get("metadata"))
    if wanted.get("payment_method"):
        intent["payment_method"], intent["status"] = store.find("payment_method", wanted["payment_method"])["id"], "requires_confirmation"
    if wanted.get("confirm"):
        _confirm(call, intent)
    return intent


def confirm_setup_intent(call: Call) -> Object:
    intent = call.find("setup_intent")
    _confirm(call, intent)
    return intent


def _confirm(call: Call, intent: Object) -> None:
    id = call.wanted.get("payment_method") or intent["payment_method"]
    if id is None or intent["status"] == "succeeded":
        raise StripeRefusal(
            "You cannot confirm this SetupIntent: it has no payment method, or has succeeded.", "intent", "setup_intent_unexpected_state"
        )
    call.engine.checkout.confirm_setup(intent, call.engine.store.find("payment_method", id, "payment_method"))


def detach(call: Call) -> Object:
    store, method = call.engine.store, call.find("payment_method")
    with store.changing(method, "payment_method.detached"):
        owner, method["customer"] = method["customer"], None
    customer = store.objects["customer"].get(owner)
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        with store.changing(customer, "customer.updated"):
            customer["invoice_settings"] = customer["invoice_settings"] | {"default_payment_method": None}
    return method


def methods(call: Call) -> list[Object]:
    owner = call.ids[0] if call.ids else call.wanted.get("customer")
    return [one for one in call.engine.store.all("payment_method") if one["customer"] == owner]
