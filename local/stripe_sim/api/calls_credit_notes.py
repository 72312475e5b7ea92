"""Calls about credit notes: each gives what Stripe answers with, or raises StripeRefusal."""

from local.stripe_sim.api.calls import Call
from local.stripe_sim.api.calls_catalogue import merged
from local.stripe_sim.api.object_shapes import Object


def make(call: Call) -> Object:
    return call.engine.credit_notes.create(call.wanted)


def update(call: Call) -> Object:
    note, wanted = call.find("credit_note"), call.wanted
    with call.engine.store.changing(note, "credit_note.updated"):
        note["memo"] = wanted.get("memo", note["memo"])
        note["metadata"] = merged(note["metadata"], wanted)
    return note


def void(call: Call) -> Object:
    note = call.find("credit_note")
    call.engine.credit_notes.void(note)
    return note
