"""Calls about customers: each gives what Stripe answers with, an object or a list of them, or
raises StripeRefusal.
"""

import stripe

from local.stripe_sim.api.calls import Call, list_of
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal, missing
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
        raise missing("customer", customer["id"])
    settings = wanted.get("invoice_settings") or {}
    if settings.get("default_payment_method"):
        _must_own(call, customer, settings["default_payment_method"])
    with store.changing(customer, "customer.updated"):
        _update_plainly(customer, wanted)
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


def _must_own(call: Call, customer: Object, id: str) -> None:
    param = "invoice_settings[default_payment_method]"
    method = call.engine.store.find("payment_method", id, param)
    if method["customer"] != customer["id"]:
        raise StripeRefusal(
            f"The customer does not have a payment method with the ID {method['id']}. The payment"
            " method must be attached to the customer.",
            param,
            "resource_missing",
        )


def _update_plainly(customer: Object, wanted: Object) -> None:
    for name in ("email", "name", "description", "phone"):
        if name in wanted:
            customer[name] = wanted[name] or None
    if "preferred_locales" in wanted:
        customer["preferred_locales"] = list(wanted["preferred_locales"] or [])
    if "tax_exempt" in wanted:
        customer["tax_exempt"] = wanted["tax_exempt"] or "none"
    if "address" in wanted:
        customer["address"] = (
            blank(stripe.Customer.Address, **wanted["address"]) if wanted["address"] else None
        )


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
