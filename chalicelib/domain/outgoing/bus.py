"""Entries of Amazon EventBridge's PutEvents, and how many of them one call takes."""

import json
from collections.abc import Iterator, Sequence
from typing import TypeVar

BusEntry = dict[str, str]
"""An entry. Its `Time` is in ISO 8601."""

SOURCE = "billhook"

MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024
"""What one call takes: fewer bytes than these (docs.aws.amazon.com/eventbridge/latest/userguide,
"Calculating PutEvents event entry size").
"""

TIME_BYTES = 14
"""What the time of an entry counts."""

T = TypeVar("T")


def entry(document: str, bus: str) -> BusEntry:
    """The entry of a domain event, from its document; `bus` is a name or an ARN."""
    told = json.loads(document)
    return {
        "Source": SOURCE,
        "DetailType": told["type"],
        "Detail": document,
        "EventBusName": bus,
        "Time": told["timestamp"],
    }


def batches(entries: Sequence[tuple[T, BusEntry]]) -> Iterator[list[tuple[T, BusEntry]]]:
    """Entries, each with what it is for, in calls that EventBridge takes."""
    batch: list[tuple[T, BusEntry]] = []
    left = MOST_BYTES
    for one in entries:
        size = entry_size(one[1])
        if batch and (len(batch) == MOST_ENTRIES or size >= left):
            yield batch
            batch, left = [], MOST_BYTES
        batch.append(one)
        left -= size
    if batch:
        yield batch


def entry_size(one: BusEntry) -> int:
    """How many bytes EventBridge counts for an entry."""
    texts = (one["Source"], one["DetailType"], one["Detail"])
    return TIME_BYTES + sum(len(text.encode()) for text in texts)
