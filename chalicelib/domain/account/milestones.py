"""When a milestone was reached."""

from datetime import datetime, timedelta

from chalicelib.domain.account.facts import MilestoneReached
from chalicelib.domain.errors import InvalidInput

CLOCKS_APART = timedelta(minutes=1)
"""How far ahead of Billhook's clock the product's may be."""


def milestone_reached(
    name: str, at: datetime | None, now: datetime, by: str = ""
) -> MilestoneReached:
    """The fact that a milestone was reached at `at`, by default now; never later than `now`. `by`
    is the people system that reported it. Raises InvalidInput for a time in the future.
    """
    if at is not None and at > now + CLOCKS_APART:
        raise InvalidInput("at must not be in the future.", "at")
    return MilestoneReached(name, min(at or now, now), by)
