"""How Stripe writes amounts: decimals, and what it charges."""

from decimal import Decimal

import pytest

from chalicelib.domain.money import (
    CURRENCIES,
    decimals,
    in_major_units,
    is_chargeable,
    shown_decimals,
)

WITHOUT = [
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
    *("pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"),
]
WITH_THREE = ["bhd", "jod", "kwd", "omr", "tnd"]
ALWAYS_00 = ["isk", "ugx"]
ONLY_PAYOUTS_WHOLE = ["huf", "twd"]


def test_the_table_lists_what_stripe_lists_as_unusual() -> None:
    listed = [*WITHOUT, *WITH_THREE, *ALWAYS_00, *ONLY_PAYOUTS_WHOLE]
    assert sorted(CURRENCIES) == sorted(listed)
    assert all(rule.reason for rule in CURRENCIES.values())


@pytest.mark.parametrize(
    ("currencies", "amount", "value", "shown"),
    [
        (WITHOUT, 15250, "15250", 0),
        (WITH_THREE, 15250, "15.250", 3),
        (ALWAYS_00, 1525000, "15250", 0),
        (ONLY_PAYOUTS_WHOLE, 15250, "152.50", 2),
        (["usd", "eur", "chf", "mxn", "EUR"], 15250, "152.50", 2),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(
    currencies: list[str], amount: int, value: str, shown: int
) -> None:
    for currency in currencies:
        assert in_major_units(amount, currency) == Decimal(value)
        assert shown_decimals(amount, currency) == shown


def test_decimals_that_should_be_00_and_are_not_are_shown() -> None:
    assert shown_decimals(1234, "isk") == 2
    assert shown_decimals(1200, "isk") == 0


@pytest.mark.parametrize(
    ("currency", "chargeable", "not_chargeable"),
    [
        ("usd", [1, 50, 4999], []),
        ("jpy", [1, 50, 4999], []),
        ("huf", [1, 15250, 15251], []),
        ("twd", [1, 15250, 15251], []),
        *((currency, [10, 15250], [5, 15255, 15251]) for currency in WITH_THREE),
        *((currency, [100, 500], [1, 550, 499]) for currency in ALWAYS_00),
    ],
)
def test_stripe_charges_whole_steps_of_a_currency(
    currency: str, chargeable: list[int], not_chargeable: list[int]
) -> None:
    assert [amount for amount in chargeable if not is_chargeable(amount, currency)] == []
    assert [amount for amount in not_chargeable if is_chargeable(amount, currency)] == []


def test_a_currency_may_be_written_in_either_case() -> None:
    assert (decimals("KWD"), decimals("kwd"), decimals("Jpy")) == (3, 3, 0)
