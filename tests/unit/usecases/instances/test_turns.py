"""Customers that there were before get their instances at a set rate, and new ones at once."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.lifecycle import was_there
from chalicelib.domain.instances.shown import shown_instance
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.usecases.instances.order import order_instance
from chalicelib.usecases.schedule.replan import replan
from tests.unit.usecases.instances.owner import DAY, DOWN, HOUR, INSTANCES, Owner

MINUTE = timedelta(minutes=1)


def switched_on(customers: int, a_minute: int = 10, access: timedelta = 300 * DAY) -> Owner:
    """An owner with customers who have access, and `[instance]` in the policy only now."""
    owner = Owner()
    before = owner.place.policy
    owner.place.policy = replace(before, instance=None)
    for number in range(1, customers + 1):
        owner.grant(access, f"acc_{number}")
    instances = replace(INSTANCES, existing_a_minute=a_minute, suspend_after=HOUR)
    owner.place.policy = replace(before, hash="with instances", instance=instances)
    replan(owner.services)
    return owner


def minutes(owner: Owner, number: int) -> None:
    """Time passes, with a sweep each minute, as in a stage."""
    for _ in range(number):
        owner.sweep()
        owner.place.now.at += MINUTE


def calls_a_minute(owner: Owner) -> Counter[str]:
    return Counter(f"{one.at:%H:%M}" for one in owner.provisioner.asked)


def test_instances_of_customers_that_there_were_come_at_the_policys_rate() -> None:
    owner = switched_on(120, a_minute=10)
    minutes(owner, 20)
    assert len(owner.provisioner.made) == 120
    assert max(calls_a_minute(owner).values()) <= 10
    assert len(calls_a_minute(owner)) == 13, "the first at once, and the last after twelve minutes"


def test_the_first_is_asked_for_at_once_and_few_do_not_wait_long() -> None:
    owner = switched_on(5, a_minute=10)
    owner.sweep()
    assert len(owner.provisioner.made) == 1
    owner.passes(MINUTE)
    assert len(owner.provisioner.made) == 5


def test_a_new_customer_waits_for_nobody() -> None:
    owner = switched_on(60, a_minute=1)
    owner.sweep()
    owner.grant(DAY, "acc_new")
    owner.settle()
    assert "acc_new" in owner.provisioner.made
    assert len(owner.provisioner.made) == 2


def test_who_has_lost_access_for_long_when_the_turn_comes_is_not_asked_for() -> None:
    owner = switched_on(100, a_minute=1, access=10 * MINUTE)
    owner.passes(3 * HOUR)
    assert 60 < len(owner.provisioner.made) < 80, "suspended an hour after the access ended"
    owner.grant(DAY, "acc_100")
    owner.settle()
    assert "acc_100" in owner.provisioner.made, "who comes back does not wait again"


def test_a_deadline_counts_from_the_turn() -> None:
    owner = switched_on(120, a_minute=1)
    owner.passes(110 * MINUTE)
    assert "instance.stalled" not in owner.events()
    owner.passes(20 * MINUTE)
    assert len(owner.provisioner.made) == 120


def test_a_provisioner_that_is_down_is_asked_again_as_always() -> None:
    owner = switched_on(2)
    owner.provisioner.answer = lambda told: DOWN
    owner.passes(10 * MINUTE)
    owner.provisioner.answer = None
    owner.passes(HOUR)
    assert owner.provisioner.made == {"acc_1": 1, "acc_2": 1}


def test_an_operator_brings_one_forward() -> None:
    owner = switched_on(60, a_minute=1)
    owner.sweep()
    order_instance("acc_50", "retry", owner.services)
    owner.passes(MINUTE)
    assert "acc_50" in owner.provisioner.made


def test_a_change_of_the_policy_in_between_gives_no_new_turns() -> None:
    owner = switched_on(30, a_minute=10)
    minutes(owner, 1)
    owner.place.policy = replace(owner.place.policy, hash="another")
    replan(owner.services)
    minutes(owner, 10)
    assert sum(owner.provisioner.made.values()) == 30
    assert max(calls_a_minute(owner).values()) <= 10


def test_the_page_of_who_waits_for_a_turn_looks_once_a_minute() -> None:
    owner = switched_on(60, a_minute=1)
    owner.sweep()
    account = owner.place.accounts.load("acc_60")
    assert account
    shown = shown_instance(account, owner.place.policy, owner.place.now.at)
    assert shown
    assert (shown.phase, shown.look_after) == ("making", MINUTE)


@pytest.mark.parametrize(("age", "waits"), [(timedelta(days=30), True), (MINUTE, False)])
def test_imported_customers_take_turns_and_those_who_have_just_come_do_not(
    age: timedelta, waits: bool
) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    new = Account("acc_1", history_until=now)
    sold = Subscription("sub_1", "cus_1", "active", now - age)
    known = replace(new, subscriptions={"sub_1": Tracked(sold, now)})
    assert was_there(new, known) is waits
    assert not was_there(replace(new, version=1), known), "it had no access until now"
