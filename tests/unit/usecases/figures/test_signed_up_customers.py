"""Figures of customers who signed up here, with a simulated Stripe beside them."""

from datetime import timedelta

from chalicelib.usecases.figures.reports import revenue, trials
from tests.fakes.simulated_lifecycles import BEGIN, SimLife, with_end

FIRST = BEGIN.date()


def rows(life: SimLife, last: int) -> list[tuple[int, int, int, int]]:
    """mrr, new, contraction and churn of the days on which something moved."""
    report = revenue(life.place.services, FIRST, FIRST + timedelta(days=last))
    return [
        (day.mrr, day.new, day.contraction, day.churn)
        for of in report.values()
        for day in of.days
        if day.new or day.contraction or day.churn or day.expansion or day.reactivation
    ]


def counted(life: SimLife) -> tuple[int, int, int, int]:
    (week,) = trials(life.place.services, FIRST, FIRST)
    return week.started, week.converted, week.expired, week.running


def test_a_trial_that_is_paid_is_converted_and_new_on_its_last_day() -> None:
    life = SimLife()
    life.sign_up()
    life.days(1)
    assert counted(life) == (1, 0, 0, 1)
    life.gives_card().days(16)
    assert counted(life) == (1, 1, 0, 0)
    assert rows(life, 16) == [(4900, 4900, 0, 0)]
    report = revenue(life.place.services, FIRST, FIRST + timedelta(days=16))
    assert [day.date for day in report["usd"].days if day.new] == [FIRST + timedelta(days=14)]


def test_a_trial_without_a_card_expires_and_brings_in_nothing() -> None:
    life = SimLife()
    life.sign_up()
    life.days(16)
    assert counted(life) == (1, 0, 1, 0)
    assert rows(life, 16) == []


def test_a_trial_that_is_paid_late_is_converted_in_its_own_week() -> None:
    life = SimLife(with_end("cancel"))
    life.sign_up()
    life.days(40)
    session = life.opens("pro", "month")
    life.completes(session).days(41)
    assert counted(life) == (1, 1, 0, 0)


def test_a_discount_comes_off_from_its_day_on_and_a_cancellation_is_churn() -> None:
    life = SimLife()
    life.sign_up()
    life.gives_card().days(20)
    life.stage.post("/v1/coupons", id="fifth", percent_off=20, duration="forever")
    id = life.only("subscription")["id"]
    life.stage.post(f"/v1/subscriptions/{id}", discounts=[{"coupon": "fifth"}])
    life.days(25)
    life.stage.call("DELETE", f"/v1/subscriptions/{id}")
    life.days(30)
    assert rows(life, 30) == [(4900, 4900, 0, 0), (3920, 0, 980, 0), (0, 0, 0, 3920)]


def test_a_deleted_customer_brings_in_nothing_from_that_day_on() -> None:
    life = SimLife()
    life.sign_up()
    life.gives_card().days(20)
    life.stage.call("DELETE", f"/v1/customers/{life.only('customer')['id']}")
    life.days(21)
    assert rows(life, 21)[-1] == (0, 0, 0, 4900)
