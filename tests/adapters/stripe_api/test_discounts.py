"""What discounts give, by whatever holds them."""

from typing import Any

import pytest

from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.stripe_api.discounts import (
    FOR_ONE,
    discount_terms,
    terms_in_customer,
    terms_in_subscription,
)
from tests.fakes.services import at

COUPON = {"id": "OFF", "percent_off": 20, "duration": "forever"}
DISCOUNT = {"id": "di_1", "customer": "cus_1", "start": 1772442000, "coupon": COUPON}
TERMS = DiscountTerms(at(1772442000), at(1772442000), "forever", "20", customer="cus_1")


def test_a_discount_that_names_nothing_is_for_all_that_the_customer_has() -> None:
    nothing: dict[str, Any] = dict.fromkeys(FOR_ONE)
    assert discount_terms(DISCOUNT | nothing, at(1772442000)) == TERMS


@pytest.mark.parametrize(
    ("told", "percent"),
    [
        (20, "20"),
        (20.0, "20"),
        (33.33, "33.33"),
        (100 / 3, "33.333333333333336"),
        ("12.5", "12.5"),
        (True, None),
        ("half", None),
    ],
)
def test_a_percentage_is_exact(told: object, percent: str | None) -> None:
    whole = DISCOUNT | {"coupon": COUPON | {"percent_off": told}}
    assert discount_terms(whole, at(1772442000)).percent_off == percent


@pytest.mark.parametrize("name", FOR_ONE)
def test_a_discount_for_one_thing_is_for_nothing_else(name: str) -> None:
    assert discount_terms(DISCOUNT | {name: "x_1"}, at(1772442000)).customer is None


def test_a_subscription_holds_its_discounts_and_those_of_its_items() -> None:
    raw = {
        "discount": DISCOUNT,
        "discounts": ["di_2", DISCOUNT | {"id": "di_3"}],
        "items": {"data": [{"discounts": [DISCOUNT | {"id": "di_4"}, "di_5"]}, {}]},
    }
    found = terms_in_subscription(raw)
    assert sorted(found) == ["di_1", "di_3", "di_4"]
    assert {terms.customer for terms in found.values()} == {None}


def test_a_discount_whose_coupon_is_only_named_says_so_in_a_customer() -> None:
    named = {**DISCOUNT, "coupon": None, "source": {"type": "coupon", "coupon": "OFF"}}
    (terms,) = terms_in_customer({"discount": named}).values()
    assert terms.duration is None
    assert terms_in_subscription({"discount": named}) == {}


@pytest.mark.parametrize(
    "held",
    [None, "di_1", 1, [], {}, {"id": "di_1"}, {"id": 1, "start": 1}, {"id": "di_1", "start": "x"}],
)
def test_what_is_no_discount_is_left_out(held: object) -> None:
    assert terms_in_customer({"discount": held}) == {}
    assert terms_in_subscription({"discounts": held, "items": {"data": held}}) == {}
    assert terms_in_subscription({"discounts": [held], "items": {"data": [held]}}) == {}
