"""The feed of all domain events: its places, what a reader's cursor says, and when a segment ends.

The feed is a list without holes, cut into segments of a week. A row of it names the events that
were published together. Each row is put behind the last one if nobody else was faster, so whoever
has read a row will never find another one before it.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.errors import CursorExpired, InvalidInput
from chalicelib.values import frozen

FEED_KEPT = timedelta(days=30)
"""How long an event can be read."""

WRITERS_HAVE = timedelta(seconds=15)
"""How long after its row was put a publisher may begin to put the events that the row names. Then
it puts a new row.
"""

UNDECIDED_FOR = timedelta(seconds=90)
"""How old a row is before its missing events are passed over: nobody will put them any more. That
is WRITERS_HAVE, the longest call to DynamoDB with its retries (40 seconds), and what clocks differ
by. Until then a reader waits before them.
"""

WEEK = timedelta(days=7)
HOUR = 3600
"""Seconds."""


@dataclass(frozen=True, slots=True, order=True)
class FeedPlace:
    """Where a row is: the segment (its Monday, as `2026-03-02`), and its number there, from 1."""

    segment: str
    number: int


@frozen
class EventPointer:
    """Where a domain event is kept: on the timeline of this account, by its time and its id."""

    account_id: str
    at: datetime
    id: str


@frozen
class FeedRow:
    """The events that were published together, at the time `at` by the publisher's clock. One
    without events is the last of its segment.
    """

    place: FeedPlace
    at: datetime
    pointers: tuple[EventPointer, ...] = ()

    @property
    def ends_segment(self) -> bool:
        """Whether the segment is closed with it."""
        return not self.pointers


@frozen
class KeptEvent:
    """A domain event as it was first published: its place in the feed, its type, its document."""

    place: FeedPlace
    type: str
    document: str


@frozen
class Cursor:
    """How far a reader is: all rows up to `after`, and `taken` events of the next one."""

    after: FeedPlace
    taken: int = 0


@frozen
class Query:
    """What a reader wants: events of these types, of this account; all where there is none."""

    types: tuple[str, ...] = ()
    account_id: str | None = None

    @property
    def digest(self) -> str:
        """What a cursor keeps of the query."""
        text = json.dumps([sorted(set(self.types)), self.account_id])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def before(place: FeedPlace) -> FeedPlace:
    """The place before this one in its segment; with number 0 there is none."""
    return FeedPlace(place.segment, place.number - 1)


def segment_of(moment: datetime) -> str:
    """The segment to which rows are added at that time."""
    day = moment.astimezone(UTC).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def segment_after(segment: str) -> str:
    """The segment of the week after, by its Monday in ISO form."""
    return (date.fromisoformat(segment) + WEEK).isoformat()


def oldest(now: datetime) -> Cursor:
    """The cursor before everything that is kept."""
    return Cursor(FeedPlace(segment_of(now - FEED_KEPT), 0))


def behind(cursor: Cursor, rows: Sequence[FeedRow]) -> list[FeedRow]:
    """Those of the rows that are behind the cursor."""
    return [row for row in rows if row.place > cursor.after]


def is_cut_off(cursor: Cursor, rows: Sequence[FeedRow], now: datetime) -> bool:
    """Whether events behind the cursor are kept no more. `rows` are those from the cursor's own row
    on. Before the first row of a segment is the oldest place that there is.
    """
    if not cursor.after.number:
        return False
    if not rows or rows[0].place != cursor.after:
        return True
    following = behind(cursor, rows)
    return bool(following) and following[0].at < now - FEED_KEPT - timedelta(seconds=HOUR)


def wants_account(query: Query, pointer: EventPointer) -> bool:
    """Whether the query wants events of the account that a pointer leads to."""
    return query.account_id in (None, pointer.id.partition(".")[0])


def wants_type(query: Query, event: KeptEvent) -> bool:
    """Whether the query wants events of this type."""
    return not query.types or event.type in query.types


def write_cursor(cursor: Cursor, query: Query, now: datetime) -> str:
    """The text of a cursor that is given at that time. It goes on with the same query only. Within
    an hour the same cursor has the same text.
    """
    place, hour = cursor.after, int(now.timestamp()) // HOUR
    values = [place.segment, place.number, cursor.taken, hour, query.digest]
    text = json.dumps(values, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, query: Query, now: datetime) -> Cursor:
    """The cursor in a text. Raises InvalidInput if `write_cursor` did not write it for this query,
    CursorExpired if it was given more than FEED_KEPT ago.
    """
    try:
        raw = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        segment, number, taken, hour, digest = raw
        cursor = Cursor(FeedPlace(_segment(segment), int(number)), int(taken))
        given = datetime.fromtimestamp(int(hour) * HOUR, UTC)
    except (ValueError, TypeError, OverflowError, RecursionError, OSError) as error:
        raise InvalidInput("cursor must come from an answer of this call.", "cursor") from error
    if digest != query.digest or write_cursor(cursor, query, given) != text:
        raise InvalidInput(
            "cursor must come from an answer to the same query: the same types and account_id.",
            "cursor",
        )
    if now - given > FEED_KEPT + timedelta(seconds=HOUR):
        raise expired(query, now)
    return cursor


def expired(query: Query, now: datetime) -> CursorExpired:
    """The error for a cursor behind which events are missing."""
    return CursorExpired(
        f"cursor is older than {FEED_KEPT.days} days, so events after it are kept no more. Go on"
        " from `oldest`, and read the accounts anew that you keep.",
        oldest=write_cursor(oldest(now), query, now),
    )


def _segment(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("not a segment")
    return segment_of(datetime.fromisoformat(f"{value}T00:00:00Z"))
