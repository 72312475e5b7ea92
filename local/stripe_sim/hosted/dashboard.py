"""What the owner sees of customers at the simulated Stripe: values for its pages."""

from typing import Any

from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.lifecycle.engine import Engine


def customers(engine: Engine) -> list[Object]:
    """Every customer, the newest first, with its subscriptions."""
    return [
        {
            "id": one["id"],
            "name": one["name"] or one["email"] or one["id"],
            "email": one["email"],
            "statuses": [
                subscription["status"] for subscription in _of(engine, "subscription", one)
            ],
        }
        for one in engine.store.all("customer")
    ]


def customer(engine: Engine, id: str) -> dict[str, Any] | None:
    """One customer with its subscriptions, invoices, cards and open Checkouts, each the newest
    first; None if there is none of that id.
    """
    found = engine.store.objects.get("customer", {}).get(id)
    if found is None:
        return None
    sessions = _of(engine, "checkout.session", found)
    return {
        "customer": found,
        "subscriptions": [
            {"id": one["id"], "status": one["status"], "prices": _prices(one)}
            for one in _of(engine, "subscription", found)
        ],
        "invoices": _of(engine, "invoice", found),
        "cards": _of(engine, "payment_method", found),
        "sessions": [one for one in sessions if one["status"] == "open"],
    }


def _of(engine: Engine, kind: str, customer: Object) -> list[Object]:
    return [one for one in engine.store.all(kind) if one["customer"] == customer["id"]]


def _prices(subscription: Object) -> list[Object]:
    return [
        item["price"] | {"quantity": item["quantity"]} for item in subscription["items"]["data"]
    ]
