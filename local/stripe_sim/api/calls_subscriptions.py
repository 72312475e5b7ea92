"""Calls about subscriptions, Checkout sessions and events: each gives what Stripe answers with, or
raises StripeRefusal.
"""

import re
from typing import Any

from local.stripe_sim.api.calls import Call, in_range, list_of
from local.stripe_sim.api.errors import StripeRefusal, missing
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.billing.payments import NO_CARD, behaviour_of, refusal_of
from local.stripe_sim.lifecycle.subscription_start import NEEDS_ACTION

ANCHOR_OBJECT_SINCE = "2026-09-30"
"""Since endive `billing_cycle_anchor` is an object on update and resume."""

LINE = ("price", "quantity")
PRORATED_BY = ("proration_behavior", "proration_date", "payment_behavior")


def make_subscription(call: Call) -> Object:
    wanted = call.wanted
    # Alone among ids in parameters this one is refused with 404.
    customer = call.engine.store.find("customer", wanted.get("customer"), "customer", 404)
    if customer.get("deleted"):
        raise missing("customer", customer["id"], "customer", 404)
    return call.engine.subscriptions.create(
        customer, {**wanted, "billing_cycle_anchor": seconds(wanted.get("billing_cycle_anchor"))}
    )


def seconds(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def update_subscription(call: Call) -> Object:
    subscription = call.find("subscription")
    call.engine.schedules.must_not_manage(subscription, call.wanted)
    if "billing_cycle_anchor" in call.wanted:
        anchor(call)
    behaviour = call.wanted.get("payment_behavior")
    if behaviour == "error_if_incomplete":
        _must_be_paid(call, subscription)
    if behaviour == "pending_if_incomplete":
        call.engine.pending.update(subscription, call.wanted)
    else:
        call.engine.subscriptions.update(subscription, call.wanted)
    return subscription


def _must_be_paid(call: Call, subscription: Object) -> None:
    """Raises StripeRefusal with 402 if what the update costs would not be paid: tried on a copy, so
    that nothing changes.
    """
    tried = call.engine.copied(subscription["customer"])
    tried.subscriptions.update(tried.store.find("subscription", subscription["id"]), call.wanted)
    invoice = next(
        (
            event["data"]["object"]
            for event in tried.store.events
            if event["type"] == "invoice.payment_failed"
        ),
        None,
    )
    if invoice is None:
        return
    if any(event["type"] == "invoice.payment_action_required" for event in tried.store.events):
        raise StripeRefusal(
            NEEDS_ACTION, None, "subscription_payment_intent_requires_action", 402, "card_error"
        )
    method = call.engine.payments.default_of(
        call.engine.store.find("customer", subscription["customer"]), subscription
    )
    if method is None:
        raise StripeRefusal(NO_CARD, None, "resource_missing")
    raise refusal_of(behaviour_of(method))


def anchor(call: Call) -> str:
    """`now` or `unchanged`, in the form that the call's version has: a text, since endive an
    object.
    """
    given = call.wanted.get("billing_cycle_anchor", {"type": "now"})
    if isinstance(given, str) and call.version is not None and call.version >= ANCHOR_OBJECT_SINCE:
        raise StripeRefusal("Invalid object: billing_cycle_anchor", "billing_cycle_anchor")
    anchor = given if isinstance(given, str) else given.get("type")
    if anchor not in ("now", "unchanged"):
        raise StripeRefusal(
            "Invalid billing_cycle_anchor: must be one of now or unchanged", "billing_cycle_anchor"
        )
    return str(anchor)


def resume(call: Call) -> Object:
    subscription = call.find("subscription")
    call.engine.subscriptions.resume(subscription, anchor(call))
    return subscription


def cancel(call: Call) -> Object:
    subscription, wanted = call.find("subscription"), call.wanted
    call.engine.subscriptions.cancel(
        subscription,
        wanted.get("invoice_now", False),
        wanted.get("prorate", False),
        wanted.get("cancellation_details"),
    )
    return subscription


def subscriptions(call: Call) -> list[Object]:
    found = list_of("subscription", customer="customer", collection_method="collection_method")(
        call
    )
    if "customer" not in call.wanted:
        is_wanted = in_range(call.wanted.get("created"))
        told = [one for one in call.engine.store.told() if is_wanted(one["created"])]
        found = sorted(found + told, key=lambda one: -one["created"])
    status = call.wanted.get("status")
    if price := call.wanted.get("price"):
        found = [
            one
            for one in found
            if any(item["price"]["id"] == price for item in one["items"]["data"])
        ]
    if status is None:
        return [one for one in found if one["status"] not in {"canceled", "incomplete_expired"}]
    ended = {"canceled", "incomplete_expired"}
    return [
        one
        for one in found
        if status == "all"
        or one["status"] == status
        or (status == "ended" and one["status"] in ended)
    ]


def items(call: Call) -> list[Object]:
    return list(
        call.engine.store.find("subscription", call.wanted["subscription"], "subscription")[
            "items"
        ]["data"]
    )


def _of_item(call: Call) -> tuple[Object, Object]:
    """The item that the path names, and its subscription. Raises StripeRefusal."""
    item = call.find("subscription_item")
    owner = call.engine.store.find("subscription", item["subscription"])
    if item not in owner["items"]["data"]:
        raise missing("subscription_item", item["id"])
    return item, owner


def _change(call: Call, subscription: Object, line: Object) -> None:
    wanted = {name: call.wanted[name] for name in PRORATED_BY if name in call.wanted}
    call.engine.schedules.must_not_manage(subscription, {"items": [line]})
    call.engine.subscriptions.update(subscription, wanted | {"items": [line]})


def add_item(call: Call) -> Object:
    subscription = call.engine.store.find(
        "subscription", call.wanted["subscription"], "subscription"
    )
    _change(call, subscription, {name: call.wanted[name] for name in LINE if name in call.wanted})
    return dict(subscription["items"]["data"][-1])


def update_item(call: Call) -> Object:
    item, owner = _of_item(call)
    line = {name: call.wanted[name] for name in LINE if name in call.wanted}
    _change(call, owner, {"id": item["id"], **line})
    return item


def delete_item(call: Call) -> Object:
    item, owner = _of_item(call)
    _change(call, owner, {"id": item["id"], "deleted": True})
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


def make_checkout(call: Call) -> Object:
    return call.engine.checkout.create(call.wanted)


def expire_checkout(call: Call) -> Object:
    session = call.find("checkout.session")
    call.engine.checkout.expire(session)
    return session


def events(call: Call) -> list[Object]:
    wanted = call.wanted
    types = wanted.get("types") or ([wanted["type"]] if "type" in wanted else [])
    patterns = [re.compile(name.replace(".", r"\.").replace("*", ".*")) for name in types]
    delivered, is_wanted = wanted.get("delivery_success"), in_range(wanted.get("created"))
    return [
        one
        for one in reversed(call.engine.store.events)
        if (delivered is None or (one["pending_webhooks"] == 0) is delivered)
        and is_wanted(one["created"])
        and (not types or any(pattern.fullmatch(one["type"]) for pattern in patterns))
    ]


def event(call: Call) -> Object:
    found = next((one for one in call.engine.store.events if one["id"] == call.ids[0]), None)
    if found is None:
        raise missing("event", call.ids[0])
    return found
