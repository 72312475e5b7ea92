"""Calls about refunds: each gives what Stripe answers with, an object or a list of them, or raises
StripeRefusal.
"""

from local.stripe_sim.api.calls import Call
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object


def make(call: Call) -> Object:
    store, wanted = call.engine.store, call.wanted
    if not wanted.get("charge") and not wanted.get("payment_intent"):
        raise StripeRefusal(
            "One of the following params should be provided for this request: payment_intent or"
            " charge."
        )
    id = (
        wanted.get("charge")
        or store.find("payment_intent", wanted.get("payment_intent"), "payment_intent")[
            "latest_charge"
        ]
    )
    charge = store.find("charge", id, "charge")
    return call.engine.payments.refund(
        charge, wanted.get("amount"), reason=wanted.get("reason"), metadata=merged({}, wanted)
    )
