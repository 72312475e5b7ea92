"""Calls about subscription schedules: each gives what Stripe answers with, or raises
StripeRefusal.
"""

from local.stripe_sim.api.calls import Call, list_of
from local.stripe_sim.api.object_shapes import Object


def make(call: Call) -> Object:
    return call.engine.schedules.create(call.wanted)


def update(call: Call) -> Object:
    schedule = call.find("subscription_schedule")
    call.engine.schedules.update(schedule, call.wanted)
    return schedule


def release(call: Call) -> Object:
    schedule = call.find("subscription_schedule")
    call.engine.schedules.release(schedule, call.wanted.get("preserve_cancel_date", False))
    return schedule


def cancel(call: Call) -> Object:
    schedule, wanted = call.find("subscription_schedule"), call.wanted
    call.engine.schedules.cancel(
        schedule, wanted.get("invoice_now", True), wanted.get("prorate", True)
    )
    return schedule


def listed(call: Call) -> list[Object]:
    found = list_of("subscription_schedule", customer="customer")(call)
    scheduled = call.wanted.get("scheduled")
    return [
        one for one in found if scheduled is None or (one["status"] == "not_started") is scheduled
    ]
