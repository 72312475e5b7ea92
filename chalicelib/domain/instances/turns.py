"""When each of many new instances is asked for: at a set rate, so that a policy that gives one to
every customer there is does not ask the provisioner for all of them at once.
"""

from datetime import datetime, timedelta

from chalicelib.values import frozen, replace


@frozen
class InstanceTurns:
    """`next_at` is when the next one may be asked for."""

    next_at: datetime | None = None
    version: int = 0


def next_turn(state: InstanceTurns, a_minute: int, now: datetime) -> tuple[datetime, InstanceTurns]:
    """When one more is asked for, `now` if nobody was before it, and the state after that."""
    at = max(now, state.next_at) if state.next_at else now
    following = at + timedelta(minutes=1) / a_minute
    return at, replace(state, next_at=following, version=state.version + 1)
