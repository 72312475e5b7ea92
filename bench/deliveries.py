"""Domain events to many endpoints, in memory: CPU for an event and a delivery, and what DynamoDB
would bill, by the sizes of the items.

    python -m bench.deliveries [--events 100000] [--endpoints 20]

One endpoint of them always fails. The stores, the queue and the receivers are in memory, so the CPU
is that of the decisions, signatures and threads. Retries are left.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import ceil

from bench.costs.metering import index_units, size_of
from chalicelib.aws.events.webhooks import _item
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, KeptEvent
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import Endpoint, Endpoints, Secret
from chalicelib.usecases.fan_out import add_deliveries, wake
from chalicelib.usecases.messages import read_deliver_message
from chalicelib.usecases.webhooks.deliver import Outgoing, deliver
from tests.fakes.memory.webhooks import MemoryDeliveries
from tests.fakes.services import FakeServices

TYPE = "access.granted"
TOGETHER = 50
"""Events that are published together, as by a busy batch of the events queue."""

DOCUMENT = "x" * 600
"""As long as most documents are."""

OK, FAILS = CallAnswer(200), CallAnswer(500, head="Internal Server Error")


class Billed(MemoryDeliveries):
    """Deliveries, with the write units that DynamoDB would bill. What is over is forgotten."""

    units: Counter[str]

    def add(self, delivery: Delivery) -> bool:
        """As the table does."""
        self._count(None, delivery)
        return super().add(delivery)

    def save(self, old: Delivery, new: Delivery) -> None:
        """As the table does."""
        self._count(old, new)
        super().save(old, new)
        if new.next_at is None:
            del self.kept[new.key]

    def due(self, endpoint_id: str, now: datetime, most: int) -> list[DeliveryKey]:
        """None: retries are left, and to look for them here would read all that wait."""
        return []

    def _count(self, old: Delivery | None, new: Delivery) -> None:
        was, is_ = (_item(old) if old else None), _item(new)
        self.units["table"] += ceil(max(size_of(was or {}), size_of(is_)) / 1024)
        self.units["index"] += index_units(was, is_)


class Documents:
    """The document of every event."""

    def events(self, pointers: Sequence[EventPointer]) -> dict[EventPointer, KeptEvent]:
        """All of them are there."""
        return dict.fromkeys(pointers, KeptEvent(FeedPlace("2026-03-02", 1), TYPE, DOCUMENT))


class Receivers:
    """Answer by their URL; `calls` counts them."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """What the receiver of a URL answers."""
        self.calls[url] += 1
        return FAILS if url.endswith("fails") else OK


def main() -> None:
    """Publish, deliver, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.deliveries", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--endpoints", type=int, default=20)
    asked = parser.parse_args()
    place, receivers = FakeServices(timeline=Documents()), Receivers()
    billed = place.deliveries = Billed()
    billed.units = Counter()
    _add_endpoints(place, asked.endpoints)
    published = delivered = 0.0
    for start in range(0, asked.events, TOGETHER):
        events = [_event(place, number) for number in range(start, start + TOGETHER)]
        published += _seconds(partial(_publish, events, place))
        delivered += _seconds(lambda: _deliver(place, receivers))
        place.now.at += timedelta(seconds=1)
    _print(asked.events, asked.endpoints, published, delivered, billed, receivers)


def _add_endpoints(place: FakeServices, number: int) -> None:
    ends = ["fails"] + ["works"] * (number - 1)
    all = tuple(
        Endpoint(f"we_{n:016}", f"https://r{n}.example/{end}", place.now.at, (Secret(f"{n:064}"),))
        for n, end in enumerate(ends)
    )
    place.endpoints.save(Endpoints(), Endpoints(all, 1))


def _event(place: FakeServices, number: int) -> EventEntry:
    id = f"acc_{number % 1000}.0.{number // 1000 + 1}.{TYPE}"
    at = place.now.at
    return EventEntry(Entry(f"acc_{number % 1000}", at, "happening", id, TYPE, {}), DOCUMENT)


def _publish(events: list[EventEntry], place: FakeServices) -> None:
    services = place.services
    wake(add_deliveries(events, services), services)


def _deliver(place: FakeServices, receivers: Receivers) -> None:
    outgoing = Outgoing(receivers, lambda: "the hash key", lambda: True)
    queue = place.deliveries_queue
    while queue.waiting:
        _, work = queue.waiting.pop()
        message = read_deliver_message(json.dumps(work))
        assert message
        deliver(message, place.services, outgoing)
    queue.known.clear()


def _seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _print(
    events: int,
    endpoints: int,
    published: float,
    delivered: float,
    billed: Billed,
    receivers: Receivers,
) -> None:
    deliveries, calls = events * endpoints, sum(receivers.calls.values())
    units = billed.units["table"] + billed.units["index"]
    print(f"{events:,} events to {endpoints} endpoints, of which one always fails")
    print(f"{deliveries:,} deliveries, {calls:,} calls, {len(billed.kept):,} wait for a retry")
    print(f"CPU to publish: {1000 * published / events:.2f} ms an event")
    print(f"CPU to deliver: {1000 * delivered / calls:.2f} ms a call")
    print(
        f"write units: {units / events:.1f} an event, {units / deliveries:.2f} a delivery"
        f" ({billed.units['table'] / deliveries:.2f} of the table,"
        f" {billed.units['index'] / deliveries:.2f} of the index)"
    )


if __name__ == "__main__":
    main()
