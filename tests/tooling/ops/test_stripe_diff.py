"""The present state against the desired one: values in, changes out."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidInput
from ops.stripe.changes import (
    DeleteEndpoint,
    MakeEndpoint,
    MakePrice,
    MendPortal,
    MoveDefault,
    RetireEndpoint,
    RetirePortal,
    RetirePrice,
    Stuck,
)
from ops.stripe.current_state import CurrentState, HeldEndpoint, HeldPortal, HeldPrice, HeldProduct
from ops.stripe.desired_state import PORTAL, Wanted, WantedPrice, WantedProduct
from ops.stripe.diff import compare, compare_catalogue, compare_endpoints, compare_portal
from ops.stripe.mode import check_mode

VERSION = "2026-10-28.endive"
EVENTS = frozenset({"invoice.paid", "customer.updated"})
WANTED = Wanted(
    products=(WantedProduct("pro", "Acme Pro"),),
    prices=(WantedPrice("pro", "month", "pro_monthly", 4900, "usd"),),
    portal=PORTAL,
    return_url="https://b.example/billing",
    webhook_url="https://b.example/webhooks/stripe",
    events=EVENTS,
    api_version=VERSION,
)
PRODUCT = HeldProduct("prod_1", "Acme Pro", True, "pro")
PRICE = HeldPrice("price_1", "pro_monthly", "prod_1", True, 4900, "usd", "month")
PORTAL_HELD = HeldPortal("bpc_1", True, WANTED.return_url, PORTAL, frozenset({"price_1"}))
ENDPOINT = HeldEndpoint("we_1", True, VERSION, EVENTS, True, "mark")
WELL = CurrentState(
    (PRODUCT,), {"pro_monthly": PRICE}, (), (PORTAL_HELD,), (ENDPOINT,), frozenset({"mark"})
)


def priced(**changes: Any) -> CurrentState:
    return replace(WELL, prices={"pro_monthly": replace(PRICE, **changes)})


def at(*endpoints: HeldEndpoint) -> CurrentState:
    return replace(WELL, endpoints=endpoints)


def kinds(changes: list[Any]) -> list[str]:
    return [type(change).__name__ for change in changes]


def test_without_differences_there_are_no_changes() -> None:
    assert compare(WANTED, WELL) == []


@pytest.mark.parametrize(
    "what",
    [
        {"amount": 3900},
        {"currency": "eur"},
        {"interval": "year"},
        {"interval": None},
        {"amount": None},
    ],
)
def test_a_price_that_differs_is_replaced(what: dict[str, Any]) -> None:
    make, portal, retire = compare(WANTED, priced(**what))
    assert isinstance(make, MakePrice)
    assert (make.product, make.replaces) == ("prod_1", "price_1")
    assert isinstance(portal, MendPortal)
    assert isinstance(retire, RetirePrice)
    assert retire.id == "price_1"


def test_the_portal_moves_before_the_old_price_is_retired_and_endpoints_come_last() -> None:
    held = replace(
        priced(amount=1), products=(replace(PRODUCT, default_price="price_1"),), endpoints=()
    )
    assert kinds(compare(WANTED, held)) == [
        "MakePrice",
        "MoveDefault",
        "MendPortal",
        "RetirePrice",
        "MakeEndpoint",
    ]


def test_replaced_prices_are_archived_the_oldest_first_and_the_default_moves_to_the_newest() -> (
    None
):
    oldest, older = (
        HeldPrice(id, None, "prod_1", True, 1, "usd", "month") for id in ("price_a", "price_b")
    )
    older = replace(older, replaces="price_a")
    held = replace(
        priced(replaces="price_b", amount=2),
        outlived=(oldest, older),
        products=(replace(PRODUCT, default_price="price_a"),),
    )
    changes = compare_catalogue(WANTED, held)
    assert [change.id for change in changes if isinstance(change, RetirePrice)] == [
        "price_a",
        "price_b",
        "price_1",
    ]
    assert [change.lookup_key for change in changes if isinstance(change, MoveDefault)] == [
        "pro_monthly"
    ]


def test_an_archived_price_that_is_replaced_is_not_retired_again() -> None:
    assert kinds(compare_catalogue(WANTED, priced(active=False, amount=1))) == ["MakePrice"]


def test_a_product_of_somebody_else_keeps_its_name() -> None:
    assert (
        compare_catalogue(
            WANTED, replace(WELL, products=(HeldProduct("prod_1", "Whatever", True),))
        )
        == []
    )


def test_the_product_that_billing_toml_names_is_used_before_ours() -> None:
    named = replace(WANTED, products=(WantedProduct("pro", "Acme Pro", ("prod_2",)),))
    held = replace(WELL, products=(PRODUCT, HeldProduct("prod_2", "By hand", True)), prices={})
    (make,) = compare_catalogue(named, held)
    assert isinstance(make, MakePrice)
    assert make.product == "prod_2"


def test_without_an_amount_nothing_is_made() -> None:
    silent = replace(WANTED, prices=(replace(WANTED.prices[0], amount=None),))
    assert compare_catalogue(silent, priced(amount=1, currency="eur")) == []
    for held in (replace(WELL, prices={}), priced(interval="year")):
        (stuck,) = compare_catalogue(silent, held)
        assert isinstance(stuck, Stuck)
        assert "plans.pro.amounts.month" in stuck.why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"active": False}, "it is switched off"),
        ({"return_url": None}, "it leads back to nowhere"),
        ({"prices": frozenset()}, "it does not offer pro_monthly"),
        ({"prices": frozenset({"price_1", "price_0"})}, "it offers price_0"),
        (
            {"features": {**PORTAL, "invoice_history": {"enabled": False}}},
            "invoice_history.enabled is False, not True",
        ),
        ({"features": {}}, "subscription_cancel.mode is None, not at_period_end"),
    ],
)
def test_a_portal_that_differs_is_changed(changes: dict[str, Any], why: str) -> None:
    (change,) = compare_portal(WANTED, replace(WELL, portals=(replace(PORTAL_HELD, **changes),)))
    assert isinstance(change, MendPortal)
    assert why in change.why


def test_other_settings_of_the_portal_stay() -> None:
    features = {
        **PORTAL,
        "customer_update": {"enabled": True, "allowed_updates": ["address", "tax_id"]},
        "subscription_cancel": {**PORTAL["subscription_cancel"], "proration_behavior": "none"},
    }
    assert (
        compare_portal(WANTED, replace(WELL, portals=(replace(PORTAL_HELD, features=features),)))
        == []
    )


def test_of_two_portals_of_ours_the_one_that_is_on_stays() -> None:
    off, second = replace(PORTAL_HELD, id="bpc_0", active=False), replace(PORTAL_HELD, id="bpc_2")
    (change,) = compare_portal(WANTED, replace(WELL, portals=(off, PORTAL_HELD, second)))
    assert isinstance(change, RetirePortal)
    assert change.id == "bpc_2"


def test_more_products_than_a_portal_offers_are_told() -> None:
    many = replace(WANTED, products=tuple(WantedProduct(f"p{n}", f"P{n}") for n in range(11)))
    assert kinds(compare_portal(many, WELL)) == ["Stuck"]
    opened = {**PORTAL, "customer_update": {"enabled": True, "allowed_updates": ["email"]}}
    held = replace(WELL, portals=(replace(PORTAL_HELD, features=opened),))
    assert kinds(compare_portal(many, held)) == ["ClosePortalEmail", "Stuck"]
    assert kinds(compare_portal(replace(WANTED, prices=()), held)) == ["ClosePortalEmail"]


def test_another_api_version_is_another_endpoint() -> None:
    make, retire = compare_endpoints(WANTED, at(replace(ENDPOINT, api_version="2024-06-20")))
    assert isinstance(make, MakeEndpoint)
    assert "2024-06-20 is its API version" in make.why
    assert isinstance(retire, RetireEndpoint)


def test_an_endpoint_of_ours_whose_secret_nobody_holds_goes() -> None:
    for lost in (
        replace(ENDPOINT, mark=None),
        replace(ENDPOINT, mark="another"),
        replace(ENDPOINT, mark=None, enabled=False),
    ):
        assert kinds(compare_endpoints(WANTED, at(lost))) == ["MakeEndpoint", "DeleteEndpoint"]
        (gone,) = compare_endpoints(WANTED, at(lost, replace(ENDPOINT, id="we_2")))
        assert isinstance(gone, DeleteEndpoint)
        assert gone.id == "we_1"


def test_an_endpoint_made_by_hand_is_only_disabled_since_its_secret_may_be_held() -> None:
    assert kinds(compare_endpoints(WANTED, at(replace(ENDPOINT, ours=False, mark=None)))) == [
        "MakeEndpoint",
        "RetireEndpoint",
    ]


def test_of_two_good_endpoints_the_newer_one_stays_and_a_disabled_one_does_not_count() -> None:
    second = replace(ENDPOINT, id="we_2")
    (retire,) = compare_endpoints(WANTED, at(ENDPOINT, second))
    assert isinstance(retire, RetireEndpoint)
    assert retire.id == "we_1"
    assert compare_endpoints(WANTED, at(ENDPOINT, replace(second, enabled=False))) == []


def test_secrets_of_endpoints_that_tell_nothing_any_more_are_dropped() -> None:
    old = replace(ENDPOINT, id="we_0", api_version="2024-06-20", mark="old", enabled=False)
    held = replace(
        at(old, replace(ENDPOINT, api_version="2025-03-31.basil")), marks=frozenset({"old", "mark"})
    )
    make = compare_endpoints(WANTED, held)[0]
    assert isinstance(make, MakeEndpoint)
    assert make.drop == {"old"}


@pytest.mark.parametrize(
    ("key", "live_asked", "stage_is_live", "says"),
    [
        ("sk_live_1", False, True, "give --live"),
        ("rk_live_1", False, True, "give --live"),
        ("sk_test_1", True, False, "--live was given, but the Stripe key is a test key"),
        ("rk_test_1", True, True, "takes live money, but the Stripe key is a test key"),
        ("sk_test_1", False, True, "takes live money, but the Stripe key is a test key"),
        ("sk_live_1", True, False, "takes test events only"),
        ("pk_live_1", True, True, "The Stripe key is none"),
        ("", False, False, "The Stripe key is none"),
    ],
)
def test_a_key_of_the_wrong_mode_is_refused(
    key: str, live_asked: bool, stage_is_live: bool, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        check_mode(key, live_asked, "dev", stage_is_live)


@pytest.mark.parametrize(
    ("key", "live"),
    [("sk_live_1", True), ("rk_live_1", True), ("sk_test_1", False), ("rk_test_1", False)],
)
def test_a_key_of_the_stages_mode_is_accepted(key: str, live: bool) -> None:
    check_mode(key, live, "prod" if live else "dev", live)
