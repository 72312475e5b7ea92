"""What billing.toml says of selling and of leaving: read, and every mistake named."""

import pytest

from chalicelib.domain.policy.policy import CheckoutPolicy, RetentionOffer
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.stripe_objects.objects import Item
from tests.fakes.services import POLICY
from tests.unit.domain.policy.test_read import SHIPPED, mistakes

CURRENCIES = (
    'currencies = { eur = { lookup_keys = { month = "pro_eur" }, amounts = { month = 4500 } }, jpy'
    ' = { lookup_keys = { year = "pro_jpy" } } }'
)
PRO = 'lookup_keys = { month = "pro_monthly", year = "pro_yearly" }'
ALTERNATIVES = 'alternatives = { unused = { pause_days = 60 }, too_expensive = { plan = "pro" } }'


def test_the_shipped_policy_offers_a_pause_and_a_smaller_plan_and_no_withdrawal() -> None:
    assert POLICY.checkout == CheckoutPolicy()
    assert POLICY.cancel.withdrawal_days == 0
    assert POLICY.cancel.alternatives == {
        "unused": RetentionOffer("pause", days=60),
        "too_expensive": RetentionOffer("plan", "pro"),
    }
    assert POLICY.currencies == ("usd",)


def test_withdrawal_is_for_so_many_days_once_it_is_switched_on() -> None:
    assert (
        read_policy(
            SHIPPED.replace("withdrawal = false\n", "withdrawal = true\n")
        ).cancel.withdrawal_days
        == 14
    )


def test_a_plan_is_sold_in_several_currencies() -> None:
    policy = read_policy(SHIPPED.replace(PRO, f"{PRO}\n{CURRENCIES}"))
    assert policy.currencies == ("usd", "eur", "jpy")
    assert policy.lookup_key("pro", "month", "eur") == "pro_eur"
    assert policy.lookup_key("pro", "year", "eur") is None
    assert (
        policy.lookup_key("pro", "month")
        == policy.lookup_key("pro", "month", "usd")
        == "pro_monthly"
    )
    assert policy.lookup_keys("scale", "eur") == policy.lookup_keys("gold") == {}
    assert policy.plan_of([Item("price_1", lookup_key="pro_jpy", quantity=2)]) == ("pro", 2)


@pytest.mark.parametrize(
    ("currency", "amount", "example"),
    [("kwd", 15255, 15260), ("isk", 49050, 49100), ("ugx", 1, 100)],
)
def test_a_price_that_stripe_cannot_charge_is_a_mistake(
    currency: str, amount: int, example: int
) -> None:
    tariff = f'{{ lookup_keys = {{ month = "pro_x" }}, amounts = {{ month = {amount} }} }}'
    found = mistakes(SHIPPED.replace(PRO, f"{PRO}\ncurrencies.{currency} = {tariff}"))
    (mistake,) = found
    assert mistake.startswith(f"plans.pro.currencies.{currency}.amounts: Stripe charges {currency}")
    assert mistake.endswith(f"Example: month = {example}")
    own = SHIPPED.replace('currency = "usd"', f'currency = "{currency}"')
    assert mistakes(own.replace("month = 4900,", f"month = {amount},"))


@pytest.mark.parametrize(
    ("found", "instead", "key"),
    [
        (
            "automatic_tax = false",
            'automatic_tax = "yes"',
            "checkout.automatic_tax: must be true or false",
        ),
        (
            'addresses = "auto"',
            'addresses = "never"',
            "checkout.addresses: must be one of auto, required",
        ),
        ("tax_ids = false", "tax_idz = false", "checkout.tax_idz: no such key"),
        (
            "withdrawal_days = 14",
            "withdrawal_days = 0",
            "cancel.withdrawal_days: must be a whole number from 1 to 60",
        ),
        (ALTERNATIVES, "alternatives = 5", "cancel.alternatives: must be a table"),
        (
            ALTERNATIVES,
            "alternatives = { bored = { pause_days = 60 } }",
            "cancel.alternatives.bored: no such reason",
        ),
        (
            ALTERNATIVES,
            "alternatives = { unused = { pause_days = 0 } }",
            "cancel.alternatives.unused.pause_days: must be a whole number",
        ),
        (
            ALTERNATIVES,
            'alternatives = { unused = { plan = "gold" } }',
            'cancel.alternatives.unused.plan: there is no plan "gold"',
        ),
        (
            ALTERNATIVES,
            'alternatives = { unused = { plan = "pro", coupon = "X" } }',
            "cancel.alternatives.unused: must offer one of",
        ),
        (
            ALTERNATIVES,
            'alternatives = { unused = "X" }',
            "cancel.alternatives.unused: must offer one of",
        ),
        (
            PRO,
            f"{PRO}\ncurrencies = {{ EUR = {{}} }}",
            "plans.pro.currencies: must be tables by currency",
        ),
        (
            PRO,
            f"{PRO}\ncurrencies = {{ eur = {{}} }}",
            "plans.pro.currencies: eur must name a lookup key",
        ),
        (
            PRO,
            f"{PRO}\n{CURRENCIES.replace('pro_eur', 'scale_monthly')}",
            'plans.scale: "scale_monthly" belongs to plan "pro" already',
        ),
    ],
)
def test_a_mistake_is_named(found: str, instead: str, key: str) -> None:
    assert found in SHIPPED
    assert any(mistake.startswith(key) for mistake in mistakes(SHIPPED.replace(found, instead))), (
        mistakes(SHIPPED.replace(found, instead))
    )
