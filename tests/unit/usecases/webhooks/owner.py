"""An owner with endpoints, in memory: events are published to them, time passes, and receivers
answer as they are told to.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.delivery import LogRow, log_rows
from chalicelib.domain.webhooks.endpoint import Endpoint
from chalicelib.usecases.fan_out import add_deliveries, wake
from chalicelib.usecases.feed import put_events
from chalicelib.usecases.messages import read_deliver_message
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.deliver import Outgoing, deliver
from chalicelib.usecases.webhooks.endpoints import NewEndpoint, add_endpoint
from chalicelib.usecases.webhooks.sweep import sweep_deliveries
from tests.fakes.services import FakeServices

HASH_KEY = "the hash key of tests"
OK = CallAnswer(200)
Answers = Callable[[str, datetime], CallAnswer]


@dataclass(frozen=True)
class Got:
    """A request that a receiver got."""

    url: str
    at: datetime
    id: str
    body: bytes
    headers: Mapping[str, str]


@dataclass
class Receivers:
    """Answers each URL by its function, `answers`; 200 where there is none. `most` is how many
    calls were under way at once.
    """

    now: Callable[[], datetime]
    answers: dict[str, Answers] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    lock: Lock = field(default_factory=Lock)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.got.append(Got(url, self.now(), headers["webhook-id"], body, headers))
        try:
            if url in self.answers:
                return self.answers[url](headers["webhook-id"], self.now())
            return OK
        finally:
            with self.lock:
                self.under_way -= 1


@dataclass
class Owner:
    """The owner of the stage `place`."""

    place: FakeServices = field(default_factory=FakeServices)
    numbers: dict[str, int] = field(default_factory=dict)
    has_time: Callable[[], bool] = lambda: True

    def __post_init__(self) -> None:
        self.receivers = Receivers(lambda: self.place.now.at)

    def endpoint(self, url: str = "https://one.example/", *events: str) -> tuple[Endpoint, str]:
        """A new endpoint, and its secret."""
        return add_endpoint(
            NewEndpoint(url, events, None, True), CATALOGUE, HASH_KEY, self.place.services
        )

    def answers(self, url: str, answer: CallAnswer | Answers) -> None:
        """What a receiver answers from now on."""
        self.receivers.answers[url] = answer if callable(answer) else lambda id, at: answer

    def happens(self, type: str = "trial.started", account: str = "acc_1") -> EventEntry:
        """An event, not yet published."""
        number = self.numbers[account] = self.numbers.get(account, 0) + 1
        at, id = self.place.now.at, f"{account}.0.{number}.{type}"
        return EventEntry(
            Entry(account, at, "happening", id, type, {}), document(id, type, at, number)
        )

    def publish(self, *events: EventEntry, services: Services | None = None) -> None:
        """As `publishing` does."""
        services = services or self.place.services
        keys = add_deliveries(events, services)
        put_events(events, services)
        wake(keys, services)

    def settle(self, services: Services | None = None) -> None:
        """Work off the deliveries queue."""
        while self.place.deliveries_queue.waiting:
            self.settle_one(services)

    def settle_one(self, services: Services | None = None) -> None:
        """Work off the first message of the deliveries queue; one that fails stays there."""
        queue = self.place.deliveries_queue
        message = read_deliver_message(json.dumps(queue.waiting[0][1]))
        assert message
        outgoing = Outgoing(self.receivers, lambda: HASH_KEY, lambda: self.has_time())
        deliver(message, services or self.place.services, outgoing)
        queue.waiting.pop(0)

    def sweep(self) -> None:
        """What happens each minute."""
        sweep_deliveries(self.place.services)
        self.settle()

    def passes(self, **time: float) -> None:
        """Time passes, with a sweep whenever something falls due."""
        end = self.place.now.at + timedelta(**time)
        while due := self._next_due(end):
            self.place.now.at = due
            self.sweep()
        self.place.now.at = end
        self.sweep()

    def log(self, endpoint: Endpoint) -> list[LogRow]:
        """The rows of the log, the oldest first."""
        stored = self.find(endpoint)
        page, _ = self.place.deliveries.page(endpoint.id, None, self.place.now.at)
        rows = [row for one in page for row in log_rows(one, stored.is_enabled)]
        return sorted(rows, key=lambda row: (row.at, row.attempt))

    def find(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is stored."""
        found = self.place.endpoints.load().find(endpoint.id)
        assert found
        return found

    def got(self, url: str = "https://one.example/") -> list[str]:
        """The ids that a receiver got, in order."""
        return [one.id for one in self.receivers.got if one.url == url]

    def _next_due(self, end: datetime) -> datetime | None:
        enabled = {one.id for one in self.place.endpoints.load().all if one.is_enabled}
        return min(
            (
                one.next_at
                for one in self.place.deliveries.kept.values()
                if one.next_at
                and self.place.now.at < one.next_at <= end
                and one.key.endpoint_id in enabled
            ),
            default=None,
        )


def document(id: str, type: str, at: datetime, sequence: int) -> str:
    """The document of an event of an account that has no access."""
    access: dict[str, Any] = {
        "access": "none",
        "reason": "no_subscription",
        "plan": None,
        "features": [],
    }
    common = {
        "account_id": id.partition(".")[0],
        "external_id": None,
        "livemode": False,
        "access": {**access, "quantity": None, "until": None},
    }
    own = {name: "x" for name in CATALOGUE[type].fields if name not in CATALOGUE[type].optional}
    if "trial_end" in own:
        own["trial_end"] = "2026-03-16T09:00:00Z"
    return json.dumps(
        {
            "id": id,
            "type": type,
            "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "sequence": sequence,
            "data": common | own,
        }
    )
