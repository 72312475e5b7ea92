"""The currency that a customer is billed in: for charges, changes of plan and purchases."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.account.parts.checkout import Order
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.billing.selling import keys_for
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.policy import Policy, Tariff
from chalicelib.usecases.billing.checkout import open_checkout
from local.stripe_sim.lifecycle.engine import CataloguePrice
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import SimLife, returns
from tests.fakes.stripe.answers import StripeAnswers
from tests.unit.usecases.billing.test_actions import cancel, change, paid, subscription
from tests.unit.usecases.billing.test_actions_money import charge, preview

EUR = {"pro_monthly": 4500, "scale_monthly": 18900}


def offering(life: SimLife, currency: str = "eur", **amounts: int) -> SimLife:
    """The usual prices offer another currency too."""
    for key, amount in (amounts or EUR).items():
        option = {currency: {"unit_amount": amount}}
        life.stage.post(f"/v1/prices/{life.stage.price(key)}", currency_options=option)
    return life


def billed_in(currency: str, policy: Policy = QUIET, **amounts: int) -> SimLife:
    """A customer whom the owner's team subscribed in another currency than the price's own."""
    life = offering(SimLife(policy), currency, **amounts)
    ours = {"account_id": "acc_other_currency"}
    customer = life.stage.post("/v1/customers", email="ada@example.com", metadata=ours)["id"]
    life.stage.gives(customer, "tok_visa")
    life.stage.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": life.stage.price("pro_monthly")}],
        currency=currency,
        metadata=ours,
    )
    life.account_id = "acc_other_currency"
    life.hear()
    return life


def in_two(policy: Policy, currency: str = "eur") -> Policy:
    """The policy with separate prices in another currency."""
    plans = {
        id: replace(plan, currencies={currency: Tariff({"month": f"{id}_{currency}"})})
        for id, plan in policy.plans.items()
    }
    return replace(policy, plans=plans)


@pytest.mark.parametrize("bill", ["now", "next_invoice"])
def test_a_charge_is_in_the_currency_of_the_subscription_and_not_of_its_price(bill: str) -> None:
    life = billed_in("eur")
    assert subscription(life)["items"]["data"][0]["price"]["currency"] == "usd"
    with pytest.raises(InvalidInput, match="currency must be eur") as caught:
        charge(life, bill=bill, currency="usd")
    assert caught.value.field == "currency"
    outcome = charge(life, bill=bill, currency="eur")
    assert outcome.charged
    assert outcome.charged.charge.currency == "eur"


def test_a_charge_of_who_has_left_is_in_the_currency_that_stripe_bills_the_customer_in() -> None:
    life = billed_in("eur")
    cancel(life, "now")
    life.hear()
    with pytest.raises(InvalidInput, match="currency must be eur"):
        charge(life, currency="usd")
    outcome = charge(life, currency="eur")
    assert outcome.charged
    assert outcome.charged.status == "paid"


AMOUNTS = [
    ("kwd", 15_250, True),
    ("kwd", 15_255, False),
    ("bhd", 1, False),
    ("tnd", 10, True),
    ("isk", 500, True),
    ("isk", 550, False),
    ("ugx", 1, False),
    ("jpy", 1, True),
]


@pytest.mark.parametrize(("currency", "amount", "allowed"), AMOUNTS)
def test_an_amount_is_one_that_stripe_charges_in_the_currency(
    currency: str, amount: int, allowed: bool
) -> None:
    life = billed_in(currency, pro_monthly=5000)
    calls = len(life.stage.api.calls)
    if allowed:
        outcome = charge(life, amount, "next_invoice", currency=currency)
        assert outcome.charged
        assert outcome.charged.charge.amount == amount
    else:
        with pytest.raises(InvalidInput) as caught:
            charge(life, amount, "next_invoice", currency=currency)
        assert caught.value.field == "amount"
        assert len(life.stage.api.calls) == calls


def test_a_plan_is_changed_within_the_currency_by_the_options_of_the_price() -> None:
    life = billed_in("eur")
    told = preview(life, "scale")
    assert told.currency == "eur"
    assert change(life, "scale").standing.plan == "scale"
    assert subscription(life)["currency"] == "eur"
    assert subscription(life)["items"]["data"][0]["price"]["lookup_key"] == "scale_monthly"


def test_a_plan_is_changed_within_the_currency_by_its_separate_price() -> None:
    life = billed_in("eur", in_two(QUIET), pro_monthly=4500)
    life.stage.engine.register((CataloguePrice("scale", "S", "scale_eur", "month", 18900, "eur"),))
    assert change(life, "scale").standing.plan == "scale"
    assert subscription(life)["items"]["data"][0]["price"]["lookup_key"] == "scale_eur"


@pytest.mark.parametrize("act", [change, preview])
def test_a_plan_that_has_no_price_in_the_currency_is_named_and_nothing_changes(act: Any) -> None:
    life = billed_in("eur", pro_monthly=4500)
    with pytest.raises(InvalidInput, match="not sold in eur") as caught:
        act(life, "scale")
    assert caught.value.field == "plan"
    assert subscription(life)["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"


def buying(life: SimLife, **request: Any) -> dict[str, str]:
    """The parameters with which the customer's Checkout is created."""
    answers = StripeAnswers(life.stage)
    open_checkout(life.account_id, PurchaseRequest(**request), returns, life.services)
    return next(
        pairs
        for method, path, pairs in answers.asked
        if path == "/v1/checkout/sessions" and method == "POST"
    )


def left(life: SimLife) -> SimLife:
    cancel(life, "now")
    life.hear()
    return life


def test_who_comes_back_buys_in_the_same_currency_by_the_options_of_the_price() -> None:
    life = left(billed_in("eur"))
    sent = buying(life, plan="scale")
    assert sent["currency"] == "eur"
    assert sent["line_items[0][price]"] == life.stage.price("scale_monthly")
    assert life.account.checkout
    assert life.account.checkout.order == Order("subscription", "scale", "month", 1, "eur")


def test_who_comes_back_buys_in_the_same_currency_by_the_separate_price() -> None:
    life = billed_in("eur", in_two(QUIET), pro_monthly=4500)
    life.stage.engine.register((CataloguePrice("scale", "S", "scale_eur", "month", 18900, "eur"),))
    sent = buying(left(life), plan="scale")
    assert sent["line_items[0][price]"] == life.stage.price("scale_eur")
    assert "currency" not in sent, "the price has it by itself"


def test_a_plan_without_a_price_in_the_customers_currency_cannot_be_bought() -> None:
    life = left(billed_in("eur", pro_monthly=4500))
    with pytest.raises(InvalidInput, match="not sold in eur") as caught:
        buying(life, plan="scale")
    assert caught.value.field == "plan"
    assert buying(life, plan="pro")["currency"] == "eur"


def test_another_currency_than_the_customers_is_refused() -> None:
    life = left(billed_in("eur"))
    with pytest.raises(InvalidInput) as caught:
        buying(life, plan="scale", currency="usd")
    assert caught.value.field == "currency"


def test_who_has_not_been_billed_yet_buys_what_billing_toml_sells() -> None:
    assert keys_for(in_two(QUIET), "pro", "eur") == {"month": "pro_eur"}
    assert keys_for(QUIET, "pro", "eur") == QUIET.plans["pro"].lookup_keys
    assert keys_for(QUIET, "gold", "eur") == {}


@pytest.mark.parametrize("quantity", [None, 1, 7])
def test_a_metered_price_is_sent_without_a_quantity(quantity: int | None) -> None:
    life = billed_in("usd", pro_monthly=4900)
    answers = StripeAnswers(life.stage)

    def metered(page: Any, request: Any) -> Any:
        data = [
            one | {"recurring": one["recurring"] | {"usage_type": "metered"}}
            for one in page["data"]
        ]
        return page | {"data": data}

    answers.change("GET", "/v1/prices", metered)
    change(life, "scale", quantity=quantity)
    (sent,) = [pairs for _, _, pairs in answers.asked if "payment_behavior" in pairs]
    assert not [name for name in sent if "quantity" in name]


def test_a_purchase_of_a_metered_price_has_no_quantity_and_another_has_one() -> None:
    life = left(billed_in("usd", pro_monthly=4900))
    assert buying(life, plan="pro", quantity=3)["line_items[0][quantity]"] == "3"
    life = left(billed_in("usd", pro_monthly=4900))
    StripeAnswers(life.stage).change(
        "GET",
        "/v1/prices",
        lambda page, request: (
            page
            | {"data": [one | {"recurring": {"usage_type": "metered"}} for one in page["data"]]}
        ),
    )
    assert "line_items[0][quantity]" not in buying(life, plan="pro", quantity=3)


def test_what_was_paid_was_paid_in_the_customers_currency() -> None:
    life = billed_in("eur")
    assert paid(life) == [4500]
