"""The events that every side gets: recorded histories, each lived by several customers."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from local.recordings import Recording
from tests.fakes.services import RECORDINGS

Object = dict[str, Any]
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Step:
    """An event, and those that have happened at Stripe since the step before, itself among them.
    Only what Billhook's webhook endpoint is subscribed to is delivered. A `late` one comes
    after all has happened.
    """

    history: str
    event: Object
    happened: list[Object]
    late: bool = False

    @property
    def payload(self) -> bytes:
        """The event as Stripe sends it."""
        return json.dumps(self.event, indent=2, ensure_ascii=False).encode()


def customers(copies: int, mark: str, start: int) -> list[Recording]:
    """Every recording, lived `copies` times by customers of their own from the Unix second `start`
    on. Another `mark` gives other customers.
    """
    return [
        recording.renamed(f"{mark}{number}").moved_to(start)
        for number in range(copies)
        for recording in RECORDINGS.values()
    ]


def end_of(recordings: list[Recording]) -> int:
    """The Unix second of the last event of all."""
    return max(int(event["created"]) for one in recordings for event in one.events)


def in_order(recordings: list[Recording]) -> list[Step]:
    """One history after the other, each event as it happens."""
    return [step for recording in recordings for step in _steps(recording)]


def out_of_order(recordings: list[Recording]) -> list[Step]:
    """The same events in random order, all of them late: at the first, all has happened."""
    steps = in_order(recordings)
    random.Random(SEED).shuffle(steps)
    everything = [event for recording in recordings for event in recording.events]
    return [
        replace(step, happened=[] if place else everything, late=True)
        for place, step in enumerate(steps)
    ]


def alone(steps: list[Step]) -> list[list[Step]]:
    """Each event a batch."""
    return [[step] for step in steps]


def by_the_second(steps: list[Step]) -> list[list[Step]]:
    """Those of one customer and second in one batch, as the queue's window gathers them."""
    grouped = groupby(steps, key=lambda step: (step.history, step.event["created"]))
    return [list(some) for _, some in grouped]


def in_tens(steps: list[Step]) -> list[list[Step]]:
    """Ten of one customer in a batch, and what is left over in a smaller one."""
    by_customer: dict[str, list[Step]] = {}
    for step in steps:
        by_customer.setdefault(step.history, []).append(step)
    return [batch for some in by_customer.values() for batch in _chunks(some, 10)]


def in_hundreds(steps: list[Step]) -> list[list[Step]]:
    """A hundred in a batch, of all customers, in the order in which they happen or come."""
    by_time = steps if steps[0].late else sorted(steps, key=lambda step: step.event["created"])
    return list(_chunks(by_time, 100))


def truths(recordings: list[Recording]) -> dict[str, str]:
    """The status of each subscription at the end, by its id."""
    return {
        id: str(subscription["status"])
        for recording in recordings
        for id, subscription in recording.truth().subscriptions.items()
    }


def wrong(recordings: list[Recording], found: dict[str, str]) -> list[str]:
    """The names of the histories that end with a subscription that is missing, or has another
    status than at Stripe.
    """
    return [
        recording.name
        for recording in recordings
        if any(found.get(id) != status for id, status in truths([recording]).items())
    ]


def _steps(recording: Recording) -> Iterator[Step]:
    happened: list[Object] = []
    name = next(iter(recording.truth().customers))
    for event in recording.events:
        happened.append(event)
        if event["type"] in EVENT_TYPES:
            yield Step(name, event, happened)
            happened = []


def _chunks(things: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
