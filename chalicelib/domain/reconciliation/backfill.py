"""The look through the events that Stripe could not deliver: how far it has come.

Stripe lists an event as undelivered from its creation until every endpoint has taken it, so one
look at each is enough, once it is made.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.domain.stripe_objects.pagination import ListCursor

A_CALL = 20
"""Types that Stripe takes in one call (docs.stripe.com/api/events/list)."""

GROUPS = tuple(
    tuple(EVENT_TYPES)[start : start + A_CALL] for start in range(0, len(EVENT_TYPES), A_CALL)
)

KEPT = timedelta(days=30)
"""How far back Stripe lists events."""

OVERLAP = timedelta(minutes=10)
"""How much of what was looked at before is looked at again: Stripe's clock may be behind ours, and
its lists behind its events.
"""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """All that was made until `reached` has been looked at. While a round is under way it looks at
    what was made `since`, group of types by group, the newest first, and will have reached `until`;
    it goes on at `place`. Nothing of a round counts before its end.
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
    """The round once a page is in safe hands; `place` is where the list goes on, None at its end.
    The last page ends the round.
    """
    if place:
        return replace(round, place=place, version=round.version + 1)
    if round.group + 1 < len(GROUPS):
        return replace(round, group=round.group + 1, place=None, version=round.version + 1)
    return Undelivered(reached=round.until, version=round.version + 1)
