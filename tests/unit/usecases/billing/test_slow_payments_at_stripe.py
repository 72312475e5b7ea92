"""The simulated Stripe's own debits, confirmations and schedules, from the request to their end."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.operations import pending
from chalicelib.domain.billing.pending_change import PendingChange
from chalicelib.domain.errors import PaymentFailed
from chalicelib.usecases.billing.pending_changes import pending_changes
from tests.fakes.simulated_lifecycles import DAY, SimLife
from tests.unit.usecases.billing.test_actions import (
    cancel,
    change,
    paid,
    paying,
    subscription,
)
from tests.unit.usecases.billing.test_actions_money import charge, preview

PAYS, COMES_BACK = "000123456789", "000222222227"
SECURE = "4000002760003184"


def later(life: SimLife, days: float) -> SimLife:
    return life.advance(life.place.now.at + timedelta(days=days))


def test_a_charge_by_debit_is_paid_days_later_and_made_once() -> None:
    life = paying().gives_card(PAYS)
    first = charge(life)
    assert first.charged
    assert first.payment
    assert (first.charged.status, first.payment.status) == ("processing", "processing")
    later(life, 1)
    assert charge(life) == first
    later(life, 7)
    last = charge(life)
    assert last.charged
    assert last.charged.status == "paid"
    assert paid(life) == [4900, 1500]
    assert not pending(life.account.errands)


def test_a_charge_whose_debit_comes_back_has_failed_and_owes_nothing() -> None:
    life = paying().gives_card(COMES_BACK)
    first = charge(life)
    assert first.charged
    later(life, 8)
    for _ in range(2):
        with pytest.raises(PaymentFailed):
            charge(life)
    assert life.stage.get(f"/v1/invoices/{first.charged.invoice}")["status"] == "void"
    assert paid(life) == [4900]


def test_an_upgrade_by_debit_is_made_at_once_and_paid_days_later() -> None:
    life = paying().gives_card(PAYS)
    told = preview(life, "scale")
    outcome = change(life, "scale", key="key-1")
    assert (outcome.standing.plan, outcome.standing.access) == ("scale", "full")
    assert outcome.payment
    assert outcome.payment.status == "processing"
    life.hear()
    later(life, 7)
    assert change(life, "scale", key="key-1").payment is None
    assert paid(life) == [4900, told.due_now]


def test_an_upgrade_is_made_when_the_customer_has_confirmed_it_and_costs_what_was_shown() -> None:
    life = paying().gives_card(SECURE)
    told = preview(life, "scale")
    outcome = change(life, "scale", key="key-1")
    assert outcome.payment
    assert (outcome.payment.status, outcome.standing.plan) == ("requires_action", "pro")
    life.hear()
    life.minutes(30)
    assert life.standing.access == "full"
    life.stage.post(f"/v1/invoices/{outcome.payment.invoice}/pay", off_session=False)
    life.hear()
    done = change(life, "scale", key="key-1")
    assert (done.payment, done.standing.plan) == (None, "scale")
    assert paid(life) == [4900, told.due_now]


def test_an_upgrade_that_nobody_confirms_is_dropped_and_costs_no_access() -> None:
    life = paying().gives_card(SECURE)
    change(life, "scale", key="key-1")
    life.hear()
    later(life, 3)
    with pytest.raises(PaymentFailed):
        change(life, "scale", key="key-1")
    assert (life.standing.plan, life.stands()) == ("pro", ("full", "active"))
    assert paid(life) == [4900]


def scheduled(life: SimLife) -> Any:
    """The owner's team has planned a larger plan for the next period."""
    one = subscription(life)
    made = life.stage.post("/v1/subscription_schedules", from_subscription=one["id"])
    now = made["phases"][0]
    items = [{"price": now["items"][0]["price"], "quantity": 1}]
    current = {"start_date": now["start_date"], "end_date": now["end_date"], "items": items}
    following = {"items": [{"price": life.stage.price("scale_monthly"), "quantity": 1}]}
    life.stage.post(f"/v1/subscription_schedules/{made['id']}", phases=[current, following])
    life.hear()
    life.minutes(1)
    return made


def test_a_subscription_with_a_planned_change_is_canceled_for_the_end_of_its_period() -> None:
    life = paying()
    made = scheduled(life)
    assert cancel(life).standing.reason == "canceling"
    path = f"/v1/subscription_schedules/{made['id']}"
    assert life.stage.get(path)["status"] == "released"
    life.hear()
    life.advance(life.place.now.at + 40 * DAY)
    assert life.stands() == ("none", "canceled")
    assert paid(life) == [4900]


def test_what_is_planned_is_shown_and_costs_one_call_at_stripe() -> None:
    life = paying()
    made = scheduled(life)
    one = life.account.subscriptions[subscription(life)["id"]].value
    assert one.schedule == made["id"]
    calls = len(life.stage.api.calls)
    shown = pending_changes(life.account, life.services)
    assert one.period_end
    assert shown == {one.id: PendingChange(one.period_end, "scale", 1)}
    assert len(life.stage.api.calls) == calls + 1
    life.fault("503", 9, method="GET")
    assert not pending_changes(life.account, life.services)


def test_a_change_of_plan_wins_over_what_was_planned() -> None:
    life = paying()
    scheduled(life)
    assert change(life, "pro", quantity=3).standing.quantity == 3
    life.hear()
    life.advance(life.place.now.at + 40 * DAY)
    assert (life.standing.plan, life.standing.quantity) == ("pro", 3)
