"""Calls about customers and their cards: each gives what Stripe answers with, an object or a list
of them, or raises StripeRefusal.
"""

import stripe

from local.stripe_sim.api.calls import Call, list_of
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, blank
from local.stripe_sim.billing.balances import move
from local.stripe_sim.lifecycle.customers import make_customer as new_customer


def make_customer(call: Call) -> Object:
    wanted = dict(call.wanted)
    method = wanted.pop("payment_method", None)
    customer = new_customer(call.engine.store, wanted)
    if method:
        call.engine.payments.attach(
            call.engine.store.find("payment_method", method, "payment_method"), customer
        )
    return customer


def update_customer(call: Call) -> Object:
    store, customer, wanted = call.engine.store, call.find("customer"), call.wanted
    if customer.get("deleted"):
        raise StripeRefusal(f"No such customer: '{customer['id']}'", "id", "resource_missing", 404)
    settings = wanted.get("invoice_settings") or {}
    if settings.get("default_payment_method"):
        method = store.find(
            "payment_method",
            settings["default_payment_method"],
            "invoice_settings[default_payment_method]",
        )
        if method["customer"] != customer["id"]:
            raise StripeRefusal(
                f"The customer does not have a payment method with the ID {method['id']}. The"
                " payment method must be attached to the customer.",
                "invoice_settings[default_payment_method]",
                "resource_missing",
            )
    with store.changing(customer, "customer.updated"):
        for name in ("email", "name", "description", "phone"):
            if name in wanted:
                customer[name] = wanted[name] or None
        if "address" in wanted:
            customer["address"] = (
                blank(stripe.Customer.Address, **wanted["address"]) if wanted["address"] else None
            )
        if "balance" in wanted and wanted["balance"] != customer["balance"]:
            move(
                store,
                customer,
                wanted["balance"] - customer["balance"],
                "adjustment",
                customer["currency"] or "usd",
            )
        if "metadata" in wanted:
            customer["metadata"] = {**customer["metadata"], **(wanted["metadata"] or {})}
        if settings:
            customer["invoice_settings"] = customer["invoice_settings"] | {
                name: value or None for name, value in settings.items()
            }
    return customer


def get_customer(call: Call) -> Object:
    customer = call.find("customer")
    return (
        {"id": customer["id"], "object": "customer", "deleted": True}
        if customer.get("deleted")
        else customer
    )


def delete_customer(call: Call) -> Object:
    engine, customer = call.engine, call.find("customer")
    for subscription in engine.store.all("subscription"):
        if subscription["customer"] == customer["id"] and subscription["status"] not in {
            "canceled",
            "incomplete_expired",
        }:
            engine.subscriptions.cancel(subscription)
    engine.store.tell("customer.deleted", customer)
    customer["deleted"] = True
    return get_customer(call)


def balance_transactions(call: Call) -> list[Object]:
    customer = call.find("customer")
    return [
        one
        for one in call.engine.store.all("customer_balance_transaction")
        if one["customer"] == customer["id"]
    ]


def adjust_balance(call: Call) -> Object:
    customer, wanted = call.find("customer"), call.wanted
    if customer["currency"] not in (None, wanted["currency"]):
        raise StripeRefusal(f"The customer's balance is in {customer['currency']}.", "currency")
    more = {"description": wanted.get("description"), "metadata": merged({}, wanted)}
    return move(
        call.engine.store, customer, wanted["amount"], "adjustment", wanted["currency"], **more
    )


def customers(call: Call) -> list[Object]:
    return [one for one in list_of("customer", email="email")(call) if not one.get("deleted")]


def make_method(call: Call) -> Object:
    card = call.wanted.get("card") or {}
    return call.engine.payments.make_method(str(card.get("token") or card.get("number") or ""))


def attach(call: Call) -> Object:
    method = (
        call.find("payment_method")
        if call.ids[0].startswith("pm_")
        and call.ids[0] in call.engine.store.objects.get("payment_method", {})
        else None
    )
    method = method or call.engine.payments.make_method(call.ids[0])
    call.engine.payments.attach(
        method, call.engine.store.find("customer", call.wanted.get("customer"), "customer")
    )
    return method


def make_setup_intent(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    customer = (
        store.find("customer", wanted["customer"], "customer") if wanted.get("customer") else None
    )
    intent = call.engine.checkout.setup_intent(customer, wanted.get("metadata"))
    if wanted.get("payment_method"):
        intent["payment_method"], intent["status"] = (
            store.find("payment_method", wanted["payment_method"])["id"],
            "requires_confirmation",
        )
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
            "You cannot confirm this SetupIntent: it has no payment method, or has succeeded.",
            "intent",
            "setup_intent_unexpected_state",
        )
    call.engine.checkout.confirm_setup(
        intent, call.engine.store.find("payment_method", id, "payment_method")
    )


def detach(call: Call) -> Object:
    store, method = call.engine.store, call.find("payment_method")
    with store.changing(method, "payment_method.detached"):
        owner, method["customer"] = method["customer"], None
    customer = store.objects["customer"].get(owner)
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        with store.changing(customer, "customer.updated"):
            customer["invoice_settings"] = customer["invoice_settings"] | {
                "default_payment_method": None
            }
    return method


def methods(call: Call) -> list[Object]:
    owner = call.ids[0] if call.ids else call.wanted.get("customer")
    return [one for one in call.engine.store.all("payment_method") if one["customer"] == owner]
