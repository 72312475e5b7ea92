"""All recorded histories at once, lived again in the whole system: by Stripe's API and pages, the
clock moved, and Billhook left to hear of it.
"""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from local.client import Client
from local.replay import differences
from tests.fakes.stripe.sim import pairs
from tests.system.local.stripe_sim.test_replay import SCRIPTS

NOT_OF_A_CUSTOMER = ("product.", "price.")


class Lived:
    """One history, moved to the next year in which its months are as long as they were, with the
    ids of the Stripe that it is lived at.
    """

    def __init__(self, name: str, recording: Any, stripe: Client, shift: int) -> None:
        self.name, self.recording, self.stripe, self.shift = name, recording, stripe, shift
        self.account = f"acct_{name}"
        self.ids: dict[str, str] = {"acct_demo": self.account}
        for lookup_key, id in recording["prices"].items():
            self.ids[id] = self.asks("GET", "/v1/prices", {"lookup_keys": [lookup_key]})["data"][0][
                "id"
            ]

    def asks(self, method: str, path: str, params: Any = None) -> Any:
        query = urlencode(pairs(params or {}))
        body, headers = (
            (None, {})
            if method == "GET"
            else (query.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
        )
        status, answer = self.stripe.call(
            method, f"{path}?{query}" if method == "GET" else path, body, headers
        )
        assert status == 200, (method, path, params, answer)
        return answer

    @property
    def customer(self) -> str:
        return self.ids[
            next(
                step["gives"]
                for step in self.recording["script"]
                if step.get("path") == "/v1/customers"
            )
        ]

    def step(self, step: Any) -> None:
        match step["do"]:
            case "api":
                answer = self.asks(
                    step["method"], self.ours(step["path"]), self.ours(step["params"])
                )
                self.ids[step["gives"]] = answer["id"]
            case "customer_sets_default_card":
                self.by_hand(f"customers/{self.ids[step['customer']]}/card", step["card"])
            case "customer_completes_checkout":
                done = self.by_hand(f"checkout/{self.ids[step['session']]}", step["card"])
                if step["subscription"]:
                    self.ids[step["subscription"]] = done["subscription"]

    def by_hand(self, path: str, card: str) -> Any:
        status, answer = self.stripe.post(f"/_test/{path}", {"card": card})
        assert status == 200, answer
        return answer

    def ours(self, value: Any) -> Any:
        text = json.dumps(value)
        for word in text.replace('"', " ").replace("/", " ").split():
            if word.startswith(("pm_", "in_", "si_")) and word not in self.ids:
                self.ids[word] = self.newest(word.split("_")[0])
        for theirs, ours in self.ids.items():
            text = text.replace(theirs, ours)
        return json.loads(text)

    def newest(self, kind: str) -> str:
        """Ours for the id of something that Stripe made by itself, the newest of its kind."""
        if kind == "pm":
            return str(
                self.asks("GET", f"/v1/customers/{self.customer}/payment_methods")["data"][0]["id"]
            )
        if kind == "in":
            return str(
                self.asks("GET", "/v1/invoices", {"customer": self.customer})["data"][0]["id"]
            )
        return str(
            self.asks("GET", "/v1/subscriptions", {"customer": self.customer})["data"][0]["items"][
                "data"
            ][0]["id"]
        )

    def told(self) -> list[tuple[str, str | None]]:
        """The events about the customer, the oldest first."""
        found: list[Any] = []
        page: Any = {"has_more": True}
        while page["has_more"]:
            page = self.asks(
                "GET",
                "/v1/events",
                {"limit": 100} | ({"starting_after": found[-1]["id"]} if found else {}),
            )
            found += page["data"]
        return of_a_customer(reversed(found), self.customer)


def of_a_customer(events: Any, customer: str | None = None) -> list[tuple[str, str | None]]:
    things = [
        (event["type"], event["data"]["object"])
        for event in events
        if not event["type"].startswith(NOT_OF_A_CUSTOMER)
    ]
    return [
        (kind, thing.get("status"))
        for kind, thing in things
        if customer is None or customer in (thing.get("customer"), thing["id"])
    ]


def test_every_history_is_lived_again_and_the_account_is_what_stripe_holds(
    start_system: Any,
) -> None:
    client = start_system()
    stripe = Client(client.state()["stripe_base"], "sk_test_1")
    first = min(recording["script"][0]["at"] for recording in SCRIPTS.values())
    year = next(
        y
        for y in range(2027, 2040)
        if y % 4 and datetime(y, 3, 2, tzinfo=UTC).timestamp() > client.now()
    )
    shift = int(datetime.fromtimestamp(first, UTC).replace(year=year).timestamp()) - first
    lives = [Lived(name, recording, stripe, shift) for name, recording in SCRIPTS.items()]
    steps = sorted(
        (
            (step["at"], place, life, step)
            for life in lives
            for place, step in enumerate(life.recording["script"])
        ),
        key=lambda one: one[:2],
    )
    for at, _, life, step in steps:
        client.move_clock(at + shift)
        life.step(step)
    client.move_clock(
        max(
            step["to"]
            for life in lives
            for step in life.recording["script"]
            if step["do"] == "advance"
        )
        + shift
    )
    for life in lives:
        theirs = of_a_customer(life.recording["events"])
        # Others live on while the longest history is played: theirs is how it began.
        assert life.told()[: len(theirs)] == theirs, life.name
        held = life.asks("GET", "/v1/subscriptions", {"customer": life.customer, "status": "all"})[
            "data"
        ]
        assert differences(client.account(life.account), {"subscriptions": held}) == [], life.name
