"""Calls about refunds and credit notes: each gives what Stripe answers with, or raises
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


def make_note(call: Call) -> Object:
    return call.engine.credit_notes.create(call.wanted)


def update_note(call: Call) -> Object:
    note, wanted = call.find("credit_note"), call.wanted
    with call.engine.store.changing(note, "credit_note.updated"):
        note["memo"] = wanted.get("memo", note["memo"])
        note["metadata"] = merged(note["metadata"], wanted)
    return note


def void_note(call: Call) -> Object:
    note = call.find("credit_note")
    call.engine.credit_notes.void(note)
    return note
