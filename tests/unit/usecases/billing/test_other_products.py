"""A customer who has another product of the same Stripe account too: every action is on ours, and
the other goes on as it is.
"""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.errors import SubscriptionEnded
from local.stripe_sim.lifecycle.engine import CataloguePrice
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife
from tests.fakes.stripe.answers import StripeAnswers
from tests.unit.usecases.billing.test_actions import cancel, change, extend, paying, reactivate
from tests.unit.usecases.billing.test_actions_money import charge, discount
from tests.unit.usecases.billing.test_checkout import on_trial

DECLINES = "4000000000000341"


def with_other(life: SimLife) -> str:
    """The customer buys another product; gives the id of its subscription, the newer one."""
    life.minutes(5)
    life.stage.engine.register((CataloguePrice("books", "Books", "books", "month", 900, "usd"),))
    customer = life.only("customer")["id"]
    made = life.stage.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": life.stage.price("books")}],
        collection_method="send_invoice",
        days_until_due=60,
    )
    life.hear()
    life.minutes(1)
    return str(made["id"])


def ours(life: SimLife, other: str) -> Any:
    return next(one for one in life.objects("subscription") if one["id"] != other)


ACTIONS: dict[str, Callable[[SimLife], Any]] = {
    "cancel now": lambda life: cancel(life, "now"),
    "cancel": cancel,
    "plan": lambda life: change(life, "scale"),
    "seats": lambda life: change(life, "pro", quantity=4),
    "charge": lambda life: charge(life),
    "charge later": lambda life: charge(life, bill="next_invoice"),
    "discount": lambda life: discount(life, "LOYAL20"),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_on_our_subscription_and_the_other_goes_on(name: str) -> None:
    life = paying()
    life.stage.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    other = with_other(life)
    before = life.stage.get(f"/v1/subscriptions/{other}")
    answers = StripeAnswers(life.stage)
    ACTIONS[name](life)
    assert life.stage.get(f"/v1/subscriptions/{other}") == before
    assert not [path for path in answers.paths("POST") + answers.paths("DELETE") if other in path]
    items = [one for one in life.objects("invoiceitem") if one["description"] != "x"]
    assert all(other not in str(one["parent"]) for one in items)


def test_ending_ours_ends_access_while_the_other_is_active() -> None:
    life = paying()
    other = with_other(life)
    assert cancel(life, "now").standing.access == "none"
    assert ours(life, other)["status"] == "canceled"
    assert life.stage.status(other) == "active"
    with pytest.raises(SubscriptionEnded):
        change(life, "scale")
    assert reactivate(life).action == "checkout"
    assert life.only("checkout.session")["mode"] == "subscription"


def test_a_saved_card_pays_ours_and_leaves_the_others_payment_method_and_invoices() -> None:
    life = paying()
    other = with_other(life)
    life.gives_card(DECLINES)
    life.days(50)
    owed = {one["id"] for one in life.objects("invoice") if one["status"] == "open"}
    assert len(owed) >= 2
    answers = StripeAnswers(life.stage)
    session = life.opens()
    life.completes(session)
    assert life.returns(session) == "card_saved"
    paid = {path.split("/")[3] for path in answers.paths("POST") if path.endswith("/pay")}
    details = {
        one["id"]: one["parent"]["subscription_details"]["subscription"]
        for one in life.objects("invoice")
        if one["id"] in paid
    }
    assert set(details.values()) == {ours(life, other)["id"]}
    assert not [path for path in answers.paths("POST") if path.startswith("/v1/subscriptions")]


def test_a_trial_is_extended_beside_another_product() -> None:
    life = on_trial().gives_card()
    other = with_other(life)
    before = life.stage.get(f"/v1/subscriptions/{other}")
    assert extend(life, BEGIN + 30 * DAY).standing.until == BEGIN + 30 * DAY
    assert life.stage.get(f"/v1/subscriptions/{other}") == before


def test_another_product_is_no_trial_of_ours() -> None:
    """A signup whose trial Stripe may have started under an older key: what is found there counts
    only if it is ours.
    """
    life = SimLife().fault("500", 1, "/v1/subscriptions")
    life.sign_up()
    with_other(life)
    life.minutes(60)
    trials = [one for one in life.objects("subscription") if one["status"] == "trialing"]
    assert len(trials) == 1
    assert life.stands() == ("full", "trialing")
