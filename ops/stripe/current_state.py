"""Reads what Stripe has of the objects that Billhook needs, as plain values."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.stripe_api.writer import OURS
from ops.stripe.desired_state import Wanted
from ops.stripe.event_bus import Destination

PLAN, REPLACES, SECRET_MARK = "plan", "replaces", "secret"
"""Keys in the metadata of Billhook's objects: a product's plan, the price that a price replaced,
and the mark of an endpoint's secret.
"""

LOOKUP_KEYS_A_CALL = 10


@dataclass(frozen=True, slots=True)
class HeldProduct:
    """A product. `plan` is that in Billhook's metadata; None for a product that somebody else
    made.
    """

    id: str
    name: str
    active: bool
    plan: str | None = None
    default_price: str | None = None


@dataclass(frozen=True, slots=True)
class HeldPrice:
    """A price. `interval` is None for a one-time price, and for one with an interval count other
    than 1.
    """

    id: str
    lookup_key: str | None
    product: str
    active: bool
    amount: int | None
    currency: str
    interval: str | None
    replaces: str | None = None
    tax_behavior: str | None = None


@dataclass(frozen=True, slots=True)
class HeldPortal:
    """A portal configuration of Billhook's. `prices` are the ids of the prices that it offers."""

    id: str
    active: bool
    return_url: str | None
    features: Mapping[str, Mapping[str, Any]]
    prices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class HeldEndpoint:
    """A webhook endpoint at the stage's address. `mark` is that of its secret, in its metadata."""

    id: str
    enabled: bool
    api_version: str | None
    events: frozenset[str]
    ours: bool = False
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class CurrentState:
    """The whole state, each kind with the oldest first. `outlived` are active prices that lost
    their lookup key to one of Billhook's, the oldest first; `marks` are those of the secrets in the
    Parameter Store.
    """

    products: tuple[HeldProduct, ...] = ()
    prices: Mapping[str, HeldPrice] = field(default_factory=dict)
    outlived: tuple[HeldPrice, ...] = ()
    portals: tuple[HeldPortal, ...] = ()
    endpoints: tuple[HeldEndpoint, ...] = ()
    marks: frozenset[str] = frozenset()
    destinations: tuple[Destination, ...] = ()


def mark(secret: str) -> str:
    """A mark by which a secret is recognized, and which may be shown."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def read_catalogue(transport: StripeTransport, wanted: Wanted) -> CurrentState:
    """The products and prices. Raises Unavailable, Refused."""
    products = tuple(_product(one) for one in reversed(transport.all("/v1/products")))
    prices = read_prices(transport, wanted.lookup_keys)
    return CurrentState(
        products=products, prices=prices, outlived=tuple(_outlived(transport, prices.values()))
    )


def read_prices(transport: StripeTransport, lookup_keys: Iterable[str]) -> dict[str, HeldPrice]:
    """The prices with these lookup keys, by lookup key. Raises Unavailable, Refused."""
    keys, found = sorted(lookup_keys), list[HeldPrice]()
    for start in range(0, len(keys), LOOKUP_KEYS_A_CALL):
        found += [
            _price(one)
            for one in transport.all(
                "/v1/prices", lookup_keys=keys[start : start + LOOKUP_KEYS_A_CALL]
            )
        ]
    return {price.lookup_key: price for price in found if price.lookup_key}


def read_portals(transport: StripeTransport) -> tuple[HeldPortal, ...]:
    """Billhook's portal configurations. Raises Unavailable, Refused."""
    found = transport.all(
        "/v1/billing_portal/configurations", expand=["data.features.subscription_update.products"]
    )
    return tuple(_portal(one) for one in reversed(found) if _is_ours(one))


def read_endpoints(transport: StripeTransport, url: str) -> tuple[HeldEndpoint, ...]:
    """The webhook endpoints at this address. Raises Unavailable, Refused."""
    return tuple(
        _endpoint(one)
        for one in reversed(transport.all("/v1/webhook_endpoints"))
        if one["url"] == url
    )


def _is_ours(thing: Raw) -> bool:
    return OURS.items() <= (thing.get("metadata") or {}).items()


def _noted(thing: Raw, key: str) -> str | None:
    return (thing.get("metadata") or {}).get(key) if _is_ours(thing) else None


def _product(one: Raw) -> HeldProduct:
    return HeldProduct(
        one["id"], one["name"], one["active"], _noted(one, PLAN), one.get("default_price")
    )


def _price(one: Raw) -> HeldPrice:
    recurring = one["recurring"] or {}
    interval = (
        recurring.get("interval")
        if recurring.get("interval_count") == 1 and recurring.get("usage_type") == "licensed"
        else None
    )
    return HeldPrice(
        id=one["id"],
        lookup_key=one["lookup_key"],
        product=one["product"],
        active=one["active"],
        amount=one["unit_amount"],
        currency=one["currency"],
        interval=interval,
        replaces=_noted(one, REPLACES),
        tax_behavior=one.get("tax_behavior"),
    )


def _outlived(transport: StripeTransport, prices: Iterable[HeldPrice]) -> list[HeldPrice]:
    """The active prices that these replaced. The oldest is archived first, so behind an archived
    price there is no active one.
    """
    found: list[HeldPrice] = []
    for price in prices:
        chain: list[HeldPrice] = []
        while (
            price.replaces
            and (old := transport.get(f"/v1/prices/{price.replaces}"))
            and old["active"]
        ):
            price = _price(old)
            chain.insert(0, price)
        found += chain
    return found


def _portal(one: Raw) -> HeldPortal:
    offered = one["features"]["subscription_update"].get("products") or []
    ids = frozenset(id for product in offered for id in product["prices"])
    return HeldPortal(one["id"], one["active"], one["default_return_url"], one["features"], ids)


def _endpoint(one: Raw) -> HeldEndpoint:
    enabled = one["status"] == "enabled"
    return HeldEndpoint(
        one["id"],
        enabled,
        one["api_version"],
        frozenset(one["enabled_events"]),
        _is_ours(one),
        _noted(one, SECRET_MARK),
    )
