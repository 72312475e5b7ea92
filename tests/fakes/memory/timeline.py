"""Timelines and the feed in memory. Every domain event is held to the catalogue."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import jsonschema_rs

from chalicelib.domain.changes.event_document import LARGEST, document_schema
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, FeedRow, KeptEvent
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.errors import ConcurrentUpdate


def conforms(document: str) -> None:
    """Hold a document to the catalogue: its type's schema, no field beside that, and its size."""
    values = json.loads(document)
    _validator(values["type"]).validate(values)
    assert len(document.encode()) < LARGEST


@cache
def _validator(type: str) -> Any:
    return jsonschema_rs.validator_for(closed(document_schema(type)), validate_formats=True)


def closed(schema: Any) -> Any:
    """A schema in which no object has a field beside those that it names."""
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return inner | ({"additionalProperties": False} if schema.get("type") == "object" else {})


@dataclass
class MemoryTimelines:
    """Timelines. Every domain event is held to the catalogue, and with `in_order` to the number
    behind that of the last event of its account.
    """

    entries: dict[tuple[str, datetime, str, str], Entry] = field(default_factory=dict)
    kept: dict[str, KeptEvent] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    in_order: bool = True

    def put(self, entries: Iterable[Entry]) -> None:
        self.entries |= {self._key(entry): entry for entry in entries}

    def put_once(self, entry: Entry) -> bool:
        is_new = self._key(entry) not in self.entries
        if is_new:
            self.put([entry])
        return is_new

    def missing(self, entries: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in entries if self._key(entry) not in self.entries]

    def put_event(self, event: EventEntry, place: FeedPlace) -> bool:
        is_new = self._key(event.entry) not in self.entries
        if is_new:
            values = json.loads(event.document)
            account_id, number = values["data"]["account_id"], values["sequence"]
            conforms(event.document)
            if self.in_order:
                assert number == self.numbers.get(account_id, 0) + 1, event.entry.id
            self.put([event.entry])
            self.numbers[account_id] = number
            self.kept[event.entry.id] = KeptEvent(place, event.entry.type, event.document)
        return is_new

    def events(self, pointers: Sequence[EventPointer]) -> dict[EventPointer, KeptEvent]:
        there = {key[3] for key in self.entries}
        return {one: self.kept[one.id] for one in pointers if one.id in self.kept.keys() & there}

    def _key(self, entry: Entry) -> tuple[str, datetime, str, str]:
        return entry.account_id, entry.at, entry.kind, entry.id


@dataclass
class MemoryFeed:
    """The feed's rows by segment."""

    segments: dict[str, list[FeedRow]] = field(default_factory=dict)

    def last(self, segment: str) -> FeedRow | None:
        rows = self.segments.get(segment, [])
        return rows[-1] if rows else None

    def append(self, row: FeedRow) -> None:
        rows = self.segments.setdefault(row.place.segment, [])
        if row.place.number <= len(rows):
            raise ConcurrentUpdate("Another publisher was faster.")
        assert row.place.number == len(rows) + 1, "the feed has no holes"
        rows.append(row)

    def rows(self, segment: str, first: int) -> list[FeedRow]:
        return self.segments.get(segment, [])[first - 1 : first + 1]
