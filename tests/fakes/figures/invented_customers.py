"""Customers at a simulated Stripe who buy, change, pause, get discounts and leave, and
what their subscriptions come to at the end of each day, counted from Stripe's own objects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from random import Random
from typing import Any

from local.stripe_sim.lifecycle.engine import CataloguePrice
from tests.fakes.figures.revenue import MONTHS, day_of
from tests.fakes.services import proving
from tests.fakes.stripe.sim import DAY, SimStage

Object = Mapping[str, Any]

MORE_PRICES = (
    CataloguePrice("pro", "Acme Pro", "pro_weekly", "week", 1299, "usd"),
    CataloguePrice("pro", "Acme Pro", "pro_eur", "month", 4550, "eur"),
)
KEYS = ("pro_monthly", "pro_yearly", "scale_monthly", "pro_weekly", "pro_eur")
COUPONS: Mapping[str, Mapping[str, Any]] = {
    "fifth": {"percent_off": 20, "duration": "forever"},
    "odd": {"percent_off": 33.3, "duration": "repeating", "duration_in_months": 2},
    "five": {"amount_off": 500, "currency": "usd", "duration": "forever"},
    "once": {"percent_off": 50, "duration": "once"},
    "free": {"percent_off": 100, "duration": "repeating", "duration_in_months": 1},
}


@dataclass
class InventedCustomers:
    """`live` a number of days; `closings` has the MRR of each account by currency at the end of
    each of them.
    """

    random: Random
    stage: SimStage = field(default_factory=SimStage)
    customers: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, list[str]] = field(default_factory=dict)
    closings: dict[date, dict[str, dict[str, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage.engine.register(MORE_PRICES)
        for id, coupon in COUPONS.items():
            self.stage.post("/v1/coupons", id=id, **coupon)
        self.prices = {key: self.stage.price(key) for key in KEYS}

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(self.stage.engine.store.events)

    @property
    def today(self) -> date:
        return day_of(self.stage.second)

    def live(self, days: int, joining: float, acting: float) -> None:
        """Each day `joining` new customers come on average, and each one acts with the probability
        `acting`.
        """
        for _ in range(days):
            midnight = (self.stage.second // DAY + 1) * DAY
            for _ in range(int(joining + self.random.random())):
                self._later(midnight)
                self._joins()
            for account in sorted(self.customers):
                if self.random.random() < acting:
                    self._later(midnight)
                    self._acts(account)
            self.stage.advance(midnight - 1)
            self.closings[self.today] = self._count()
            self.stage.advance(midnight)

    def _later(self, end: int) -> None:
        room = end - 2 - self.stage.second
        if room > 0:
            self.stage.advance(self.stage.second + self.random.randint(0, min(room, 3600)))

    def _joins(self) -> None:
        account = f"acct_{len(self.customers)}"
        id = str(
            self.stage.post(
                "/v1/customers",
                email=f"{account.replace('_', '')}@example.com",
                metadata=proving(account),
            )["id"]
        )
        self.stage.gives(id, "tok_chargeCustomerFail" if self.random.random() < 0.1 else "tok_visa")
        self.customers[account] = id
        self.subscriptions[account] = []
        self._buys(account)

    def _buys(self, account: str) -> None:
        key = self.random.choice(KEYS)
        more: dict[str, Any] = {}
        if self.random.random() < 0.3:
            more["trial_end"] = self.stage.second + self.random.randint(1, 20) * DAY
        if self.random.random() < 0.4 and (coupon := self._coupon(key)):
            more["discounts"] = [{"coupon": coupon}]
        status, made = self.stage.call(
            "POST",
            "/v1/subscriptions",
            {
                "customer": self.customers[account],
                "items": [{"price": self.prices[key], "quantity": self.random.randint(1, 4)}],
                "metadata": proving(account),
                **more,
            },
        )
        if status == 200:
            self.subscriptions[account].append(made["id"])

    def _coupon(self, key: str) -> str | None:
        fit = [id for id in COUPONS if id != "five" or key != "pro_eur"]
        return self.random.choice(fit)

    def _acts(self, account: str) -> None:
        ids = [id for id in self.subscriptions[account] if self._live(id)]
        if not ids:
            self._buys(account)
            return
        id = self.random.choice(ids)
        acts: list[Callable[[], Any]] = [
            lambda: self._change(id, items=[self._item(id, quantity=self.random.randint(1, 9))]),
            lambda: self._change(id, items=[self._item(id, price=self._another(id))]),
            lambda: self._change(id, pause_collection={"behavior": "void"}),
            lambda: self._change(id, pause_collection=""),
            lambda: self._change(id, discounts=[{"coupon": self._coupon(self._key(id))}]),
            lambda: self._change(id, discounts=""),
            lambda: self._change(id, cancel_at_period_end=True),
            lambda: self.stage.call("DELETE", f"/v1/subscriptions/{id}"),
            lambda: self._buys(account),
            lambda: self.stage.gives(self.customers[account], "tok_visa"),
        ]
        self.random.choice(acts)()

    def _change(self, id: str, **change: Any) -> None:
        self.stage.call("POST", f"/v1/subscriptions/{id}", change)

    def _item(self, id: str, **change: Any) -> dict[str, Any]:
        return {"id": self._held(id)["items"]["data"][0]["id"], **change}

    def _another(self, id: str) -> str:
        currency = self._held(id)["currency"]
        fit = [key for key in KEYS if (key == "pro_eur") == (currency == "eur")]
        return self.prices[self.random.choice(fit)]

    def _key(self, id: str) -> str:
        return "pro_eur" if self._held(id)["currency"] == "eur" else "pro_monthly"

    def _live(self, id: str) -> bool:
        return self._held(id)["status"] not in ("canceled", "incomplete_expired")

    def _held(self, id: str) -> Any:
        return self.stage.engine.store.find("subscription", id)

    def _count(self) -> dict[str, dict[str, int]]:
        found = {}
        for account, ids in self.subscriptions.items():
            sums: dict[str, Fraction] = {}
            for id in ids:
                for currency, value in self._mrr(self._held(id)).items():
                    sums[currency] = sums.get(currency, Fraction(0)) + value
            found[account] = {code: round(value) for code, value in sums.items() if round(value)}
        return found

    def _mrr(self, one: Object) -> dict[str, Fraction]:
        if one["status"] not in ("active", "past_due") or one["pause_collection"]:
            return {}
        (line,) = one["items"]["data"]
        price = line["price"]
        months = Fraction(MONTHS[price["recurring"]["interval"]])
        value = Fraction(price["unit_amount"]) * line["quantity"] / months
        store = self.stage.engine.store
        for discount in (store.find("discount", id) for id in one["discounts"]):
            coupon = store.find("coupon", discount["source"]["coupon"])
            if coupon["duration"] == "once" or (discount["end"] or 1 << 40) <= self.stage.second:
                continue
            if coupon["percent_off"] is not None:
                value *= 1 - Fraction(str(coupon["percent_off"])) / 100
            elif coupon["currency"] == price["currency"]:
                value -= Fraction(coupon["amount_off"]) / months
        return {price["currency"]: max(Fraction(0), value)}
