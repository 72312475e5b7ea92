"""Calls about payment methods, and intents to save them: each gives what Stripe answers with, an
object or a list of them, or raises StripeRefusal.
"""

from local.stripe_sim.api.calls import Call
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object

METHOD_NAMES = ("token", "number", "iban", "account_number")
"""Which parameter names a test card, or a test bank account."""


def make_method(call: Call) -> Object:
    wanted = call.wanted
    given = wanted.get(wanted.get("type") or "card") or {}
    name = next((given[key] for key in METHOD_NAMES if given.get(key)), "")
    told = {
        key: value
        for key, value in (wanted.get("billing_details") or {}).items()
        if key in ("email", "name", "phone") and value
    }
    return call.engine.payments.make_method(str(name), **told)


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
    return [
        one
        for one in call.engine.store.all("payment_method")
        if one["customer"] == owner and one["type"] == call.wanted.get("type", one["type"])
    ]
