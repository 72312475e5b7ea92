"""The feed of domain events: publishers put into it, readers go through it.

A publisher first adds a row that names its events (domain/changes/event_feed.py), then puts each of
them onto its timeline with the place of that row. Only the first put of an event counts, so of
several publishers, and of repeats, one decides where the event is. A row that names an event with
another place is a publisher's that was slower or was interrupted: readers pass that event over.
"""

import random
from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.changes.event_feed import (
    FEED_KEPT,
    UNDECIDED_FOR,
    WRITERS_HAVE,
    Cursor,
    EventPointer,
    FeedPlace,
    FeedRow,
    Query,
    before,
    behind,
    expired,
    is_cut_off,
    oldest,
    read_cursor,
    segment_after,
    segment_of,
    wants_account,
    wants_type,
    write_cursor,
)
from chalicelib.domain.changes.timeline import EventEntry
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.usecases.ports.accounts import FeedStore, TimelineStore
from chalicelib.usecases.services import Services
from chalicelib.values import frozen

TRIES = 100
"""How often a publisher tries to be the next one. Each failure is another one's success."""

A_ROW = 50
"""How many events a row names at most."""

ROWS_OF_A_PAGE = 1000
"""How many rows are looked through for one answer."""


def put_events(events: Sequence[EventEntry], services: Services) -> None:
    """Put domain events into the feed and onto their timelines, in this order. Those that are there
    stay as they are. Raises Unavailable.
    """
    left = list(events)
    while left:
        row = _append([_pointer(one) for one in left[:A_ROW]], services)
        for event in left[:A_ROW]:
            if services.clock.now() - row.at > WRITERS_HAVE:
                break
            is_new = services.stores.timeline.put_event(event, row.place)
            left = left[1:]
            if not is_new and left and _is_behind(event, row.place, services):
                break


def _is_behind(event: EventEntry, place: FeedPlace, services: Services) -> bool:
    """Whether another publisher put the event behind a place: what follows it must not come to that
    place, before it.
    """
    pointer = _pointer(event)
    found = services.stores.timeline.events([pointer]).get(pointer)
    return found is not None and found.place > place


def _append(pointers: Sequence[EventPointer], services: Services) -> FeedRow:
    segment = segment_of(services.clock.now())
    for number in range(TRIES):
        if number:
            longest = 0.005 * 2 ** min(number, 5)
            wait = random.uniform(0, longest)  # noqa: S311  # nosec B311 # it guards nothing
            services.clock.pause(wait)
        last = services.stores.feed.last(segment)
        while last and last.ends_segment:  # a reader's clock is ahead
            segment = segment_after(segment)
            last = services.stores.feed.last(segment)
        place = FeedPlace(segment, last.place.number + 1 if last else 1)
        row = FeedRow(place, services.clock.now(), tuple(pointers))
        try:
            services.stores.feed.append(row)
        except ConcurrentUpdate:
            continue
        return row
    raise Unavailable(f"Other publishers were faster {TRIES} times.")


def _pointer(event: EventEntry) -> EventPointer:
    return EventPointer(event.entry.account_id, event.entry.at, event.entry.id)


@frozen
class FeedPage:
    """Documents of events in the order of the feed, and the cursor behind them."""

    documents: list[str]
    cursor: str


def read_feed(
    cursor: str | None,
    query: Query,
    limit: int,
    feed: FeedStore,
    timeline: TimelineStore,
    now: datetime,
) -> FeedPage:
    """Up to `limit` events behind a cursor, or from the oldest that is kept. There may be none
    although there are more: the cursor is another one then. Raises InvalidInput, CursorExpired,
    Unavailable.
    """
    at = read_cursor(cursor, query, now) if cursor else oldest(now)
    documents: list[str] = []
    looked = 0
    while looked < ROWS_OF_A_PAGE:
        rows = feed.rows(at.after.segment, max(at.after.number, 1))
        if is_cut_off(at, rows, now):
            raise expired(query, now)
        rows = behind(at, rows)
        if not rows and at.after.segment >= segment_of(now):
            break
        if not rows:
            at = _close(at.after, feed, now)
            continue
        looked += len(rows)
        passed = _take(at, rows, query, limit, documents, timeline, now)
        if passed.after < rows[-1].place:
            at = passed
            break
        at = (
            Cursor(FeedPlace(segment_after(at.after.segment), 0))
            if rows[-1].ends_segment
            else passed
        )
    return FeedPage(documents, write_cursor(at, query, now))


def _take(
    at: Cursor,
    rows: Sequence[FeedRow],
    query: Query,
    limit: int,
    documents: list[str],
    timeline: TimelineStore,
    now: datetime,
) -> Cursor:
    """Add the documents of the rows' events, and return how far that went: to the limit, or to an
    event that somebody is putting.
    """
    wanted = [
        (row, number, pointer)
        for row in rows
        for number, pointer in enumerate(row.pointers)
        if (row is not rows[0] or number >= at.taken)
        and wants_account(query, pointer)
        and row.at >= now - FEED_KEPT
    ]
    while wanted:
        some = wanted[: limit - len(documents)]
        kept = timeline.events([pointer for _, _, pointer in some]) if some else {}
        for row, number, pointer in some or wanted[:1]:
            event = kept.get(pointer)
            is_undecided = event is None and row.at > now - UNDECIDED_FOR
            if is_undecided or not some:
                return Cursor(before(row.place), number)
            if event and event.place == row.place and wants_type(query, event):
                documents.append(event.document)
        wanted = wanted[len(some) :]
    return Cursor(rows[-1].place)


def _close(last: FeedPlace, feed: FeedStore, now: datetime) -> Cursor:
    """Go on to the next segment, now that nobody can add to the last one any more. If somebody did
    meanwhile, stay.
    """
    try:
        feed.append(FeedRow(FeedPlace(last.segment, last.number + 1), now))
    except ConcurrentUpdate:
        return Cursor(last)
    return Cursor(FeedPlace(segment_after(last.segment), 0))
