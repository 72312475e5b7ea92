"""Deliver events of the past: again on demand, and those that were published while a publisher did
not know a new endpoint yet.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.changes.event_feed import (
    FEED_KEPT,
    EventPointer,
    FeedRow,
    segment_after,
    segment_of,
)
from chalicelib.domain.errors import InvalidInput, TooMany
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import Endpoint
from chalicelib.usecases.ports.accounts import FeedStore
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.endpoints import change_endpoint, wake_endpoint
from chalicelib.values import frozen, replace

MOST = 10_000
"""How many events one replay delivers at most: it is done while its caller waits."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""How much earlier than an event, by its own clock, a publisher may have put it into the feed."""


@frozen
class Span:
    """Events from `since` to `until`, both ends included, by their timestamps; of these types, of
    all if there is none.
    """

    since: datetime
    until: datetime
    types: tuple[str, ...] = ()


def replay(endpoint: Endpoint, span: Span, services: Services) -> int:
    """Deliver the events of a span that the endpoint would get, with their ids and bodies, whether
    it had them or not; returns how many. Raises InvalidInput, TooMany, Unavailable.
    """
    if span.until < span.since:
        raise InvalidInput("until must not be before since.", "until")
    now = services.clock.now()
    found = list[Delivery]()
    for pointer, type in past_events(span.since, services):
        if not span.since <= pointer.at <= span.until or not endpoint.wants(type):
            continue
        if span.types and type not in span.types:
            continue
        if len(found) == MOST:
            raise TooMany(
                f"There are more than {MOST} events in that time. Choose a shorter one.", "since"
            )
        key = DeliveryKey(endpoint.id, now, pointer.id)
        found.append(_delivery(key, pointer, type, now))
    services.stores.deliveries.add_many(found)
    if found:
        wake_endpoint(endpoint.id, services)
    return len(found)


def catch_up(endpoint: Endpoint, since: datetime, now: datetime, services: Services) -> None:
    """Deliver the events since an endpoint began to hear that no publisher delivered to it. Raises
    EndpointNotFound, Unavailable.
    """
    for pointer, type in past_events(since, services):
        if pointer.at >= since and endpoint.wants(type):
            key = DeliveryKey(endpoint.id, pointer.at, pointer.id)
            services.stores.deliveries.add(_delivery(key, pointer, type, now))

    def heard(stored: Endpoint) -> Endpoint:
        return replace(stored, hears_from=None) if stored.hears_from == since else stored

    change_endpoint(endpoint.id, heard, services)


def past_events(since: datetime, services: Services) -> Iterator[tuple[EventPointer, str]]:
    """Every published event since a time and its type, in the order of the feed, as far as they
    are kept. Raises Unavailable.
    """
    feed, now = services.stores.feed, services.clock.now()
    first = max(since, now - FEED_KEPT) - CLOCKS_DIFFER
    segment = segment_of(first)
    while segment <= segment_of(now):
        number = _first_since(first, segment, feed)
        while rows := feed.rows(segment, number):
            yield from _events(rows, services)
            number = rows[-1].place.number + 1
        segment = segment_after(segment)


def _events(rows: list[FeedRow], services: Services) -> Iterator[tuple[EventPointer, str]]:
    pointers = [pointer for row in rows for pointer in row.pointers]
    kept = services.stores.timeline.events(pointers) if pointers else {}
    for row in rows:
        for pointer in row.pointers:
            # A row may name an event that another one decided the place of.
            if (event := kept.get(pointer)) and event.place == row.place:
                yield pointer, event.type


def _first_since(moment: datetime, segment: str, feed: FeedStore) -> int:
    """The number of the first row of a segment that was put at that time or later; one more than
    the last one if none was. Rows are in the order of their times.
    """
    last = feed.last(segment)
    low, high = 1, (last.place.number if last else 0) + 1
    while low < high:
        middle = (low + high) // 2
        if feed.rows(segment, middle)[0].at < moment:
            low = middle + 1
        else:
            high = middle
    return low


def _delivery(key: DeliveryKey, pointer: EventPointer, type: str, now: datetime) -> Delivery:
    return Delivery(key, type, pointer.account_id, pointer.at, now, now, version=1)
