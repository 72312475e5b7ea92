"""Domain events as the people system gets them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.changes.event_document import amount_of
from chalicelib.values import frozen, replace

OWN = ("milestone",)
"""The other fields of an event that its metadata has: what tells events of one name apart."""

STEP = "billhook-step-"
"""What the name of an event begins with that stands for a message."""


@frozen
class PersonEvent:
    """An event about a person: `id` is the domain event's. `metadata` has ten flat keys at most
    (developers.intercom.com, events); `amount` is {amount, currency} in minor units.
    `sequence` orders the events of an account.
    """

    id: str
    name: str
    at: datetime
    metadata: Mapping[str, Any]
    sequence: int = 0


def of_document(document: Mapping[str, Any]) -> PersonEvent:
    """The event that a document of the feed is. Dots become hyphens: Intercom does so itself."""
    data = document["data"]
    metadata: dict[str, Any] = {
        "event_id": document["id"],
        "plan": data["access"]["plan"],
        "access": data["access"]["access"],
        "reason": data["access"]["reason"],
    }
    metadata |= {name: data.get(name) for name in OWN}
    if money := amount_of(data):
        metadata["amount"] = dict(zip(("amount", "currency"), money, strict=True))
    return PersonEvent(
        document["id"],
        document["type"].replace(".", "-"),
        datetime.fromisoformat(document["timestamp"]),
        {name: value for name, value in metadata.items() if value is not None},
        document["sequence"],
    )


def apart(events: Iterable[PersonEvent]) -> Iterator[PersonEvent]:
    """The events of one person, each of a name in a second of its own, the next free one: Intercom
    may take two of the same name and second for one (developers.intercom.com, event
    de-duplication).
    """
    taken = set[tuple[str, int]]()
    for event in events:
        at = event.at
        while (event.name, int(at.timestamp())) in taken:
            at += timedelta(seconds=1)
        taken.add((event.name, int(at.timestamp())))
        yield event if at == event.at else replace(event, at=at)


def is_echo(document: Mapping[str, Any], system: str) -> bool:
    """Whether the document says what this system has reported itself: it knows that already."""
    return bool(document["data"].get("reported_by") == system)


def of_step(id: str, key: str, sequence: str, at: datetime) -> PersonEvent:
    """The event that stands for a message, `step@occasion`, that the people system sends."""
    step, _, occasion = key.partition("@")
    metadata = {"event_id": id, "sequence": sequence, "step": step, "occasion": occasion}
    return PersonEvent(id, f"{STEP}{step}", at, metadata)
