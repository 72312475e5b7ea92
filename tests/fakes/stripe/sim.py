"""A simulated Stripe in memory: its API called without a network, its clock where it is put."""

from dataclasses import dataclass, field
from typing import Any

from local.stripe_sim.api.api import Api, ApiRequest
from local.stripe_sim.api.object_shapes import Object
from local.stripe_sim.lifecycle.engine import CataloguePrice, Engine

START = 1_772_442_000  # 2026-03-02T09:00:00Z, a Monday
DAY = 86_400
PRICES = (
    CataloguePrice("pro", "Acme Pro", "pro_monthly", "month", 4900, "usd"),
    CataloguePrice("pro", "Acme Pro", "pro_yearly", "year", 49000, "usd"),
    CataloguePrice("scale", "Acme Scale", "scale_monthly", "month", 19900, "usd"),
)


def pairs(params: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Parameters as the SDK encodes them."""
    found: list[tuple[str, str]] = []
    items = params.items() if isinstance(params, dict) else enumerate(params)
    for name, value in items:
        path = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, dict | list):
            found += pairs(value, path)
        else:
            found.append(
                (
                    path,
                    str(value).lower()
                    if isinstance(value, bool)
                    else ""
                    if value is None
                    else str(value),
                )
            )
    return found


@dataclass
class SimStage:
    """`call` the API, `advance` the clock, look at `events`."""

    second: int = START
    keys: int = 0
    version: str | None = None
    engine: Engine = field(init=False)
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(lambda: self.second, lambda: "http://127.0.0.1:1")
        self.api = Api(self.engine)
        self.engine.register(PRICES)

    def call(
        self, method: str, path: str, params: Any = None, key: str | None = None
    ) -> tuple[int, Any]:
        """The status and the body of one call."""
        self.keys += 1
        key = key or (f"key-{self.keys}" if method != "GET" else None)
        return self.api.answer(ApiRequest(method, path, pairs(params or {}), key, self.version))

    def get(self, path: str, **params: Any) -> Any:
        """What is there; it must be."""
        status, body = self.call("GET", path, params)
        assert status == 200, body
        return body

    def post(self, path: str, **params: Any) -> Any:
        """What was made; it must work."""
        status, body = self.call("POST", path, params)
        assert status == 200, body
        return body

    def price(self, lookup_key: str) -> str:
        return str(self.get("/v1/prices", lookup_keys=[lookup_key])["data"][0]["id"])

    def customer(self, card: str | None = None) -> str:
        """A customer, with a default card if one is named."""
        id = str(self.post("/v1/customers", email="ada@example.com")["id"])
        if card:
            self.gives(id, card)
        return id

    def gives(self, customer: str, card: str) -> str:
        """The customer sets a default card in the portal."""
        with self.engine.lock:
            self.engine.catch_up()
            return str(
                self.engine.checkout.set_default_card(
                    self.engine.store.find("customer", customer), card
                )["id"]
            )

    def completes(self, session: str, card: str | None = "tok_visa") -> Object:
        """The customer fills in a Checkout page."""
        with self.engine.lock:
            self.engine.catch_up()
            found = self.engine.store.find("checkout.session", session)
            self.engine.checkout.complete(found, card, authenticated=True)
            return found

    def trial(self, customer: str, days: float = 14, behavior: str = "pause", **more: Any) -> str:
        """A trialing subscription."""
        end = {"end_behavior": {"missing_payment_method": behavior}}
        items = [{"price": self.price("pro_monthly")}]
        made = self.post(
            "/v1/subscriptions",
            customer=customer,
            items=items,
            trial_end=self.second + int(days * DAY),
            trial_settings=end,
            **more,
        )
        return str(made["id"])

    def advance(self, to: int) -> None:
        """The clock, with everything that falls due on the way."""
        self.second = to
        self.engine.catch_up(to_act=False)

    def status(self, subscription: str) -> str:
        return str(self.get(f"/v1/subscriptions/{subscription}")["status"])

    def told(self, since: int = 0) -> list[str]:
        """The types of events, with the status of what they tell of."""
        return [
            f"{event['type']} {event['data']['object'].get('status') or ''}".strip()
            for event in self.engine.store.events[since:]
        ]
