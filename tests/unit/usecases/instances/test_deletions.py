"""No more than so many instances are deleted by themselves on one day, and nothing without need."""

from datetime import timedelta

import pytest

from chalicelib.domain.instances.deletions import (
    A_DAY,
    InstanceDeletions,
    allowing,
    counting,
    one_more,
)
from chalicelib.usecases.instances.deletions import allow
from tests.unit.usecases.instances.owner import DAY, HOUR, Owner

ACCOUNTS = [f"acc_{number}" for number in range(30)]


def deleted(owner: Owner) -> int:
    accounts = [owner.place.accounts.load(id) for id in ACCOUNTS]
    return sum(one.instance.status == "deleted" for one in accounts)


@pytest.fixture
def leaving() -> Owner:
    """An owner of thirty customers whose access ended together, a minute before it is too long."""
    owner = Owner()
    for id in ACCOUNTS:
        owner.grant(2 * DAY, id)
    owner.passes(32 * DAY - HOUR)
    assert deleted(owner) == 0
    return owner


def test_the_others_wait_for_a_person_or_the_next_day(leaving: Owner) -> None:
    leaving.passes(5 * HOUR)
    assert deleted(leaving) == A_DAY
    assert leaving.place.metrics["InstanceDeletionsHeld"] >= len(ACCOUNTS) - A_DAY
    leaving.passes(DAY)
    assert deleted(leaving) == len(ACCOUNTS)


def test_a_person_lets_more_go(leaving: Owner) -> None:
    leaving.passes(2 * HOUR)
    allow(100, leaving.services)
    leaving.passes(HOUR)
    assert deleted(leaving) == len(ACCOUNTS)


def test_who_has_access_again_while_it_waits_keeps_the_instance(leaving: Owner) -> None:
    leaving.passes(2 * HOUR)
    kept = [id for id in ACCOUNTS if leaving.place.accounts.load(id).instance.status == "deleting"]
    assert len(kept) == len(ACCOUNTS) - A_DAY
    for id in kept:
        leaving.grant(90 * DAY, id)
    leaving.passes(3 * DAY)
    assert {leaving.place.accounts.load(id).instance.status for id in kept} == {"ready"}
    assert leaving.provisioner.actions().count("delete") == A_DAY


def test_five_in_a_hundred_may_go_where_there_are_many() -> None:
    now = Owner().place.now.at
    state = InstanceDeletions()
    for _ in range(1000):
        state = counting(state, 1)
    for _ in range(50):
        more = one_more(state, now)
        assert more
        state = more
    assert one_more(state, now) is None
    assert one_more(state, now + DAY) is not None
    assert one_more(allowing(state, 51, now), now) is not None
    assert one_more(allowing(state, 51, now), now + DAY) is not None
    assert allowing(state, 60, now).most(now + timedelta(days=1)) == 50
