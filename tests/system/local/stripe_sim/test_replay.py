"""Whole histories again: the simulated Stripe is driven by what was done to another, and must tell
the same and end the same.
"""

import json
from typing import Any

import pytest

from local.stripe_sim.lifecycle.engine import Engine
from tests.fakes.services import ROOT
from tests.fakes.stripe.sim import SimStage

SCRIPTS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((ROOT / "tests" / "recordings").glob("*.json"))
}


def amounts(recording: Any) -> dict[str, tuple[int, str]]:
    """What each price of a recording costs, as its first event tells it."""
    found: dict[str, tuple[int, str]] = {}

    def look(thing: Any) -> None:
        if isinstance(thing, dict):
            if thing.get("object") == "price":
                found[thing["id"]] = (
                    thing["unit_amount"],
                    thing["recurring"]["interval"] if thing["recurring"] else "",
                )
            for one in thing.values():
                look(one)
        elif isinstance(thing, list):
            for one in thing:
                look(one)

    look(recording["events"])
    return found


class Replay:
    """One script, with its ids translated into those that the simulated Stripe gives."""

    def __init__(self, recording: Any) -> None:
        self.recording = recording
        self.stage = SimStage(second=recording["script"][0]["at"])
        self.ids: dict[str, str] = {}
        self.stage.engine.store.objects.clear()
        costs = amounts(recording)
        for lookup_key, id in recording["prices"].items():
            product = self.stage.post("/v1/products", name=lookup_key)["id"]
            amount = costs.get(id, (9900, "month"))[0]
            made = self.stage.post(
                "/v1/prices",
                product=product,
                currency="usd",
                unit_amount=amount,
                lookup_key=lookup_key,
                recurring={"interval": "month"},
            )
            self.ids[id] = made["id"]
        self.first_event = len(self.stage.engine.store.events)

    def play(self) -> None:
        for step in self.recording["script"]:
            self.step(step)

    def step(self, step: Any) -> None:
        match step["do"]:
            case "api":
                status, body = self.stage.call(
                    step["method"], self.translated(step["path"]), self.translated(step["params"])
                )
                assert status == 200, (step, body)
                self.met(step["gives"], body)
            case "customer_sets_default_card":
                self.stage.gives(self.ids[step["customer"]], step["card"])
            case "customer_completes_checkout":
                session = self.stage.completes(self.ids[step["session"]], step["card"])
                for kind in ("subscription", "setup_intent"):
                    if step[kind]:
                        self.ids[step[kind]] = session[kind]
            case "advance":
                self.stage.advance(step["to"])
            case other:
                raise AssertionError(other)

    def met(self, id: str, body: Any) -> None:
        self.ids[id] = body["id"]

    def translated(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.translated(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.translated(one) for one in value]
        if isinstance(value, str):
            for theirs in self.unmet(value):
                self.ids[theirs] = self.meet(theirs)
            for theirs, ours in self.ids.items():
                value = value.replace(theirs, ours)
        return value

    def unmet(self, text: str) -> list[str]:
        """Ids of what no step gave: made by Stripe itself, such as a card, an invoice, an item."""
        words = text.replace("/", " ").split()
        return [
            word
            for word in words
            if word.startswith(("pm_", "in_", "si_")) and word not in self.ids
        ]

    def meet(self, theirs: str) -> str:
        """Ours for one of these: the newest of its kind, as it was the newest there when the script
        named it.
        """
        kind = {"pm": "payment_method", "in": "invoice", "si": "subscription_item"}[
            theirs.split("_")[0]
        ]
        return str(self.stage.engine.store.all(kind)[0]["id"])

    def told(self) -> list[tuple[str, str | None]]:
        events = self.stage.engine.store.events[self.first_event :]
        return [(event["type"], event["data"]["object"].get("status")) for event in events]


def essence(subscription: Any) -> dict[str, Any]:
    """What must be the same of a subscription: everything but ids, and what the API version or the
    billing mode names otherwise.
    """
    items = [
        (
            item["price"]["lookup_key"],
            item["quantity"],
            item["current_period_start"],
            item["current_period_end"],
        )
        for item in subscription["items"]["data"]
    ]
    same = (
        "status",
        "trial_start",
        "trial_end",
        "cancel_at",
        "cancel_at_period_end",
        "canceled_at",
        "ended_at",
        "created",
        "metadata",
    )
    return {name: subscription[name] for name in same} | {
        "items": items,
        "has a card": subscription["default_payment_method"] is not None,
        "without a card": subscription["trial_settings"]["end_behavior"]["missing_payment_method"],
        "reason": subscription["cancellation_details"]["reason"],
    }


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_makes_the_same_events_in_the_same_order_and_the_same_subscriptions(
    name: str,
) -> None:
    recording = SCRIPTS[name]
    replay = Replay(recording)
    replay.play()
    assert replay.told() == [
        (event["type"], event["data"]["object"].get("status")) for event in recording["events"]
    ]
    held = {
        one["id"]: one
        for one in replay.stage.get("/v1/subscriptions", status="all", limit=100)["data"]
    }
    last = recording["checkpoints"][-1]["subscriptions"]
    assert {replay.ids[one["id"]] for one in last} == set(held)
    for one in last:
        assert essence(held[replay.ids[one["id"]]]) == essence(one)


@pytest.mark.parametrize("name", SCRIPTS)
def test_events_come_at_the_second_at_which_they_happened_whatever_the_clock_jumped_over(
    name: str,
) -> None:
    recording = SCRIPTS[name]
    replay = Replay(recording)
    replay.play()
    assert [
        event["created"] for event in replay.stage.engine.store.events[replay.first_event :]
    ] == [event["created"] for event in recording["events"]]


def test_the_engine_is_at_rest_once_it_has_caught_up() -> None:
    engine = Engine(lambda: 1_800_000_000, lambda: "")
    engine.catch_up()
    assert engine.next_due() is None
