"""What Checkout asks for and in which currency it sells: as billing.toml says."""

from dataclasses import replace

import pytest

from chalicelib.domain.account.parts.checkout import Order
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.checkout_rules import order_of
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.errors import InvalidInput, NotPossible
from chalicelib.domain.policy.policy import CheckoutPolicy, Plan, Policy, Tariff
from local.stripe_sim.lifecycle.engine import CataloguePrice
from tests.fakes.services import QUIET
from tests.fakes.simulated_lifecycles import WISH, SimLife
from tests.unit.usecases.billing.test_actions import change, paid, reactivate, subscription
from tests.unit.usecases.billing.test_actions_money import charge
from tests.unit.usecases.billing.test_checkout import alive

ASKING = CheckoutPolicy(
    automatic_tax=True, tax_ids=True, addresses="required", promotion_codes=True
)
EURO = {
    "pro": Tariff({"month": "pro_eur"}, {"month": 4500}),
    "scale": Tariff({"month": "scale_eur"}, {"month": 18000}),
}
IN_EURO_TOO = replace(
    QUIET,
    plans={id: replace(plan, currencies={"eur": EURO[id]}) for id, plan in QUIET.plans.items()},
)


def customer(policy: Policy, currency: str | None = None) -> SimLife:
    life = SimLife(policy)
    euro = [
        CataloguePrice(id, id, f"{id}_eur", "month", tariff.amounts["month"], "eur")
        for id, tariff in EURO.items()
    ]
    life.stage.engine.register(tuple(euro))
    life.sign_up(replace(WISH, currency=currency))
    life.hear()
    return life


def asked(life: SimLife, path: str) -> set[tuple[str, str]]:
    """The parameters of the last call there."""
    return set(
        next(
            call
            for call in reversed(life.stage.api.calls)
            if call.method == "POST" and call.path.startswith(path)
        ).pairs
    )


def gone(life: SimLife) -> SimLife:
    life.stage.call("DELETE", f"/v1/subscriptions/{subscription(life)['id']}")
    life.hear()
    return life


def test_a_purchase_asks_for_what_the_policy_says() -> None:
    life = gone(customer(replace(QUIET, checkout=ASKING)))
    life.opens("pro")
    assert asked(life, "/v1/checkout/sessions") >= {
        ("automatic_tax[enabled]", "true"),
        ("customer_update[address]", "auto"),
        ("customer_update[name]", "auto"),
        ("tax_id_collection[enabled]", "true"),
        ("billing_address_collection", "required"),
        ("allow_promotion_codes", "true"),
    }


def test_as_shipped_it_asks_for_nothing_more() -> None:
    life = gone(customer(QUIET))
    life.opens("pro")
    names = {name.partition("[")[0] for name, _ in asked(life, "/v1/checkout/sessions")}
    assert not names & {
        "automatic_tax",
        "customer_update",
        "tax_id_collection",
        "billing_address_collection",
        "allow_promotion_codes",
    }


def test_a_trial_is_taxed_from_the_card_on() -> None:
    life = customer(replace(QUIET, checkout=ASKING))
    session = life.opens()
    assert ("billing_address_collection", "required") in asked(life, "/v1/checkout/sessions")
    life.completes(session).returns(session)
    assert subscription(life)["automatic_tax"]["enabled"]
    life.days(15)
    assert paid(life) == [4900]


def test_a_customer_in_another_currency_stays_in_it() -> None:
    life = customer(IN_EURO_TOO, "eur").gives_card()
    life.days(20)
    assert (life.standing.plan, paid(life)) == ("pro", [4500])
    change(life, "scale", prorate="next_invoice")
    assert subscription(life)["items"]["data"][0]["price"]["lookup_key"] == "scale_eur"
    with pytest.raises(InvalidInput) as refusal:
        change(life, "scale", "year")
    assert refusal.value.field == "interval"
    with pytest.raises(InvalidInput):
        charge(life, currency="usd")
    assert charge(life, currency="eur").charged
    life.completes(session := str(reactivate(gone(life)).url).rpartition("/")[2]).returns(session)
    assert (alive(life), subscription(life)["currency"]) == (["active"], "eur")


def test_a_purchase_may_name_a_currency_that_is_sold_until_something_was_billed() -> None:
    nobody = Account("acc_1")
    assert order_of(nobody, IN_EURO_TOO, PurchaseRequest("pro", currency="eur")) == Order(
        "subscription", "pro", "month", 1, "eur"
    )
    assert order_of(nobody, IN_EURO_TOO, PurchaseRequest("pro", currency="usd")) == order_of(
        nobody, IN_EURO_TOO, PurchaseRequest("pro")
    )
    billed = gone(customer(IN_EURO_TOO)).account
    for account, currency in ((nobody, "chf"), (billed, "eur")):
        with pytest.raises(InvalidInput) as refusal:
            order_of(account, IN_EURO_TOO, PurchaseRequest("pro", currency=currency))
        assert refusal.value.field == "currency"


def test_a_plan_that_is_not_sold_is_refused_by_its_name_with_an_interval_too() -> None:
    free = Plan("free", "Free", ("projects",), {})
    policy = replace(QUIET, plans={**QUIET.plans, "free": free})
    for interval in (None, "year"):
        with pytest.raises(InvalidInput, match="The plan free is not sold") as refusal:
            order_of(Account("acc_1"), policy, PurchaseRequest("free", interval))
        assert refusal.value.field == "plan"


def test_who_names_no_plan_is_sold_one_that_billing_toml_still_sells() -> None:
    free = Plan("free", "Free", ("projects",), {})
    pro, scale = QUIET.plans["pro"], QUIET.plans["scale"]
    left = gone(customer(QUIET)).account
    for plans in (
        {"free": free, "scale": scale},
        {"free": free, "scale": scale, "pro": replace(pro, lookup_keys={})},
    ):
        policy = replace(QUIET, plans=plans)
        for account in (left, Account("acc_2")):
            assert order_of(account, policy, PurchaseRequest()).plan == "scale"
    assert order_of(
        left, replace(QUIET, plans={"scale": scale, "pro": pro}), PurchaseRequest()
    ) == (Order("subscription", "pro", "month", 1))


def test_the_plan_that_remains_after_a_trial_is_left_by_paying_and_not_by_a_change() -> None:
    free = Plan("free", "Free", ("projects",), {})
    policy = replace(
        QUIET, plans={"free": free, **QUIET.plans}, trial=replace(QUIET.trial, after_trial="free")
    )
    life = customer(policy).days(20)
    assert (life.standing.access, life.standing.reason, life.standing.plan) == (
        "full",
        "after_trial",
        "free",
    )
    with pytest.raises(NotPossible):
        change(life, "scale")
    life.gives_card()
    assert reactivate(life).action == "resumed"
    assert (life.standing.plan, paid(life)) == ("pro", [4900])
    with pytest.raises(InvalidInput) as refusal:
        change(life, "free")
    assert refusal.value.field == "plan", "what is not sold cannot be changed to: cancel instead"
    assert change(life, "scale").standing.plan == "scale"
