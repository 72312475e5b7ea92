"""Subscriptions that a schedule manages: released first, once, and noted on the timeline."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.account.operations import pending
from chalicelib.domain.errors import StripeRefused, Unavailable
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife
from tests.fakes.stripe.answers import Schedule, StripeAnswers, refusal
from tests.unit.usecases.billing.test_actions import (
    cancel,
    change,
    extend,
    paying,
    reactivate,
    subscription,
)
from tests.unit.usecases.billing.test_actions_money import discount
from tests.unit.usecases.billing.test_checkout import alive, on_trial

RELEASE = "/v1/subscription_schedules/sub_sched_1/release"


def scheduled(life: SimLife, **how: Any) -> Schedule:
    return Schedule(StripeAnswers(life.stage), **how)


def released(life: SimLife) -> list[Any]:
    entries = life.place.timeline.entries.values()
    return [entry.data for entry in entries if entry.type == "schedule.released"]


CASES: dict[str, tuple[Callable[[], SimLife], Callable[[SimLife], Any], Callable[[SimLife], bool]]]
CASES = {
    "cancel": (paying, cancel, lambda life: bool(subscription(life)["cancel_at_period_end"])),
    "cancel now": (
        paying,
        lambda life: cancel(life, "now"),
        lambda life: alive(life) == [],
    ),
    "plan": (
        paying,
        lambda life: change(life, "scale"),
        lambda life: life.standing.plan == "scale",
    ),
    "seats": (
        paying,
        lambda life: change(life, "pro", quantity=3),
        lambda life: life.standing.quantity == 3,
    ),
    "trial": (
        on_trial,
        lambda life: extend(life, BEGIN + 30 * DAY),
        lambda life: life.standing.until == BEGIN + 30 * DAY,
    ),
}


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_a_schedule_is_released_before_the_subscription_is_changed(name: str, seen: bool) -> None:
    begin, act, holds = CASES[name]
    life = begin()
    schedule = scheduled(life, seen=seen, refuses=("cancel_at_period_end", "trial_end", "items"))
    act(life)
    assert holds(life)
    # Stripe lets a subscription end at once, and its schedule with it.
    releases = 0 if name == "cancel now" and not seen else 1
    assert schedule.answers.paths("POST").count(RELEASE) == len(released(life)) == releases


def test_a_cancellation_at_the_periods_end_ends_with_the_period_and_the_timeline_says_why() -> None:
    life = paying()
    schedule = scheduled(life)
    outcome = cancel(life)
    assert (outcome.standing.access, outcome.standing.reason) == ("full", "canceling")
    assert not schedule.active
    assert released(life) == [{"schedule": "sub_sched_1", "subscription": subscription(life)["id"]}]


def test_a_schedule_that_nobody_told_of_is_fetched_released_and_the_cancellation_goes_on() -> None:
    life = paying()
    schedule = scheduled(life, seen=False)
    assert cancel(life).standing.reason == "canceling"
    assert not schedule.active
    assert len(released(life)) == 1


@pytest.mark.parametrize("lost", ["release", "change"])
def test_wherever_the_answer_is_lost_the_schedule_is_released_once(lost: str) -> None:
    life = paying()
    schedule = scheduled(life)
    path = RELEASE if lost == "release" else f"/v1/subscriptions/{subscription(life)['id']}"
    failed: list[str] = []

    def lose(request: Any, following: Any) -> Any:
        if request.method != "POST" or request.path != path or failed:
            return None
        failed.append(request.path)
        schedule._rule(request, following) or following(request)
        return 503, refusal("Down.", None, "api_error")

    schedule.answers.rules.append(lose)
    try:
        cancel(life)
    except Unavailable:
        life.minutes(600)
    assert subscription(life)["cancel_at_period_end"]
    assert not pending(life.account.errands)
    assert len(released(life)) == 1


def test_a_schedule_that_was_released_at_that_moment_is_no_obstacle() -> None:
    life = paying()
    schedule = scheduled(life)

    def too_late(request: Any, following: Any) -> Any:
        if request.path != RELEASE:
            return None
        schedule.active = False
        return 400, refusal("You cannot release a schedule that is released.")

    schedule.answers.rules.append(too_late)
    assert cancel(life).standing.reason == "canceling"


def test_a_schedule_that_stripe_does_not_release_is_a_refusal() -> None:
    life = paying()
    schedule = scheduled(life)
    schedule.answers.reply("POST", RELEASE, 400, refusal("Not now.", "odd"))
    with pytest.raises(StripeRefused):
        cancel(life)
    assert not subscription(life)["cancel_at_period_end"]
    assert not pending(life.account.errands)


def test_an_end_that_the_schedule_has_set_goes_with_it_when_the_customer_stays() -> None:
    life = paying()
    end = subscription(life)["items"]["data"][0]["current_period_end"]
    life.stage.post(f"/v1/subscriptions/{subscription(life)['id']}", cancel_at_period_end=True)
    life.hear()
    life.minutes(1)
    schedule = scheduled(life)
    assert reactivate(life).action == "uncanceled"
    assert not schedule.active
    assert end
    assert not subscription(life)["cancel_at_period_end"]


def test_a_coupon_leaves_the_schedule_as_it_is() -> None:
    life = paying()
    life.stage.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    schedule = scheduled(life)
    discount(life, "LOYAL20")
    assert schedule.active


def test_a_refusal_of_another_kind_releases_nothing() -> None:
    life = paying()
    life.stage.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    schedule = scheduled(life)
    path = f"/v1/subscriptions/{subscription(life)['id']}"
    schedule.answers.reply("POST", path, 400, refusal("This coupon cannot be used.", "odd"))
    with pytest.raises(StripeRefused):
        discount(life, "LOYAL20")
    assert schedule.active


def test_a_schedule_of_which_only_its_own_events_tell_is_known_until_it_is_released() -> None:
    life = paying()
    id = subscription(life)["id"]
    schedule = life.stage.post("/v1/subscription_schedules", from_subscription=id)["id"]
    life.hear()
    assert life.account.subscriptions[id].value.schedule == schedule
    life.stage.post(f"/v1/subscription_schedules/{schedule}/release")
    life.hear()
    assert life.account.subscriptions[id].value.schedule is None
    assert life.stands() == ("full", "active")
    assert life.account.asks == ()
