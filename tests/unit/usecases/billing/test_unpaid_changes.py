"""A greater plan that a payment does not reach: it gives what was paid for before the change."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.account.rules.joining import absorb
from chalicelib.domain.account.state import Account
from chalicelib.pages.customer import billing_view
from chalicelib.stripe_api.objects import invoice
from tests.fakes.simulated_lifecycles import DAY, SimLife
from tests.unit.usecases.billing.test_actions import DECLINES, change, paid, paying, subscription

PAYS, COMES_BACK = "000123456789", "000222222227"


def plan(life: SimLife) -> tuple[str | None, int | None]:
    return life.standing.plan, life.standing.quantity


def shown_price(life: SimLife) -> str:
    """The price on the customer's page."""
    return str(billing_view(life.account, life.policy, life.place.now.at, None, "en")["price"])


def later(life: SimLife, days: float) -> SimLife:
    return life.advance(life.place.now.at + days * DAY)


def upgraded(bank_account: str, to: str = "scale", **more: Any) -> SimLife:
    """A customer of Pro, paid by card, who takes a greater plan by a debit."""
    life = paying().gives_card(bank_account)
    change(life, to, **more)
    life.hear()
    return life


@pytest.mark.parametrize(("to", "interval"), [("scale", "month"), ("pro", "year")])
def test_a_greater_plan_whose_debit_comes_back_gives_the_old_plan_over_the_grace(
    to: str, interval: str
) -> None:
    life = upgraded(COMES_BACK, to, interval=interval, quantity=40)
    assert plan(life) == (to, 40), "a debit under way counts as paid"
    later(life, 6)
    assert (plan(life), life.stands()) == (("pro", 1), ("full", "past_due_grace"))
    assert life.standing.features == life.policy.features("pro")
    assert shown_price(life) == "", "the price at Stripe is that of the greater plan"
    assert subscription(life)["items"]["data"][0]["quantity"] == 40
    later(life, 8)
    assert (plan(life), life.stands()) == (("pro", 1), ("limited", "past_due"))


def test_more_seats_whose_debit_comes_back_are_no_more_seats() -> None:
    life = paying().gives_card(COMES_BACK)
    change(life, "pro", quantity=7)
    life.hear()
    assert plan(life) == ("pro", 7)
    later(life, 6)
    assert plan(life) == ("pro", 1)


def test_a_greater_plan_is_there_as_soon_as_its_debit_is_paid() -> None:
    life = upgraded(PAYS)
    later(life, 6)
    assert (plan(life), life.stands()) == (("scale", 1), ("full", "active"))
    assert shown_price(life) == "$199.00 a month"


def test_where_the_policy_says_so_a_change_waits_for_its_debit() -> None:
    life = paying().gives_card(PAYS)
    access = replace(life.policy.access, debit_changes="when_paid")
    life.policy = replace(life.policy, access=access)
    change(life, "scale", quantity=9)
    life.hear()
    assert (plan(life), life.stands()) == (("pro", 1), ("full", "active"))
    later(life, 6)
    assert (plan(life), life.stands()) == (("scale", 9), ("full", "active"))
    life.gives_card()
    change(life, "scale", quantity=12)
    life.hear()
    assert plan(life) == ("scale", 12), "a card pays at once"


def test_after_one_debit_came_back_the_next_change_waits_a_year_long_for_its_money() -> None:
    life = upgraded(COMES_BACK, quantity=3)
    later(life, 6)
    life.gives_card()
    pays_the_open_invoice(life)
    assert plan(life) == ("scale", 3)
    later(life, 30)
    life.gives_card(PAYS)
    change(life, "scale", quantity=9)
    life.hear()
    assert (plan(life), life.stands()) == (("scale", 3), ("full", "active"))
    later(life, 6)
    assert plan(life) == ("scale", 9), "the debit is paid"
    later(life, 366)
    change(life, "scale", quantity=20)
    life.hear()
    assert plan(life) == ("scale", 20), "nothing came back for a year"


def pays_the_open_invoice(life: SimLife) -> None:
    (open_one,) = [one for one in life.objects("invoice") if one["status"] == "open"]
    life.stage.call("POST", f"/v1/invoices/{open_one['id']}/pay")
    life.hear()


def test_a_change_in_the_dashboard_that_a_card_does_not_pay_gives_the_old_plan() -> None:
    life = paying().gives_card(DECLINES)
    item = subscription(life)["items"]["data"][0]
    life.stage.post(
        f"/v1/subscriptions/{subscription(life)['id']}",
        items=[{"id": item["id"], "price": life.stage.price("scale_monthly"), "quantity": 5}],
        proration_behavior="always_invoice",
    )
    life.hear()
    assert (plan(life), life.stands()) == (("pro", 1), ("full", "past_due_grace"))
    life.gives_card()
    pays_the_open_invoice(life)
    assert plan(life) == ("scale", 5)
    assert len(paid(life)) == 2


def test_what_is_smaller_than_before_the_change_stays_smaller() -> None:
    life = upgraded(COMES_BACK)
    later(life, 6)
    item = subscription(life)["items"]["data"][0]
    life.stage.post(
        f"/v1/subscriptions/{subscription(life)['id']}",
        items=[{"id": item["id"], "price": life.stage.price("pro_monthly"), "quantity": 1}],
        proration_behavior="none",
    )
    life.hear()
    assert plan(life) == ("pro", 1)


def test_an_invoice_without_lines_gives_the_plan_of_before_the_change_that_was_seen() -> None:
    life = paying().gives_card(COMES_BACK)
    life.order = lambda events: [without_lines(one) for one in events]
    change(life, "scale")
    later(life, 6)
    unpaid = [one.value for one in life.account.invoices.values() if one.value.status == "open"]
    assert [one.changed_from for one in unpaid] == [()]
    assert plan(life) == ("pro", 1)


def without_lines(event: Any) -> Any:
    carried = event["data"]["object"]
    if carried["object"] != "invoice":
        return event
    bare = {name: value for name, value in carried.items() if name != "lines"}
    return event | {"data": event["data"] | {"object": bare}}


LINES: dict[str, dict[str, Any]] = {
    "since basil": {
        "parent": {"subscription_item_details": {"proration": True}},
        "pricing": {"price_details": {"price": "price_1", "product": "prod_1"}},
    },
    "before basil": {
        "proration": True,
        "price": {"id": "price_1", "product": "prod_1", "lookup_key": "pro_monthly"},
    },
    "of plans": {"proration": True, "plan": {"id": "price_1", "product": "prod_1"}},
}
INVOICE = {
    "id": "in_1",
    "customer": "cus_1",
    "status": "open",
    "created": 1,
    "billing_reason": "subscription_update",
}


@pytest.mark.parametrize("shape", LINES)
def test_what_a_change_credits_is_read_in_every_shape(shape: str) -> None:
    lines = [
        LINES[shape] | {"amount": -4900, "quantity": 3},
        LINES[shape] | {"amount": 19900, "quantity": 1},
        {"amount": -500, "quantity": 1, "description": "A discount"},
    ]
    (item,) = invoice(INVOICE | {"lines": {"data": lines}}).changed_from
    assert (item.price, item.product, item.quantity) == ("price_1", "prod_1", 3)
    paid_one = INVOICE | {"status": "paid", "lines": {"data": lines}}
    assert invoice(paid_one).changed_from == ()
    renewal = INVOICE | {"billing_reason": "subscription_cycle", "lines": {"data": lines}}
    assert invoice(renewal).changed_from == ()


def test_of_two_accounts_that_become_one_the_later_debit_that_came_back_counts() -> None:
    life = upgraded(COMES_BACK)
    later(life, 6)
    failed_at = life.account.debit_failed_at
    assert failed_at
    apart = replace(Account("acc_1"), debit_failed_at=failed_at - 9 * DAY)
    assert absorb(life.account, apart).debit_failed_at == failed_at
    assert absorb(Account("acc_2"), apart).debit_failed_at == apart.debit_failed_at
