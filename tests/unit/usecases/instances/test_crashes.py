"""Billhook ends at any call of an instance's life, with or without the reply: in the end there is
one instance, as it is wanted.
"""

import pytest

from tests.fakes.faults import Crash, OutsideCalls
from tests.unit.usecases.instances.owner import DAY, HOUR, Owner


def live(owner: Owner, calls: OutsideCalls | None = None) -> None:
    """A customer who is there, gone, there again, and gone for good."""
    services = calls.watch(owner.services) if calls else owner.services
    for access, then in ((2 * DAY, 4 * DAY), (3 * DAY, 40 * DAY)):
        owner.grant(access)
        try:
            owner.passes(then, services)
        except Crash:  # another run begins, and finds what this one left
            services = owner.services
            owner.passes(then)
    owner.passes(HOUR)


def number_of_calls() -> int:
    calls = OutsideCalls()
    live(Owner(), calls)
    return len(calls.made)


CALLS = number_of_calls()


def test_a_life_has_the_calls_that_the_grid_ends_at() -> None:
    assert CALLS > 40


@pytest.mark.parametrize("reply_lost", [True, False])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_one_instance_is_left_as_it_is_wanted(at: int, reply_lost: bool) -> None:
    owner = Owner()
    live(owner, OutsideCalls(crash_at=at, reply_lost=reply_lost))
    assert owner.instance.status == "deleted"
    assert owner.provisioner.has == {}
    assert owner.provisioner.made == {"acc_1": 1}
    assert owner.events() == [
        "instance.ready",
        "instance.suspended",
        "instance.resumed",
        "instance.suspended",
        "instance.deleted",
    ]
