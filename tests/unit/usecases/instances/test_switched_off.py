"""`[instance]` is taken out of billing.toml, and put back later."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.usecases.instances.order import order_instance
from chalicelib.usecases.schedule.replan import replan
from tests.unit.usecases.instances.owner import (
    ACCEPTED,
    ACCOUNT,
    DAY,
    DOWN,
    HOUR,
    INSTANCES,
    Owner,
)


@pytest.fixture
def owner() -> Owner:
    return Owner()


def switch(owner: Owner, *, on: bool) -> None:
    """A deployment with another billing.toml, and what each minute does after it."""
    policy = owner.place.policy
    number = int(policy.hash) if policy.hash.isdigit() else 0
    instance = INSTANCES if on else None
    owner.place.policy = replace(policy, instance=instance, hash=str(number + 1))
    while replan(owner.services):
        pass
    owner.sweep()


@pytest.mark.parametrize("answer", [DOWN, ACCEPTED])
@pytest.mark.parametrize("off", [2 * HOUR, 40 * DAY])
def test_what_was_under_way_begins_anew_and_nobody_is_told_that_it_stalled(
    owner: Owner, answer: object, off: timedelta
) -> None:
    owner.provisioner.answer = lambda told: answer  # type: ignore[assignment, return-value]
    owner.grant(99 * DAY)
    owner.passes(timedelta(minutes=20))
    before = owner.provisioner.asked[:]
    switch(owner, on=False)
    owner.passes(off)
    assert owner.provisioner.asked == before
    owner.provisioner.answer = None
    switch(owner, on=True)
    owner.passes(timedelta(minutes=1))
    assert owner.instance.status == "ready"
    assert {one.request_id for one in owner.provisioner.asked} == {before[0].request_id}
    assert owner.events() == ["instance.ready"]
    assert owner.place.metrics["InstancesStalled"] == 0


def test_what_fails_for_a_whole_deadline_after_that_has_stalled(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(99 * DAY)
    owner.passes(timedelta(minutes=20))
    switch(owner, on=False)
    owner.passes(DAY)
    switch(owner, on=True)
    owner.passes(timedelta(minutes=59))
    assert owner.events() == []
    owner.passes(timedelta(minutes=2))
    assert owner.events() == ["instance.stalled"]
    assert owner.place.metrics["InstancesStalled"] == 1


def test_what_had_stalled_before_stays_so_and_is_told_once(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(99 * DAY)
    owner.passes(2 * HOUR)
    asked = len(owner.provisioner.asked)
    switch(owner, on=False)
    owner.passes(DAY)
    switch(owner, on=True)
    owner.passes(DAY)
    assert owner.events() == ["instance.stalled"]
    assert len(owner.provisioner.asked) == asked
    owner.provisioner.answer = None
    order_instance(ACCOUNT, "retry", owner.services)
    owner.passes(timedelta(minutes=1))
    assert owner.instance.status == "ready"


def test_a_short_time_without_it_moves_no_deadline(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(99 * DAY)
    owner.passes(timedelta(minutes=20))
    switch(owner, on=False)
    owner.passes(timedelta(minutes=30))
    switch(owner, on=True)
    owner.passes(timedelta(minutes=11))
    assert owner.events() == ["instance.stalled"]


def test_who_lost_access_meanwhile_gets_no_instance_that_is_used_by_nobody(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(DAY)
    owner.passes(timedelta(minutes=20))
    switch(owner, on=False)
    owner.passes(90 * DAY)
    owner.provisioner.answer = None
    switch(owner, on=True)
    owner.passes(2 * DAY)
    assert owner.provisioner.has.get(ACCOUNT) in (None, "suspended")
    assert "instance.stalled" not in owner.events()
