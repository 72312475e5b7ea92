"""What Stripe must have for a stage, from billing.toml, the stage's address and this release."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.stripe_api.portal_settings import FEATURES
from ops.package.template import WEBHOOK_PATH

PORTAL: Mapping[str, Mapping[str, Any]] = {
    **FEATURES,
    # Stripe's own default would end a trial at a change of plan. A greater plan is charged at once:
    # with `create_prorations` it would be used until the next renewal before anybody pays.
    "subscription_update": {
        "enabled": True,
        "default_allowed_updates": ["price"],
        "proration_behavior": "always_invoice",
        "trial_update_behavior": "continue_trial",
    },
}
"""What a customer may do in Stripe's portal. The owner sets everything else, but
nobody changes the e-mail address there (chalicelib/stripe_api/portal_settings.py).
"""


@dataclass(frozen=True, slots=True)
class WantedProduct:
    """The product of a plan. `ids` are the products that billing.toml names for it."""

    plan: str
    title: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedPrice:
    """The price of a plan for an interval. `amount` in minor units; None if billing.toml leaves it
    to Stripe.
    """

    plan: str
    interval: str
    lookup_key: str
    amount: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class WantedBus:
    """Where a stage's stack is, and `source`, the partner event source that it takes events from;
    empty if it takes none yet.
    """

    stack: str
    account: str
    region: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The whole state. `bus` is None for a stage that takes no events by EventBridge."""

    products: tuple[WantedProduct, ...]
    prices: tuple[WantedPrice, ...]
    portal: Mapping[str, Mapping[str, Any]]
    return_url: str
    webhook_url: str
    events: frozenset[str]
    api_version: str

    currency: str = "usd"
    bus: WantedBus | None = None

    @property
    def lookup_keys(self) -> frozenset[str]:
        """The lookup keys of all prices."""
        return frozenset(price.lookup_key for price in self.prices)

    @property
    def offered(self) -> frozenset[str]:
        """The lookup keys of the prices that the portal offers. It takes one price per product and
        interval, so those in the owner's own currency.
        """
        return frozenset(
            price.lookup_key for price in self.prices if price.currency == self.currency
        )


def wanted(
    policy: Policy, base_url: str, endpoint: str, api_version: str, bus: WantedBus | None = None
) -> Wanted:
    """What Stripe must have for a stage at `endpoint`, which customers know by `base_url`."""
    plans = [plan for plan in policy.plans.values() if plan.lookup_keys]
    brand = f"{policy.mail.product} " if policy.mail else ""
    return Wanted(
        products=tuple(
            WantedProduct(plan.id, f"{brand}{plan.name}", plan.products) for plan in plans
        ),
        prices=tuple(
            WantedPrice(plan.id, interval, key, amount, currency)
            for plan in plans
            for currency, interval, key, amount in plan.prices_in(policy.currency)
        ),
        currency=policy.currency,
        portal=PORTAL,
        return_url=f"{base_url.rstrip('/')}/billing",
        webhook_url=f"{endpoint.rstrip('/')}{WEBHOOK_PATH}",
        events=frozenset(EVENT_TYPES),
        api_version=api_version,
        bus=bus,
    )
