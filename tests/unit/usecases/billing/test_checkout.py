"""Checkout: one customer, one subscription, whoever clicks how often, wherever it ends and whatever
Stripe answers.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from chalicelib.domain.account.parts.checkout import Checkout, Order, merge_checkout
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.errors import (
    AccountNotFound,
    AlreadySubscribed,
    InvalidInput,
    Refused,
    Unavailable,
)
from chalicelib.usecases.billing.checkout import RETURNS as NOTICES
from chalicelib.usecases.billing.checkout import finish_checkout, open_checkout, open_portal
from tests.fakes.faults import crashing_after
from tests.fakes.grids import grid
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife, crashes, returns
from tests.unit.usecases.billing.test_start_trial import CALLS, FAULTS


def on_trial() -> SimLife:
    life = SimLife()
    life.sign_up()
    life.hear()
    return life


def gone() -> SimLife:
    """A customer whose subscription has ended."""
    life = on_trial()
    life.stage.call("DELETE", f"/v1/subscriptions/{life.only('subscription')['id']}")
    life.hear()
    return life


def alive(life: SimLife) -> list[str]:
    return [
        one["status"]
        for one in life.objects("subscription")
        if one["status"] not in {"canceled", "incomplete_expired"}
    ]


def open_sessions(life: SimLife) -> int:
    return sum(one["status"] == "open" for one in life.objects("checkout.session"))


def test_a_card_given_in_the_trial_becomes_the_default_and_the_trial_converts() -> None:
    life = on_trial()
    session = life.opens()
    assert life.only("checkout.session")["mode"] == "setup"
    life.completes(session)
    assert life.only("customer")["invoice_settings"]["default_payment_method"] is None, (
        "Stripe has only attached it"
    )
    assert life.returns(session) == "card_saved"
    assert life.only("customer")["invoice_settings"]["default_payment_method"]
    life.days(15)
    assert life.stands() == ("full", "active")
    assert alive(life) == ["active"]


def test_a_browser_that_never_comes_back_changes_nothing_about_that() -> None:
    life = on_trial()
    life.completes(life.opens()).hear()
    life.minutes(5)
    assert life.account.errands[f"card:{life.only('checkout.session')['id']}"].done_at
    assert life.only("customer")["invoice_settings"]["default_payment_method"]
    life.days(15)
    assert life.stands() == ("full", "active")


@pytest.mark.parametrize("heard", [True, False])
def test_a_card_of_a_customer_who_was_deleted_since_is_not_tried_for_ever(heard: bool) -> None:
    life = on_trial()
    life.completes(life.opens()).hear()
    life.stage.call("DELETE", f"/v1/customers/{life.only('customer')['id']}")
    life.heard = life.heard if heard else len(life.stage.engine.store.events)
    life.days(20)
    assert all(operation.done_at for operation in life.account.errands.values())


def test_a_browser_that_is_back_before_the_events_is_told_the_truth() -> None:
    """24."""
    life = gone()
    session = life.opens("scale")
    life.completes(session)
    assert life.stands() == ("none", "canceled")
    assert life.returns(session) == "subscribed"
    assert life.stands() == ("full", "active")
    assert life.standing.plan == "scale"
    with pytest.raises(AlreadySubscribed):
        life.opens()


def test_a_double_click_and_a_second_tab_get_the_same_session() -> None:
    """25."""
    life = gone()
    assert life.opens("pro") == life.opens("pro") == life.opens()
    assert len(life.objects("checkout.session")) == 1


def test_a_second_tab_with_another_plan_closes_the_first() -> None:
    """25."""
    life = gone()
    first, second = life.opens("pro"), life.opens("scale")
    assert first != second
    assert open_sessions(life) == 1
    with pytest.raises(Exception, match="expired"):
        life.completes(first)
    assert life.completes(second).returns(second) == "subscribed"
    assert alive(life) == ["active"]


def test_a_second_click_after_the_purchase_sells_nothing_even_with_every_event_lost() -> None:
    """13."""
    life = gone()
    life.completes(life.opens("pro"))
    with pytest.raises(AlreadySubscribed):
        life.opens("pro")
    assert alive(life) == ["active"]


def test_who_paid_during_the_trial_is_paid_and_is_sold_nothing_more() -> None:
    """22."""
    life = on_trial().gives_card()
    with pytest.raises(AlreadySubscribed):
        life.opens()
    life.stage.post(f"/v1/subscriptions/{life.only('subscription')['id']}", trial_end="now")
    life.hear()
    assert life.stands() == ("full", "active")
    with pytest.raises(AlreadySubscribed):
        life.opens()


def test_an_expired_session_is_not_given_out_again() -> None:
    """26."""
    life = gone()
    first = life.opens("pro")
    life.days(2)
    second = life.opens("pro")
    assert second != first
    assert {one["id"]: one["status"] for one in life.objects("checkout.session")} == {
        first: "expired",
        second: "open",
    }


def test_an_abandoned_purchase_does_not_stand_in_the_way_of_the_next_nor_end_it() -> None:
    """27."""
    life = gone()
    life.minutes(1)
    customer = life.only("customer")["id"]
    price = life.stage.price("pro_monthly")
    life.stage.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": price}],
        payment_behavior="default_incomplete",
    )
    life.hear()
    assert life.stands() == ("none", "payment_incomplete")
    life.completes(session := life.opens("scale"))
    assert life.returns(session) == "subscribed"
    life.days(3)
    assert sorted(one["status"] for one in life.objects("subscription")) == [
        "active",
        "canceled",
        "incomplete_expired",
    ]
    assert life.stands() == ("full", "active")
    assert life.standing.plan == "scale"


def test_a_trial_that_paused_is_resumed_by_a_card_and_paid() -> None:
    life = on_trial().days(20)
    assert life.stands() == ("none", "paused")
    life.completes(session := life.opens())
    assert life.returns(session) == "card_saved"
    assert life.stands() == ("full", "active")
    assert alive(life) == ["active"]
    assert [one["status"] for one in life.objects("invoice")] == ["paid", "paid"]


def test_a_past_due_customer_reaches_the_card_page_and_is_mended_at_once() -> None:
    """32."""
    life = on_trial().gives_card()
    life.days(20)
    life.gives_card("4000000000000341")
    life.days(50)
    assert life.standing.status == "past_due"
    life.completes(session := life.opens())
    life.returns(session)
    life.hear()
    assert life.stands() == ("full", "active")


def test_a_card_that_is_declined_later_leaves_the_debt_and_says_so() -> None:
    life = on_trial().days(20)
    life.completes(session := life.opens(), "4000000000000341")
    assert life.returns(session) == "card_saved"
    life.hear()
    assert life.stands() == ("none", "paused")


def test_an_older_card_never_takes_the_place_of_a_younger_one() -> None:
    life = on_trial()
    first = life.opens()
    life.completes(first, "tok_visa")
    waiting = life.stage.engine.store.events[-1]
    life.heard = len(life.stage.engine.store.events)
    life.minutes(10)
    life.stage.call(
        "POST", f"/v1/customers/{life.only('customer')['id']}", {"metadata": {"x": "y"}}
    )
    life.returns(first)
    young = life.only("customer")["invoice_settings"]["default_payment_method"]
    life.gives_card("tok_mastercard")
    portal = life.only("customer")["invoice_settings"]["default_payment_method"]
    assert portal != young
    life.heard = life.stage.engine.store.events.index(waiting)
    life.hear()
    life.minutes(10)
    assert life.only("customer")["invoice_settings"]["default_payment_method"] == portal, (
        "the repeated event of the first card changed nothing"
    )


@pytest.mark.parametrize(
    ("how", "path", "times"), grid(FAULTS, ["/v1/checkout/sessions", "/v1/customers"], [1, 3])
)
def test_whatever_stripe_answers_at_opening_one_purchase_is_made(
    how: str, path: str, times: int
) -> None:
    life = gone().fault(how, times, path)
    session = ""
    for _ in range(6):
        try:
            session = life.opens("pro")
        except (Unavailable, Refused):
            life.minutes(5)
        else:
            break
    assert session
    assert open_sessions(life) == 1, "no stranger is left open beside it"
    life.completes(session).returns(session)
    life.days(2)
    assert alive(life) == ["active"]
    assert len(life.objects("customer")) == 1


@pytest.mark.parametrize(
    ("how", "path"), grid(FAULTS, ["/v1/customers", "/v1/subscriptions", "/v1/invoices"])
)
def test_whatever_stripe_answers_at_coming_back_the_card_is_used_once(how: str, path: str) -> None:
    life = on_trial().days(20)
    life.completes(session := life.opens())
    life.fault(how, 2, path)
    assert life.returns(session) in NOTICES
    life.advance(life.place.now.at + DAY)
    assert life.stands() == ("full", "active")
    assert alive(life) == ["active"]
    charged = [one for one in life.objects("charge") if one["paid"]]
    assert len(charged) == 1


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_opening_ends_the_next_try_leads_to_one_purchase(reply_lost: bool) -> None:
    for n in range(1, CALLS):
        life = gone()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        if not crashes(lambda life=life: life.opens("pro")):  # type: ignore[misc]
            assert n > 2
            return
        life.calls.crash_at = None
        session = life.opens("pro")
        assert open_sessions(life) == 1
        life.completes(session).returns(session)
        assert alive(life) == ["active"]
        assert len(life.objects("customer")) == 1
    raise AssertionError("opening makes more calls than that")


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_coming_back_ends_the_card_is_used_and_charged_once(reply_lost: bool) -> None:
    for n in range(1, CALLS):
        life = on_trial().days(20)
        life.completes(session := life.opens())
        life.calls = crashing_after(n, reply_lost=reply_lost)
        if not crashes(partial(life.returns, session)):
            assert n > 4
            return
        life.calls.crash_at = None
        life.hear()
        life.advance(life.place.now.at + timedelta(hours=6))
        assert life.stands() == ("full", "active"), n
        assert alive(life) == ["active"]
        assert len([one for one in life.objects("charge") if one["paid"]]) == 1
    raise AssertionError("coming back makes more calls than that")


def test_a_customer_that_was_deleted_at_stripe_comes_back_as_a_new_one() -> None:
    life = on_trial()
    life.stage.call("DELETE", f"/v1/customers/{life.only('customer')['id']}")
    life.hear()
    assert life.stands() == ("none", "customer_deleted")
    life.completes(session := life.opens("pro"))
    life.returns(session)
    assert life.stands() == ("full", "active")
    assert sum(not one.get("deleted") for one in life.objects("customer")) == 1


def test_a_session_of_another_account_is_refused() -> None:
    mallory = gone()
    session = mallory.opens("pro")
    other = gone()
    other.stage.engine.store.objects["checkout.session"] = dict(
        mallory.stage.engine.store.objects["checkout.session"]
    )
    with pytest.raises(AccountNotFound):
        finish_checkout(other.account_id, session, other.services)
    with pytest.raises(AccountNotFound):
        finish_checkout(other.account_id, "cs_test_nothing", other.services)


def test_what_is_not_sold_is_refused_by_name() -> None:
    life = gone()
    for plan, interval, field in (("gold", None, "plan"), ("pro", "week", "interval")):
        with pytest.raises(InvalidInput) as refusal:
            open_checkout(life.account_id, PurchaseRequest(plan, interval), returns, life.services)
        assert refusal.value.field == field
    assert life.objects("checkout.session") == []


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (PurchaseRequest("scale"), "plan"),
        (PurchaseRequest("pro", "year"), "interval"),
        (PurchaseRequest(quantity=3), "quantity"),
    ],
)
@pytest.mark.parametrize("days", [0, 15], ids=["on trial", "after it"])
def test_no_card_is_taken_for_another_order_than_the_subscription_is(
    order: PurchaseRequest, field: str, days: int
) -> None:
    life = on_trial()
    life.days(days)
    with pytest.raises(AlreadySubscribed) as refusal:
        open_checkout(life.account_id, order, returns, life.services)
    assert refusal.value.field == field
    same = PurchaseRequest("pro", "month", 1, "usd")
    assert open_checkout(life.account_id, same, returns, life.services)
    assert life.only("checkout.session")["mode"] == "setup"


def test_no_card_is_taken_in_another_currency_than_the_subscription_has() -> None:
    life = on_trial()
    with pytest.raises(InvalidInput) as refusal:
        open_checkout(life.account_id, PurchaseRequest(currency="eur"), returns, life.services)
    assert refusal.value.field == "currency"


def test_with_stripe_down_checkout_and_portal_say_so_and_nothing_is_lost() -> None:
    life = SimLife().fault("timeout_before", 100)
    life.sign_up()
    for step in (
        lambda: life.opens(),
        lambda: open_portal(life.account_id, lambda account: "https://b.example", life.services),
    ):
        with pytest.raises(Unavailable):
            step()
    assert life.stands() == ("full", "trial_starting")


def test_checkout_in_the_first_second_starts_the_trial_first() -> None:
    life = SimLife().fault("timeout_before", 2)
    life.sign_up()
    assert life.objects("subscription") == []
    life.completes(session := life.opens())
    assert life.returns(session) == "card_saved"
    life.days(15)
    assert alive(life) == ["active"]
    assert life.stands() == ("full", "active")


def test_a_purchase_that_was_not_completed_can_be_made_for_another_plan() -> None:
    """28."""
    life = gone()
    life.minutes(1)
    customer = life.only("customer")["id"]
    price = life.stage.price("pro_monthly")
    life.stage.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": price}],
        payment_behavior="default_incomplete",
    )
    life.hear()
    life.days(2)
    (expired,) = [
        one for one in life.objects("subscription") if one["status"] == "incomplete_expired"
    ]
    assert expired["canceled_at"]
    assert life.standing.access == "none"
    life.completes(session := life.opens("scale", "month"))
    assert life.returns(session) == "subscribed"
    assert life.standing.plan == "scale"


def test_a_session_that_the_owner_made_for_the_same_customer_is_none_of_our_business() -> None:
    life = on_trial()
    customer = life.only("customer")["id"]
    wanted = {
        "mode": "setup",
        "currency": "usd",
        "customer": customer,
        "success_url": "https://a.example",
        "metadata": {"account_id": life.account_id},
    }
    session = life.stage.post("/v1/checkout/sessions", **wanted)["id"]
    life.completes(session).hear()
    life.minutes(10)
    assert life.only("customer")["invoice_settings"]["default_payment_method"] is None
    with pytest.raises(AccountNotFound):
        life.returns(session)


def test_a_second_click_seconds_after_a_first_that_is_not_answered_yet_gets_the_same_session() -> (
    None
):
    life = gone()
    life.fault("timeout_after", 2, "/v1/checkout/sessions")
    with pytest.raises(Unavailable):
        life.opens("pro")
    life.minutes(2)
    session = life.opens("pro")
    assert [one["id"] for one in life.objects("checkout.session")] == [session]


def test_who_failed_takes_nothing_back_from_who_heard_of_the_same_checkout() -> None:
    begun = Checkout(1, Order("setup"), BEGIN)
    heard, failed = begun.with_session("cs_1", "https://c"), replace(begun, doubtful=True)
    assert merge_checkout(heard, failed) == merge_checkout(failed, heard) == heard
    assert merge_checkout(replace(heard, closed=True), heard).closed
    assert merge_checkout(heard, replace(begun, number=2)).session is None
    assert merge_checkout(replace(begun, number=2), heard).number == 2
