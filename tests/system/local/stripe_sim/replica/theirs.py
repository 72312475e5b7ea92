"""The replica as a Stripe to play to. Run by a Python that has seahaven-stripe-world: scripts come
as JSON on the standard input, and what was seen of each goes out as JSON.

The replica's clock stands still. What falls due is moved here by the functions that it has for
that: periods and trials end, payments are tried again, and first payments expire.
"""

import importlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent))

import player

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
PRICES = {"pro_monthly": 4900, "scale_monthly": 19900}
HEADERS = (
    ("authorization", "Bearer sk_test_1"),
    ("content-type", "application/x-www-form-urlencoded"),
)


def _module(name: str) -> Any:
    return importlib.import_module(f"seahaven{name}")


class Replica:
    """One instance, with the catalogue that scripts name."""

    def __init__(self) -> None:
        self._http, self._requests = _module(".http.runtime"), _module(".http")
        self._handle = _module("_stripe_world.http_api").handle
        self._stripe = _module("_stripe_world.world").world.instance(
            now="2026-03-02T09:00:00.000Z",
            clock_mode="fixed",
            seed=7,
            startup={"livemode": False},
        )
        self._now, self._told = START, 0
        for key, amount in PRICES.items():
            product = self._made("/v1/products", {"name": key})
            self._made(
                "/v1/prices",
                {
                    "product": product,
                    "currency": "usd",
                    "unit_amount": amount,
                    "lookup_key": key,
                    "recurring": {"interval": "month"},
                },
            )
        self.new_events()

    def _made(self, path: str, params: dict[str, Any]) -> str:
        status, body = self.call("POST", path, params)
        if status != 200:
            raise AssertionError(body)
        return str(body["id"])

    def call(self, method: str, path: str, params: dict[str, Any]) -> tuple[int, Any]:
        form = urlencode(list(_pairs(params)))
        query, body = (form, b"") if method in ("GET", "DELETE") else ("", form.encode())
        request = self._requests.HttpRequest(
            method=method, path=path, query=query, headers=HEADERS, body=body
        )
        answer = self._http.dispatch(self._stripe, self._handle, request)
        return answer.status, json.loads(answer.body)

    def new_events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            body = self.call("GET", "/v1/events", {"limit": 100, **after})[1]
            found += body["data"]
            if not body["has_more"]:
                break
            after = {"starting_after": body["data"][-1]["id"]}
        fresh = found[: len(found) - self._told]
        self._told = len(found)
        return fresh

    def advance(self, seconds: int) -> None:
        end = datetime.fromtimestamp(self._now.timestamp() + seconds, UTC)
        while due := min((one for one in self._due() if one[0] <= end), default=None):
            self._move_to(max(due[0], self._now))
            self._do(due)
        self._move_to(end)

    def _move_to(self, moment: datetime) -> None:
        self._now = self._stripe.clock._start = moment

    def _due(self) -> list[tuple[datetime, int, str]]:
        found = []
        with self._stripe.bulk() as ctx:
            rows = ctx.db.rows(
                "SELECT s.id, s.status, s.created, MIN(i.current_period_end) AS ends"
                " FROM subscriptions s JOIN subscription_items i ON i.subscription = s.id"
                " GROUP BY s.id"
            )
            for row in rows:
                if row["status"] in ("trialing", "active", "past_due", "unpaid"):
                    found.append((_moment(row["ends"]), 0, row["id"]))
                elif row["status"] == "incomplete":
                    begun = _moment(row["created"]).timestamp()
                    found.append((datetime.fromtimestamp(begun + 23 * 3600, UTC), 1, row["id"]))
            tried = ctx.db.rows(
                "SELECT v.id, v.next_payment_attempt AS at FROM invoices v JOIN subscriptions s"
                " ON s.id = v.parent_subscription WHERE v.status = 'open'"
                " AND v.next_payment_attempt IS NOT NULL AND s.status = 'past_due'"
            )
            found += [(_moment(row["at"]), 2, row["id"]) for row in tried]
        return found

    def _do(self, due: tuple[datetime, int, str]) -> None:
        lifecycle = _module("_stripe_world.billing.subscription_lifecycle")
        with self._stripe.bulk() as ctx:
            ctx.state["_request"] = {}
            if due[1] == 0:
                lifecycle.advance_cycle(ctx, due[2])
            elif due[1] == 1:
                lifecycle.expire_incomplete(ctx, due[2])
            else:
                self._retry(ctx, due[2])

    def _retry(self, ctx: Any, id: str) -> None:
        dunning = _module("_stripe_world.billing.dunning")
        invoicing = _module("_stripe_world.billing.invoicing")
        intents = _module("_stripe_world.resources.payment_intents")
        invoice = ctx.db.one("SELECT * FROM invoices WHERE id = ?", id)
        owner = ctx.db.one(
            "SELECT * FROM subscriptions WHERE id = ?", invoice["parent_subscription"]
        )
        method = invoicing._resolve_pm(ctx, invoice, owner)
        tags = intents._behavior_tags(method) if method else {}
        if method is None or "charge_declined" in tags:
            dunning.record_failed_attempt(ctx, id, decline_code=tags.get("decline_code"))
        else:
            invoicing.pay_invoice(ctx, id, sub_row=owner)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _pairs(params: Any, prefix: str = "") -> Any:
    items = params.items() if isinstance(params, dict) else enumerate(params)
    for name, value in items:
        path = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, dict | list):
            yield from _pairs(value, path)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else value


if __name__ == "__main__":
    scripts = json.load(sys.stdin)
    json.dump([player.play(Replica(), script) for script in scripts], sys.stdout)
