"""Another signup of an address is confirmed, and its trial begins at Stripe in place of the first:
one trial in the end, wherever anything fails.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.facts import CardSaved
from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.state import Account
from chalicelib.usecases.accounts.record import record_proof
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from tests.fakes.faults import crashing_after
from tests.fakes.grids import grid
from tests.fakes.simulated_lifecycles import BEGIN, DAY, WISH, SimLife, crashes

STRANGER = replace(WISH, plan="scale", name="Eve", email="ada+eve@example.com")
FAULTS = ("timeout_before", "timeout_after", "402", "429", "500", "500_after", "503")
CALLS = 60
"""More than any use case makes."""


def signed_up_twice(first: Any = STRANGER, day: float = 3) -> SimLife:
    life = SimLife()
    life.sign_up(first)
    life.days(day)
    assert life.sign_up().what == "known"
    return life


def press(life: SimLife, number: int = 2) -> None:
    pressed(life, life.account, number)


def pressed(life: SimLife, account: Account, number: int) -> None:
    link = link_to(account, "billing", life.place.now.at)
    record_proof(account, link, number, life.services)


def running(life: SimLife) -> list[Any]:
    return [one for one in life.objects("subscription") if one["status"] != "canceled"]


def begun_anew(life: SimLife, pressed_on: float) -> None:
    """One customer with Ada's words, one trial of her plan, and both sides of one mind about it."""
    (trial,) = running(life)
    customer = life.only("customer")
    assert (customer["email"], customer["name"]) == (WISH.email, WISH.name)
    assert trial["status"] == "trialing"
    assert trial["items"]["data"][0]["price"]["lookup_key"] == "pro_monthly"
    assert trial["trial_end"] == int((BEGIN + pressed_on * DAY + 14 * DAY).timestamp())
    assert life.stands() == ("full", "trialing")
    assert (life.standing.plan, life.account.email) == ("pro", WISH.email)


@pytest.mark.parametrize("day", [0.2, 3, 20])
@pytest.mark.parametrize("plan", ["pro", "scale"])
def test_the_trial_at_stripe_is_moved_or_begun_anew(day: float, plan: str) -> None:
    life = signed_up_twice(replace(STRANGER, plan=plan), day)
    press(life)
    assert len(running(life)) == 1
    life.days(day + 1)
    begun_anew(life, day)
    is_moved = plan == "pro" and day < 14
    assert len(life.objects("subscription")) == (1 if is_moved else 2)
    life.days(day + 14.1)
    assert life.stands()[0] == "none"


@pytest.mark.parametrize("day", [3, 20])
def test_with_stripe_down_the_trial_is_on_all_the_same(day: int) -> None:
    life = signed_up_twice(day=day).fault("timeout_before", 20)
    press(life)
    assert life.stands() == ("full", "trial_starting")
    life.days(day + 2)
    begun_anew(life, day)


@pytest.mark.parametrize(("how", "times"), grid(FAULTS, [1, 3]))
def test_whatever_stripe_answers_there_is_one_trial_in_the_end(how: str, times: int) -> None:
    life = signed_up_twice().fault(how, times, "/v1/subscriptions")
    press(life)
    life.days(6)
    begun_anew(life, 3)


@pytest.mark.parametrize("reply_lost", [True, False])
def test_wherever_a_press_ends_nothing_is_lost_and_nothing_is_twice(reply_lost: bool) -> None:
    for n in range(1, CALLS):
        life = signed_up_twice()
        life.calls = crashing_after(n, reply_lost=reply_lost)
        if not crashes(lambda life=life: press(life)):  # type: ignore[misc]
            assert n > 3
            return
        life.calls.crash_at = None
        press(life)
        life.days(5)
        begun_anew(life, 3)
    raise AssertionError("a press makes more calls than that")


def test_a_first_signup_that_may_still_be_under_way_at_stripe_is_waited_for() -> None:
    life = SimLife().fault("500_after", 2, "/v1/subscriptions")
    life.sign_up(STRANGER)
    life.sign_up()
    assert len(life.objects("subscription")) == 1
    press(life)
    assert life.stands() == ("full", "trial_starting")
    assert len(running(life)) == 1, "nothing is asked of Stripe yet"
    life.days(1)
    begun_anew(life, 0)


def test_a_first_customer_that_stripe_created_without_an_answer_is_found() -> None:
    life = SimLife().fault("timeout_after", 2, "/v1/customers")
    life.sign_up(STRANGER)
    life.sign_up()
    assert life.account.customers == {}
    press(life)
    life.days(1)
    begun_anew(life, 0)


def test_what_was_bought_meanwhile_is_left_alone() -> None:
    life = signed_up_twice().fault("timeout_before", 20)
    press(life)
    life.stage.api.faults.clear()
    life.gives_card()
    apply_facts(life.account, [CardSaved("pm_1", life.place.now.at)], life.services, None)
    life.minutes(30)
    assert [one["status"] for one in life.objects("subscription")] == ["trialing"]
    assert life.only("subscription")["items"]["data"][0]["price"]["lookup_key"] == "scale_monthly"


def test_a_link_pressed_twice_at_once_begins_one_trial() -> None:
    life = signed_up_twice()
    before = life.account
    pressed(life, before, 2)
    pressed(life, before, 1)
    life.days(4)
    begun_anew(life, 3)


def test_the_first_signups_trial_is_whole_when_others_signed_up_too() -> None:
    life = SimLife()
    life.sign_up()
    life.days(20)
    assert life.stands() == ("none", "paused")
    life.sign_up(STRANGER)
    press(life, 1)
    life.minutes(5)
    begun_anew(life, 20)
    life.advance(BEGIN + timedelta(days=40))
    assert life.stands()[0] == "none"
