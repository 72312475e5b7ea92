"""A price is raised: its lookup key moves to a new price, and who pays the old one keeps it."""

from typing import Any

import pytest

from chalicelib.domain.billing.decisions import may_change
from tests.fakes.simulated_lifecycles import SimLife
from tests.unit.usecases.billing.test_actions import cancel, change, paying, subscription
from tests.unit.usecases.billing.test_actions_money import preview


def raised() -> SimLife:
    """A customer who pays $49 a month, which has cost $99 for new ones for some days."""
    life = paying()
    life.stage.post(
        "/v1/prices",
        currency="usd",
        unit_amount=9900,
        recurring={"interval": "month"},
        product=subscription(life)["items"]["data"][0]["price"]["product"],
        lookup_key="pro_monthly",
        transfer_lookup_key=True,
    )
    # Any later report of the subscription shows its price without the key.
    life.stage.post(f"/v1/subscriptions/{subscription(life)['id']}", description="Told anew")
    life.hear()
    (item,) = life.account.subscriptions[subscription(life)["id"]].value.items
    assert (item.lookup_key, life.standing.plan) == (None, "pro")
    return life


def item(life: SimLife) -> Any:
    return subscription(life)["items"]["data"][0]


def test_the_same_plan_again_changes_nothing_and_costs_nothing() -> None:
    life = raised()
    billed = len(life.objects("invoice"))
    assert preview(life, "pro").change is None
    change(life, "pro")
    assert (item(life)["price"]["unit_amount"], len(life.objects("invoice"))) == (4900, billed)


def test_a_seat_more_costs_what_the_first_one_does() -> None:
    life = raised()
    told = preview(life, "pro", quantity=2)
    change(life, "pro", quantity=2)
    assert (item(life)["price"]["unit_amount"], item(life)["quantity"]) == (4900, 2)
    newest = max(life.objects("invoice"), key=lambda one: (one["created"], one["number"]))
    assert newest["amount_paid"] == told.due_now < 4900
    assert (life.standing.plan, life.standing.quantity) == ("pro", 2)


def test_another_plan_and_back_is_at_the_price_of_today() -> None:
    life = raised()
    change(life, "scale")
    assert item(life)["price"]["unit_amount"] == 19900
    change(life, "pro")
    assert item(life)["price"]["unit_amount"] == 9900


def test_the_next_customer_pays_the_price_of_today() -> None:
    life = raised()
    change(life, "scale")
    cancel(life, "now")
    life.hear()
    session = life.opens("pro", "month")
    life.completes(session)
    life.returns(session)
    assert item(life)["price"]["unit_amount"] == 9900


@pytest.mark.parametrize("plan", ["pro", "scale"])
def test_beside_an_add_on_the_plan_can_still_be_changed(plan: str) -> None:
    life = raised()
    extra = life.stage.post(
        "/v1/prices",
        currency="usd",
        unit_amount=500,
        recurring={"interval": "month"},
        product_data={"name": "Archive"},
    )
    life.stage.post(f"/v1/subscriptions/{subscription(life)['id']}", items=[{"price": extra["id"]}])
    life.hear()
    assert may_change(life.account, life.services.policy)
    change(life, plan, quantity=3)
    assert (life.standing.plan, life.standing.quantity) == (plan, 3)
    prices = [one["price"]["id"] for one in subscription(life)["items"]["data"]]
    assert extra["id"] in prices
