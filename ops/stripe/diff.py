"""Compares what Stripe has with what it must have. Pure: values in, changes out, in the order in
which they must be made.
"""

from collections.abc import Iterator
from typing import Any

from chalicelib.stripe_api.portal_settings import lets_change_email
from ops.stripe.changes import (
    Change,
    ClosePortalEmail,
    DeleteEndpoint,
    MakeEndpoint,
    MakePortal,
    MakePrice,
    MakeProduct,
    MendEndpoint,
    MendPortal,
    MendPrice,
    MendProduct,
    MoveDefault,
    RetireEndpoint,
    RetirePortal,
    RetirePrice,
    Stuck,
)
from ops.stripe.current_state import CurrentState, HeldEndpoint, HeldPortal, HeldPrice, HeldProduct
from ops.stripe.desired_state import Wanted, WantedPrice, WantedProduct
from ops.stripe.event_bus import compare_bus

PORTAL_PRODUCTS = 10
"""How many products a portal offers at most (the SDK's ConfigurationCreateParams)."""


def compare(wanted: Wanted, held: CurrentState) -> list[Change]:
    """All differences. New prices come first, and the portal switches to them before the old ones
    are archived; endpoints are created before others are disabled.
    """
    catalogue = compare_catalogue(wanted, held)
    retiring = [change for change in catalogue if isinstance(change, RetirePrice)]
    making = [change for change in catalogue if not isinstance(change, RetirePrice)]
    return [
        *making,
        *compare_portal(wanted, held),
        *retiring,
        *compare_endpoints(wanted, held),
        *compare_bus(wanted.bus, wanted.events, held.destinations),
    ]


def compare_catalogue(wanted: Wanted, held: CurrentState) -> list[Change]:
    """The differences in products and prices."""
    changes: list[Change] = []
    retired = {price.id: price for price in held.outlived}
    heirs: dict[str, str] = {}
    for product in wanted.products:
        found = _product_of(product, wanted, held)
        changes += _product_changes(product, found)
        for price in [price for price in wanted.prices if price.plan == product.plan]:
            change = _price_change(price, held.prices.get(price.lookup_key), found)
            changes += [change] if change else []
            if isinstance(change, MakePrice) and change.replaces:
                retired[change.replaces] = held.prices[price.lookup_key]
    for price in wanted.prices:
        heirs |= {old: price.lookup_key for old in _ancestors(price.lookup_key, held)}
    changes += [
        MoveDefault(
            name=f"product {product.id}",
            product=product.id,
            lookup_key=heirs[product.default_price],
            why="its default price is retired",
        )
        for product in held.products
        if product.default_price in retired and product.default_price in heirs
    ]
    return changes + [
        RetirePrice(name=f"price {price.id}", id=price.id, why="another has its lookup key")
        for price in retired.values()
        if price.active
    ]


def compare_portal(wanted: Wanted, held: CurrentState) -> list[Change]:
    """The differences in the customer portal. That it lets customers change the e-mail address
    comes first, and is told whatever is sold.
    """
    closing: list[Change] = [
        ClosePortalEmail(
            name=f"portal {portal.id}",
            id=portal.id,
            features=portal.features,
            why="whoever has a billing link can change the e-mail address there",
        )
        for portal in held.portals
        if portal.active and lets_change_email(portal.features)
    ]
    return closing + _offer_changes(wanted, held)


def _offer_changes(wanted: Wanted, held: CurrentState) -> list[Change]:
    if not wanted.prices:
        return []
    if len(wanted.products) > PORTAL_PRODUCTS:
        why = (
            f"it offers at most {PORTAL_PRODUCTS} products, and billing.toml sells"
            f" {len(wanted.products)}: set it up in Stripe's dashboard"
        )
        return [Stuck(name="portal", why=why)]
    if not held.portals:
        return [MakePortal(name="portal", why="there is no configuration of ours")]
    first, *more = sorted(held.portals, key=lambda portal: not portal.active)
    differs = "; ".join(_portal_differences(first, wanted, held))
    changes: list[Change] = (
        [MendPortal(name=f"portal {first.id}", id=first.id, why=differs)] if differs else []
    )
    return changes + [
        RetirePortal(name=f"portal {one.id}", id=one.id, why="there is another of ours")
        for one in more
        if one.active
    ]


def compare_endpoints(wanted: Wanted, held: CurrentState) -> list[Change]:
    """The differences in the webhook endpoints at the stage's address."""
    good = [
        one
        for one in held.endpoints
        if one.api_version == wanted.api_version and one.mark in held.marks
    ]
    keeper = max(good, key=lambda one: (one.enabled, held.endpoints.index(one)), default=None)
    changes: list[Change] = []
    if keeper is None:
        drop = frozenset(one.mark for one in held.endpoints if one.mark and not one.enabled)
        changes.append(
            MakeEndpoint(
                name=f"webhook {wanted.webhook_url}", why=_why_none(wanted, held), drop=drop
            )
        )
    else:
        changes += _endpoint_changes(keeper, wanted)
    for one in held.endpoints:
        if one.ours and one.mark not in held.marks and one is not keeper:
            changes.append(
                DeleteEndpoint(name=f"webhook {one.id}", id=one.id, why="nobody holds its secret")
            )
        elif one.enabled and one is not keeper:
            changes.append(
                RetireEndpoint(name=f"webhook {one.id}", id=one.id, why="another takes its place")
            )
    return changes


def _product_of(product: WantedProduct, wanted: Wanted, held: CurrentState) -> HeldProduct | None:
    """The plan's product: that of its prices, or that in billing.toml, or Billhook's own."""
    by_id = {one.id: one for one in held.products}
    priced = [
        held.prices[price.lookup_key].product
        for price in wanted.prices
        if price.plan == product.plan and price.lookup_key in held.prices
    ]
    named = next((by_id[id] for id in (*priced, *product.ids) if id in by_id), None)
    return named or next((one for one in held.products if one.plan == product.plan), None)


def _product_changes(product: WantedProduct, found: HeldProduct | None) -> Iterator[Change]:
    if found is None:
        yield MakeProduct(
            name=f"product {product.title}",
            plan=product.plan,
            title=product.title,
            why=f"plan {product.plan} has none",
        )
        return
    # What somebody else has made keeps the name that they gave it.
    renamed = {"name": product.title} if found.plan and found.name != product.title else {}
    revived = {} if found.active else {"active": True}
    if fields := renamed | revived:
        why = ", ".join(
            [f'it is called "{found.name}", not "{product.title}"'] * bool(renamed)
            + ["it is archived"] * bool(revived)
        )
        yield MendProduct(name=f"product {found.id}", id=found.id, fields=fields, why=why)


def _price_change(
    price: WantedPrice, found: HeldPrice | None, product: HeldProduct | None
) -> Change | None:
    name, key = f"price {price.lookup_key}", f"plans.{price.plan}.amounts.{price.interval}"
    differs = (
        "there is none with this lookup key"
        if found is None
        else ", ".join(_price_differences(price, found))
    )
    if differs and price.amount is None:
        return Stuck(
            name=name,
            why=f"{differs}: put {key} into billing.toml, or make the price in Stripe's dashboard",
        )
    if differs:
        of = found.product if found else product.id if product else None
        old = {"replaces": found.id, "tax_behavior": found.tax_behavior} if found else {}
        return MakePrice(name=name, price=price, product=of, why=differs, **old)
    if found and not found.active:
        return MendPrice(name=name, id=found.id, why="it is archived")
    return None


def _price_differences(price: WantedPrice, found: HeldPrice) -> Iterator[str]:
    if found.interval != price.interval:
        yield (
            f"it is paid {'every ' + found.interval if found.interval else 'otherwise'}, not every"
            f" {price.interval}"
        )
    if price.amount is not None and (found.amount, found.currency) != (
        price.amount,
        price.currency,
    ):
        yield f"it is {found.amount} {found.currency}, not {price.amount} {price.currency}"


def _ancestors(lookup_key: str, held: CurrentState) -> Iterator[str]:
    """The ids of the price with a lookup key, and of the active prices that it replaced."""
    known = {price.id: price for price in (*held.outlived, *held.prices.values())}
    price = held.prices.get(lookup_key)
    while price:
        yield price.id
        price = known.get(price.replaces or "")


def _portal_differences(portal: HeldPortal, wanted: Wanted, held: CurrentState) -> Iterator[str]:
    if not portal.active:
        yield "it is switched off"
    if portal.return_url != wanted.return_url:
        yield f"it leads back to {portal.return_url or 'nowhere'}, not to {wanted.return_url}"
    for feature, settings in wanted.portal.items():
        for name, value in settings.items():
            if _plain(portal.features.get(feature, {}).get(name)) != _plain(value):
                yield (
                    f"{feature}.{name} is {portal.features.get(feature, {}).get(name)}, not {value}"
                )
    fresh = {
        change.price.lookup_key
        for change in compare_catalogue(wanted, held)
        if isinstance(change, MakePrice)
    }
    offered = {key: price.id for key, price in held.prices.items() if key in wanted.offered - fresh}
    if lacking := sorted(key for key in wanted.offered if offered.get(key) not in portal.prices):
        yield f"it does not offer {', '.join(lacking)}"
    if others := sorted(portal.prices - set(offered.values())):
        yield f"it offers {', '.join(others)}"


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _why_none(wanted: Wanted, held: CurrentState) -> str:
    enabled = [one for one in held.endpoints if one.enabled]
    if not enabled:
        return (
            "no enabled endpoint is at this address"
            if held.endpoints
            else "there is no endpoint at this address"
        )
    versions = sorted(
        {str(one.api_version) for one in enabled if one.api_version != wanted.api_version}
    )
    reasons = (
        [
            f"{', '.join(versions)} is its API version, not {wanted.api_version}, and cannot be"
            " changed"
        ]
        if versions
        else []
    )
    # An endpoint made by hand has no mark, so whether its secret is held cannot be told.
    if any(one.mark not in held.marks for one in enabled):
        reasons.append(
            "its secret is not known to be in the Parameter Store, and Stripe tells it only when an"
            " endpoint is made"
        )
    return "; ".join(reasons)


def _endpoint_changes(one: HeldEndpoint, wanted: Wanted) -> Iterator[Change]:
    reasons, fields = list[str](), dict[str, Any]()
    if lacking := sorted(wanted.events - one.events):
        reasons.append(f"it does not tell of {', '.join(lacking)}")
    if others := sorted(one.events - wanted.events):
        reasons.append(f"it tells of {', '.join(others)}, which nobody wants")
    if reasons:
        fields["enabled_events"] = sorted(wanted.events)
    if not one.enabled:
        reasons.append("it is disabled")
        fields["disabled"] = False
    if reasons:
        yield MendEndpoint(
            name=f"webhook {one.id}", id=one.id, fields=fields, why="; ".join(reasons)
        )
