"""How many instances a day may be deleted by themselves: a mistake in the policy, or access that is
lost for many at once by an error, must not delete them all before somebody looks.
"""

from datetime import datetime, timedelta

from chalicelib.values import frozen, replace

A_DAY = 20
"""How many may be deleted on one day (UTC), however few there are."""

PART = 0.05
"""Which part of all that there are may be deleted on one day, if that is more."""

HELD_FOR = timedelta(hours=1)
"""For how long one over the limit waits before it is looked at again."""


@frozen
class InstanceDeletions:
    """How many deletions began on `day`, without those that an operator ordered, and how many an
    operator has `allowed` for that day. `alive` is about how many instances there are.
    """

    day: str = ""
    begun: int = 0
    allowed: int = 0
    alive: int = 0
    version: int = 0

    def most(self, now: datetime) -> int:
        """How many may be deleted today."""
        allowed = self.allowed if self.day == _day_of(now) else 0
        return max(A_DAY, int(PART * self.alive), allowed)


def one_more(state: InstanceDeletions, now: datetime) -> InstanceDeletions | None:
    """The state with one more deletion begun now; None if there are enough today."""
    today = _of_today(state, now)
    if today.begun >= today.most(now):
        return None
    return replace(today, begun=today.begun + 1, version=state.version + 1)


def allowing(state: InstanceDeletions, number: int, now: datetime) -> InstanceDeletions:
    """The state with so many deletions allowed today."""
    return replace(_of_today(state, now), allowed=number, version=state.version + 1)


def counting(state: InstanceDeletions, change: int) -> InstanceDeletions:
    """The state with more or fewer instances."""
    return replace(state, alive=max(0, state.alive + change), version=state.version + 1)


def _of_today(state: InstanceDeletions, now: datetime) -> InstanceDeletions:
    day = _day_of(now)
    return state if state.day == day else replace(state, day=day, begun=0, allowed=0)


def _day_of(now: datetime) -> str:
    return now.date().isoformat()
