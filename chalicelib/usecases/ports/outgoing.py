"""Calls to systems that somebody names, and what is kept of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import BusEntry
from chalicelib.domain.people.state import Person
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import Endpoints


class Caller(Protocol):
    """Calls to URLs that somebody named; see outgoing/transport.py."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """What came of one request; a failure is an answer too. Several threads may call at
        once.
        """


class MethodCaller(Protocol):
    """As Caller, with any method."""

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """What came of one request; a failure is an answer too."""


class StateMachines(Protocol):
    """State machines of AWS Step Functions; see aws/events/state_machines.py."""

    def start(self, arn: str, name: str, input: str) -> CallAnswer:
        """What came of starting an execution of that name; a failure is an answer too."""


class Bus(Protocol):
    """Event buses of Amazon EventBridge; see aws/events/bus.py."""

    def put(self, entries: Sequence[BusEntry]) -> list[CallAnswer]:
        """What came of each entry of one call, in their order; a failure is an answer too."""


class EndpointStore(Protocol):
    """The endpoints of outgoing webhooks; see aws/events/webhooks.py."""

    def load(self) -> Endpoints:
        """One consistent read."""

    def remembered(self) -> Endpoints:
        """As they were within the last seconds: most often no read."""

    def save(self, old: Endpoints, new: Endpoints) -> None:
        """Write them, if they still were `old`. Raises ConcurrentUpdate."""


class DeliveryStore(Protocol):
    """Deliveries of events to endpoints; see aws/events/webhooks.py."""

    def add(self, delivery: Delivery) -> bool:
        """Put a new one; False if there is one of its key."""

    def add_many(self, deliveries: Iterable[Delivery]) -> None:
        """Put many whose keys nobody else has."""

    def save(self, old: Delivery, new: Delivery) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate."""

    def load(self, keys: Sequence[DeliveryKey]) -> list[Delivery]:
        """Those of the keys that there are: consistent reads."""

    def due(self, endpoint_id: str, now: datetime, most: int) -> list[DeliveryKey]:
        """The deliveries of an endpoint that are due, the longest due first."""

    def due_since(self, endpoint_id: str, now: datetime) -> datetime | None:
        """Since when something is due to an endpoint; None if nothing is."""

    def later(
        self, endpoint_id: str, after: datetime, most: int
    ) -> list[tuple[datetime, DeliveryKey]]:
        """When the deliveries of an endpoint are due that are so after a time, the first first."""

    def page(
        self, endpoint_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Delivery], str | None]:
        """Some deliveries, the newest events first, and the cursor of the next page if there is
        one.
        """


class PersonStore(Protocol):
    """What is known of accounts in the people system; see aws/events/persons.py."""

    def load(self, account_id: str) -> Person | None:
        """What is known of an account; None if it was never written there."""

    def save(self, account_id: str, old: Person, new: Person) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate, Unavailable."""
