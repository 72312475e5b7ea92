"""A simulated Stripe on loopback with a stage's secrets beside it, and what an owner may have done
to it by hand.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import stripe

from chalicelib.domain.policy.policy import Policy
from chalicelib.stripe_api.transport import StripeTransport
from local.client import Client
from local.stripe_sim.api.simulator import StripeSimulator
from ops.stage.parameters import SECURE, Parameter, Parameters
from ops.stripe.account import WEBHOOK_SECRETS, Account
from ops.stripe.current_state import mark
from ops.stripe.desired_state import Wanted, wanted
from ops.stripe.diff import compare
from tests.fakes.services import POLICY

ENDPOINT = "https://stage.example.com/api"
URL = f"{ENDPOINT}/webhooks/stripe"
OLD_VERSION = "2024-06-20"


class MemoryParameters(Parameters):
    """Parameters kept in memory."""

    def __init__(self) -> None:
        super().__init__("/billhook-dev")
        self.values: dict[str, Parameter] = {}

    def get(self, parameter: str) -> Parameter | None:
        return self.values.get(parameter)

    def put(self, parameter: str, value: str) -> None:
        self.values[parameter] = Parameter(value, SECURE, datetime.now(UTC))

    @property
    def secrets(self) -> list[str]:
        held = self.values.get(WEBHOOK_SECRETS)
        return held.value.split() if held else []


def needed(policy: Policy = POLICY) -> Wanted:
    """What Stripe must hold for the policy."""
    return wanted(policy, "https://billing.example.com", ENDPOINT, stripe.api_version)


def costing(amount: int, policy: Policy = POLICY) -> Policy:
    """The policy with another price of pro by the month."""
    pro = policy.plans["pro"]
    return replace(
        policy,
        plans={**policy.plans, "pro": replace(pro, amounts={**pro.amounts, "month": amount})},
    )


@dataclass
class FakeStripeAccount:
    """`account` is what the commands act on; `said` and `paused` what they said and how long they
    waited.
    """

    simulator: StripeSimulator = field(
        default_factory=lambda: StripeSimulator(lambda: datetime.now(UTC))
    )
    parameters: MemoryParameters = field(default_factory=MemoryParameters)
    said: list[str] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.simulator.start()
        self.transport = StripeTransport(lambda: "sk_test_1", self.simulator.base)
        self.account = Account(
            self.transport, self.parameters, self.paused.append, self.said.append
        )

    def close(self) -> None:
        self.simulator.close()

    def plan(self, policy: Policy = POLICY) -> list[str]:
        return [
            str(change) for change in compare(needed(policy), self.account.held(needed(policy)))
        ]

    def faults(self, fault: dict[str, Any]) -> None:
        """The next calls that fit go wrong."""
        assert Client(self.simulator.base).post("/_test/faults", fault)[0] == 200

    def post(self, path: str, **parameters: Any) -> dict[str, Any]:
        made = self.transport.post(f"/v1/{path}", **parameters)
        assert made
        return dict(made)

    def all(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        return [dict(one) for one in self.transport.all(f"/v1/{path}", **parameters)]

    def endpoint_by_hand(self, **more: Any) -> dict[str, Any]:
        """An endpoint that the owner made in the dashboard, its secret put where it belongs."""
        made = self.post("webhook_endpoints", **{"url": URL, "enabled_events": ["*"]} | more)
        self.parameters.put(WEBHOOK_SECRETS, " ".join([made["secret"], *self.parameters.secrets]))
        return made

    def state(self) -> dict[str, Any]:
        """All that is there, without what differs from run to run: ids are told by what they are
        of.
        """
        products = {one["id"]: one["name"] for one in self.all("products")}
        prices = {one["id"]: one for one in self.all("prices")}
        titles = {
            id: (
                f"{products[one['product']]} {one['unit_amount']}"
                f" {(one['recurring'] or {}).get('interval')}"
            )
            for id, one in prices.items()
        }
        portals = self.all(
            "billing_portal/configurations", expand=["data.features.subscription_update.products"]
        )
        real = {
            id: one["_secret"]
            for id, one in self.simulator.engine.store.objects.get("webhook_endpoint", {}).items()
        }
        return {
            "products": sorted(
                (one["name"], one["active"], titles.get(one["default_price"]))
                for one in self.all("products")
            ),
            "prices": sorted(
                (titles[id], one["lookup_key"] or "", one["active"]) for id, one in prices.items()
            ),
            "portals": [_portal(one, titles) for one in portals],
            "endpoints": sorted(
                (
                    one["url"],
                    one["status"],
                    str(one["api_version"]),
                    sorted(one["enabled_events"]),
                    real[one["id"]] in self.parameters.secrets,
                )
                for one in self.all("webhook_endpoints")
            ),
            "secrets": len(self.parameters.secrets),
            "unknown": len(
                {mark(one) for one in self.parameters.secrets}
                - {mark(one) for one in real.values()}
            ),
        }


def _portal(one: dict[str, Any], titles: dict[str, str]) -> Any:
    offered = sorted(
        titles[id]
        for product in one["features"]["subscription_update"]["products"]
        for id in product["prices"]
    )
    features = {
        name: {key: value for key, value in settings.items() if key != "products"}
        for name, settings in one["features"].items()
    }
    return one["active"], one["default_return_url"], offered, features


def empty(place: FakeStripeAccount) -> None:
    """A Stripe account in which nothing was ever done."""


def drifted(place: FakeStripeAccount) -> None:
    """Something other than it must be in every part."""
    product = place.post("products", name="Pro plan (old)")["id"]
    dear = place.post(
        "prices",
        product=product,
        currency="usd",
        unit_amount=3900,
        recurring={"interval": "month"},
        lookup_key="pro_monthly",
    )
    place.post(f"products/{product}", default_price=dear["id"])
    right = place.post(
        "prices",
        product=product,
        currency="usd",
        unit_amount=49000,
        recurring={"interval": "year"},
        lookup_key="pro_yearly",
    )
    place.post(f"prices/{right['id']}", active=False)
    scale = place.post(
        "products", name="Misnamed", metadata={"made_by": "billhook", "plan": "scale"}
    )["id"]
    place.post(
        "prices",
        product=scale,
        currency="eur",
        unit_amount=19900,
        recurring={"interval": "month"},
        lookup_key="scale_monthly",
    )
    place.post(f"products/{scale}", active=False)
    place.post(
        "billing_portal/configurations",
        features={
            "subscription_cancel": {"enabled": True, "mode": "immediately"},
            "subscription_update": {
                "enabled": True,
                "default_allowed_updates": ["price", "quantity"],
                "products": [{"product": product, "prices": [dear["id"]]}],
            },
        },
        metadata={"made_by": "billhook"},
    )
    place.endpoint_by_hand(api_version=OLD_VERSION, enabled_events=["invoice.paid"])


BEGINNINGS: dict[str, Callable[[FakeStripeAccount], None]] = {"empty": empty, "drifted": drifted}
