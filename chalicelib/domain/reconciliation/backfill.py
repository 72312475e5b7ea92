"""The progress of fetching the events that Stripe could not deliver.

Stripe lists an event as undelivered from its creation until every endpoint has received it, so it
is enough to list each event once.
"""

from datetime import datetime, timedelta

from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.domain.stripe_objects.pagination import ListCursor
from chalicelib.values import frozen, replace

A_CALL = 20
"""How many types one call may name (docs.stripe.com/api/events/list)."""

GROUPS = tuple(
    tuple(EVENT_TYPES)[start : start + A_CALL] for start in range(0, len(EVENT_TYPES), A_CALL)
)

KEPT = timedelta(days=30)
"""How far back Stripe lists events."""

OVERLAP = timedelta(minutes=10)
"""How far a round overlaps with the last one: Stripe's clock may be behind Billhook's, and its
lists behind its events.
"""


@frozen
class Undelivered:
    """All events created until `reached` have been listed. A round lists those created from `since`
    to `until`, one group of types after the other, the newest first; it continues at `place`.
    `reached` changes only at the end of a round.
    """

    reached: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    group: int = 0
    place: ListCursor | None = None
    version: int = 0


def under_way(known: Undelivered | None, now: datetime) -> Undelivered:
    """The round that was interrupted, or a new one; also where the release that began it had other
    groups of types.
    """
    if known and known.until and known.group < len(GROUPS):
        return known
    oldest = now - KEPT
    since = max(known.reached - OVERLAP, oldest) if known and known.reached else oldest
    return Undelivered(
        known.reached if known else None, since, now, version=known.version if known else 0
    )


def after(round: Undelivered, place: ListCursor | None) -> Undelivered:
    """The round once the events of a page are queued. `place` is where the list continues; None at
    its end. The last page ends the round.
    """
    if place:
        return replace(round, place=place, version=round.version + 1)
    if round.group + 1 < len(GROUPS):
        return replace(round, group=round.group + 1, place=None, version=round.version + 1)
    return Undelivered(reached=round.until, version=round.version + 1)
