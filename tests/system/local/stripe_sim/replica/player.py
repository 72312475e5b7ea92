"""Plays a script of calls and days to a Stripe, whichever it is, and notes what can be seen of it.

A script is a list of steps: a call, or the clock moved on. A call may name what the steps before it
made: `{customer}`, `{subscription}`, `{invoice}` (the newest), `{item}` (the first of the
subscription), `{pending}` (the newest pending invoice item), `{method}` (the newest payment
method), and prices by their lookup key, `{price:pro_monthly}`.

It needs the standard library only: it also runs where the project's packages are not.
"""

import re
from typing import Any, Protocol

Step = dict[str, Any]
Object = dict[str, Any]
Trace = list[dict[str, Any]]

TOLD = (
    "charge.succeeded",
    "customer.created",
    "customer.subscription.",
    "invoice.",
    "invoiceitem.",
    "payment_method.attached",
)
NOT_TOLD = frozenset(
    {
        "customer.subscription.trial_will_end",
        "invoice.updated",
        "invoice.will_be_due",
    }
)
"""Events that are compared, and those that one of the two never sends."""

BY_THE_CLOCK = frozenset({"customer.subscription.updated"})
"""What the replica does not tell of things that happen by themselves; their result is compared."""


class Stripe(Protocol):
    """A Stripe to play to."""

    def call(self, method: str, path: str, params: Object) -> tuple[int, Any]:
        """The answer to a call of its API."""

    def advance(self, seconds: int) -> None:
        """Move its clock on, with everything that falls due."""

    def new_events(self) -> list[Object]:
        """The events since the last time."""


def play(stripe: Stripe, script: list[Step]) -> Trace:
    """What a Stripe shows after each step of a script."""
    player = Player(stripe)
    return [player.step(step) for step in script]


class Player:
    """Plays step after step. `known` are the ids that steps made, by the names that they gave."""

    def __init__(self, stripe: Stripe) -> None:
        self._stripe = stripe
        self.known: dict[str, str] = {}

    def step(self, step: Step) -> dict[str, Any]:
        """Play one step. Gives what can be seen after it."""
        seen: dict[str, Any] = {"step": step}
        if "days" in step:
            self._stripe.advance(int(step["days"] * 86400))
        else:
            status, body = self._stripe.call(
                step["method"], self._named(step["path"]), self._named(step.get("params", {}))
            )
            seen["answer"] = _answer(status, body)
            if status == 200 and "makes" in step:
                self.known[step["makes"]] = body["id"]
        untold = BY_THE_CLOCK if "days" in step else frozenset()
        told = [one for one in self._stripe.new_events() if _is_told(one["type"], untold)]
        asked = {_id_of(one) for one in told if one["type"] == "invoice.payment_action_required"}
        seen["events"] = sorted(
            _event(one)
            for one in told
            if one["type"] != "invoice.payment_failed" or _id_of(one) not in asked
        )
        return seen | self._state()

    def _named(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._named(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._named(one) for one in value]
        if isinstance(value, str):
            return re.sub(r"\{(\w+)(?::(\w+))?\}", lambda it: self._id(it[1], it[2]), value)
        return value

    def _id(self, name: str, which: str | None) -> str:
        if name == "price":
            found = self._get("/v1/prices", lookup_keys=[which])
        elif name == "invoice":
            found = self._get("/v1/invoices", customer=self.known["customer"])
        elif name == "pending":
            found = self._get("/v1/invoiceitems", customer=self.known["customer"], pending=True)
        elif name == "item":
            found = self._subscription()["items"]["data"]
        else:
            return self.known.get(name, f"{name}_none")
        return str(found[0]["id"]) if found else f"{name}_none"

    def _subscription(self) -> Any:
        path = f"/v1/subscriptions/{self.known['subscription']}"
        return self._stripe.call("GET", path, {})[1]

    def _get(self, path: str, **params: Any) -> list[Object]:
        status, body = self._stripe.call("GET", path, {"limit": 100, **params})
        if status != 200:
            raise AssertionError(body)
        return list(body["data"])

    def _state(self) -> dict[str, Any]:
        if "customer" not in self.known:
            return {}
        customer = self.known["customer"]
        invoices = list(reversed(self._get("/v1/invoices", customer=customer)))
        order = [one["id"] for one in invoices]
        subscriptions = self._get("/v1/subscriptions", customer=customer, status="all")
        pending = self._get("/v1/invoiceitems", customer=customer, pending=True)
        ended = {one["id"] for one in subscriptions if one["ended_at"]}
        return {
            "balance": self._stripe.call("GET", f"/v1/customers/{customer}", {})[1]["balance"],
            "invoices": [_invoice(one, ended) for one in invoices],
            "subscriptions": [_subscription(one, order) for one in reversed(subscriptions)],
            "pending": sorted([one["amount"], one["currency"]] for one in pending),
        }


def _is_told(type: str, untold: frozenset[str]) -> bool:
    return type.startswith(TOLD) and type not in NOT_TOLD and type not in untold


def _id_of(event: Object) -> str:
    return str(event["data"]["object"]["id"])


def _answer(status: int, body: Any) -> list[Any]:
    error = body.get("error") or {}
    return [status, error.get("type"), error.get("code")]


def _event(event: Object) -> list[Any]:
    thing = event["data"]["object"]
    amount = thing.get("amount_due", thing.get("amount"))
    if thing.get("object") == "invoice" and thing["status"] == "draft":
        # A draft shows what is due with the customer's balance here, and without it there.
        amount = max(0, thing["total"])
    return [event["created"], event["type"], str(thing.get("status")), str(amount)]


def _subscription(one: Object, invoices: list[str]) -> dict[str, Any]:
    latest = one["latest_invoice"]
    same = (
        "status",
        "cancel_at",
        "cancel_at_period_end",
        "canceled_at",
        "ended_at",
        "trial_start",
        "trial_end",
        "billing_cycle_anchor",
    )
    expired = {"canceled_at": None} if one["status"] == "incomplete_expired" else {}
    return (
        {name: one[name] for name in same}
        | expired
        | {
            "reason": one["cancellation_details"]["reason"],
            "latest_invoice": invoices.index(latest) if latest in invoices else None,
            "discounts": len(one["discounts"]),
            "paused": (one["pause_collection"] or {}).get("behavior"),
            "items": sorted(
                [
                    item["price"]["lookup_key"],
                    item["quantity"],
                    item["current_period_start"],
                    item["current_period_end"],
                ]
                for item in one["items"]["data"]
            ),
        }
    )


def _invoice(one: Object, ended: set[str]) -> dict[str, Any]:
    same = (
        "status",
        "billing_reason",
        "amount_due",
        "amount_paid",
        "amount_remaining",
        "attempt_count",
        "attempted",
        "currency",
        "ending_balance",
        "period_end",
        "period_start",
        "starting_balance",
        "subtotal",
        "total",
    )
    # A draft shows the customer's balance here, and not there.
    draft = one["status"] == "draft"
    unknown = dict.fromkeys(("amount_due", "amount_remaining", "starting_balance") if draft else ())
    return (
        {name: one[name] for name in same}
        | unknown
        | {
            "next": one["next_payment_attempt"] if _is_retried(one, ended) else None,
            "lines": sorted(
                [
                    line["amount"],
                    line["period"]["start"],
                    line["period"]["end"],
                    _is_proration(line),
                ]
                for line in one["lines"]["data"]
            ),
        }
    )


def _is_retried(one: Object, ended: set[str]) -> bool:
    """Whether a next try may be compared: the replica plans one of a first payment, too, and of a
    subscription that has ended.
    """
    details = (one["parent"] or {}).get("subscription_details") or {}
    first = one["billing_reason"] == "subscription_create"
    return one["status"] == "open" and not first and details.get("subscription") not in ended


def _is_proration(line: Object) -> bool:
    details = (line["parent"] or {}).get("subscription_item_details") or {}
    return bool(details.get("proration"))
