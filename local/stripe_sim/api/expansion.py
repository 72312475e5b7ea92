"""What a call asks to have whole in its answer: objects instead of their ids, and lists that are
only told where they are asked for (docs.stripe.com/expand).
"""

from typing import Any

from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import Object, copied
from local.stripe_sim.lifecycle.store import Store, shown

EXPANDABLE = {
    "latest_invoice": "invoice",
    "subscription": "subscription",
    "setup_intent": "setup_intent",
    "payment_intent": "payment_intent",
    "customer": "customer",
    "default_payment_method": "payment_method",
    "payment_method": "payment_method",
    "invoice": "invoice",
    "charge": "charge",
    "latest_charge": "charge",
    "product": "product",
    "coupon": "coupon",
    "promotion_code": "promotion_code",
    "discount": "discount",
    "discounts": "discount",
    "customer_balance_transaction": "customer_balance_transaction",
    "refund": "refund",
    "schedule": "subscription_schedule",
    "released_subscription": "subscription",
    "mandate": "mandate",
    "price": "price",
    "credit_note": "credit_note",
}
"""Fields that hold an id, or a list of ids, and may be asked for whole."""

ENDED = frozenset({"canceled", "incomplete_expired"})
DEPTH = 4
"""How many levels deep Stripe expands, with the `data` of lists
(docs.stripe.com/api/expanding_objects).
"""


class Expansion:
    """Expands objects of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, thing: Object, paths: list[str]) -> Object:
        """A copy of an object as others see it, with what the paths name whole. Raises
        StripeRefusal.
        """
        body: Object = copied(shown(thing))
        for path in paths:
            _check_depth(path)
            self._expand(body, path.split("."), path)
        return body

    def _expand(self, body: Any, names: list[str], path: str) -> None:
        name, *rest = names
        if not isinstance(body, dict):
            return
        if name not in body and "object" in body and not body.get("deleted"):
            raise StripeRefusal(f"This property cannot be expanded ({path}).", "expand")
        kind, included = EXPANDABLE.get(name), self._included(body, name)
        if included is not None:
            body[name] = included
        elif kind and body.get(name) is not None:
            value = body[name]
            body[name] = (
                [self._whole(kind, one) for one in value]
                if isinstance(value, list)
                else self._whole(kind, value)
            )
        if rest:
            inside = body.get(name)
            for one in inside if isinstance(inside, list) else [inside]:
                self._expand(one, rest, path)

    def _included(self, body: Object, name: str) -> Any:
        """What Stripe only tells where it is asked for."""
        match body.get("object"), name:
            case "price", "currency_options":
                return copied(self._store.currency_options.get(body["id"], {}))
            case "invoice", "payments":
                found = self._all("invoice_payment", "invoice", body["id"])
                return _list(found, f"/v1/invoice_payments?invoice={body['id']}")
            case "customer", "subscriptions":
                found = self._all("subscription", "customer", body["id"])
                living = [one for one in found if one["status"] not in ENDED]
                return _list(living, f"/v1/customers/{body['id']}/subscriptions")
        return None

    def _all(self, kind: str, field: str, id: str) -> list[Object]:
        return [copied(shown(one)) for one in self._store.all(kind) if one.get(field) == id]

    def _whole(self, kind: str, value: Any) -> Any:
        found = self._store.objects.get(kind, {}).get(value) if isinstance(value, str) else None
        return copied(shown(found)) if found else value


def in_list(paths: list[str]) -> list[str]:
    """The paths within each object of a list. Raises StripeRefusal for one outside of `data`."""
    for path in paths:
        if not path.startswith("data."):
            raise StripeRefusal(
                f"This property cannot be expanded ({path}). You may want to try expanding"
                f" 'data.{path}' instead.",
                "expand",
            )
        _check_depth(path)
    return [path.removeprefix("data.") for path in paths]


def _list(data: list[Object], url: str) -> Object:
    return {"object": "list", "data": data, "has_more": False, "url": url}


def _check_depth(path: str) -> None:
    if path.count(".") >= DEPTH:
        raise StripeRefusal(
            f"You cannot expand more than {DEPTH} levels of a property: {path}", "expand"
        )
