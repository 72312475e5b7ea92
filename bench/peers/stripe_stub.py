"""Stands in for Stripe: answers GETs from the objects of the events that have happened so far.

`POST /_happened` takes a list of events, `POST /_reset` forgets all, `GET /_calls` gives the number
of calls since `POST /_count`. Prices and products are those that the subscriptions name.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.peers.server import Answer, serve

Object = dict[str, Any]

ACCOUNT: Object = {
    "id": "acct_bench",
    "object": "account",
    "type": "standard",
    "country": "US",
    "email": "owner@example.com",
    "charges_enabled": True,
    "payouts_enabled": True,
    "details_submitted": True,
    "default_currency": "usd",
    "business_profile": {"name": "Bench"},
    "settings": {"dashboard": {"display_name": "Bench", "timezone": "Etc/UTC"}},
    "metadata": {},
}
COLLECTIONS = {
    "customer": "customers",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "payment_intent": "payment_intents",
    "payment_method": "payment_methods",
    "charge": "charges",
    "setup_intent": "setup_intents",
    "invoiceitem": "invoiceitems",
    "price": "prices",
    "product": "products",
    "plan": "plans",
    "checkout.session": "checkout/sessions",
    "subscription_schedule": "subscription_schedules",
    "refund": "refunds",
    "dispute": "disputes",
    "balance_transaction": "balance_transactions",
}


class Stripe:
    """What Stripe holds; called as a server's answering."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.calls = 0

    def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        match method, path:
            case "POST", "/_happened":
                for event in json.loads(body):
                    self._happen(event)
                return _answer({})
            case "POST", "/_reset":
                self.__init__()  # type: ignore[misc]
                return _answer({})
            case "POST", "/_count":
                self.calls = 0
                return _answer({})
            case "GET", "/_calls":
                return _answer({"calls": self.calls})
        self.calls += 1
        return self._read(urlsplit(path).path, parse_qs(urlsplit(path).query))

    def _happen(self, event: Object) -> None:
        thing = event["data"]["object"]
        if event["type"] == "customer.deleted":
            thing = {"id": thing["id"], "object": "customer", "deleted": True}
        for found in [thing, *_priced(thing)]:
            if collection := COLLECTIONS.get(found["object"]):
                self.objects[collection, found["id"]] = found

    def _read(self, path: str, query: dict[str, list[str]]) -> Answer:
        name = path.removeprefix("/v1/").strip("/")
        if name in ("account", "accounts/acct_bench"):
            return _answer(ACCOUNT)
        if name in COLLECTIONS.values() or name.endswith(("invoice_payments", "/features")):
            return _answer(self._list(name, query))
        found = self.objects.get(tuple(name.rsplit("/", 1)))  # type: ignore[arg-type]
        if found is None:
            error = {"type": "invalid_request_error", "code": "resource_missing", "message": name}
            return _answer({"error": error}, 404)
        return _answer(found)

    def _list(self, collection: str, query: dict[str, list[str]]) -> Object:
        """All that match, newest first: no customer of the recordings has a hundred of anything."""
        wanted = {
            name: values[0] for name, values in query.items() if name in ("customer", "invoice")
        }
        matching = [
            thing
            for (kind, _), thing in self.objects.items()
            if kind == collection and all(thing.get(name) == id for name, id in wanted.items())
        ]
        if query.get("status") in (None, ["active"]) and collection == "subscriptions":
            matching = [thing for thing in matching if thing["status"] != "canceled"]
        matching.sort(key=lambda thing: int(thing.get("created", 0)), reverse=True)
        url = f"/v1/{collection}"
        return {"object": "list", "data": matching, "has_more": False, "url": url}


def _priced(thing: Object) -> Iterator[Object]:
    """The prices of a subscription, with their products, and its plans."""
    items = thing.get("items") if thing["object"] == "subscription" else None
    for item in (items or {}).get("data", []):
        price, plan = item.get("price"), item.get("plan")
        if price:
            yield price
            yield {
                "id": price["product"],
                "object": "product",
                "active": True,
                "created": price.get("created"),
                "livemode": price.get("livemode", False),
                "metadata": {},
                "name": price["product"],
                "type": "service",
            }
        if plan:
            yield plan


def _answer(content: Object, status: int = 200) -> Answer:
    told = {"Content-Type": "application/json", "Request-Id": "req_bench"}
    return status, told, json.dumps(content).encode()


if __name__ == "__main__":
    serve(Stripe())
