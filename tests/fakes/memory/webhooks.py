"""Endpoints, deliveries and persons in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.aws.items import dump, load
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.people.state import Person
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import Endpoints


@dataclass
class MemoryEndpoints:
    """The endpoints of outgoing webhooks; `stale` is what publishers still remember."""

    kept: str = dump(Endpoints())
    stale: Endpoints | None = None

    def load(self) -> Endpoints:
        return load(self.kept, Endpoints)

    def remembered(self) -> Endpoints:
        return self.stale or self.load()

    def save(self, old: Endpoints, new: Endpoints) -> None:
        if self.load().version != old.version:
            raise ConcurrentUpdate("another changes them")
        self.kept = dump(new)


@dataclass
class MemoryDeliveries:
    """Deliveries, and the index of those that wait."""

    kept: dict[DeliveryKey, Delivery] = field(default_factory=dict)

    def add(self, delivery: Delivery) -> bool:
        if delivery.key in self.kept:
            return False
        self.kept[delivery.key] = delivery
        return True

    def add_many(self, deliveries: Iterable[Delivery]) -> None:
        self.kept |= {one.key: one for one in deliveries}

    def save(self, old: Delivery, new: Delivery) -> None:
        if self.kept[old.key].version != old.version:
            raise ConcurrentUpdate("another delivers it")
        self.kept[new.key] = new

    def load(self, keys: Sequence[DeliveryKey]) -> list[Delivery]:
        return [self.kept[key] for key in dict.fromkeys(keys) if key in self.kept]

    def due(self, endpoint_id: str, now: datetime, most: int) -> list[DeliveryKey]:
        found = sorted(
            (one.next_at, one.key.at, one.key.event_id, one.key)
            for one in self.kept.values()
            if one.key.endpoint_id == endpoint_id and one.next_at and one.next_at <= now
        )
        return [key for *_, key in found[:most]]

    def due_since(self, endpoint_id: str, now: datetime) -> datetime | None:
        due = self.due(endpoint_id, now, 1)
        return self.kept[due[0]].next_at if due else None

    def later(
        self, endpoint_id: str, after: datetime, most: int
    ) -> list[tuple[datetime, DeliveryKey]]:
        found = sorted(
            (one.next_at, one.key.at, one.key.event_id, one.key)
            for one in self.kept.values()
            if one.key.endpoint_id == endpoint_id and one.next_at and one.next_at > after
        )
        return [(due_at, key) for due_at, *_, key in found[:most]]

    def page(
        self, endpoint_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Delivery], str | None]:
        found = [one for one in self.kept.values() if one.key.endpoint_id == endpoint_id]
        return sorted(found, key=lambda one: one.key.at, reverse=True), None


@dataclass
class MemoryPersons:
    """What is known of accounts in the people system."""

    kept: dict[str, Person] = field(default_factory=dict)

    def load(self, account_id: str) -> Person | None:
        return self.kept.get(account_id)

    def save(self, account_id: str, old: Person, new: Person) -> None:
        known = self.kept.get(account_id)
        if (known.version if known else 0) != old.version:
            raise ConcurrentUpdate("another run wrote it")
        self.kept[account_id] = new
