"""For every recording, in every order: each day adds up, and is what Stripe's subscriptions come to
at its end.
"""

import json
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.reports import revenue
from chalicelib.usecases.ingestion.ingest import Message, ingest
from local.recordings import Recording
from tests.fakes.figures.revenue import assert_adds_up, day_of, end_of, held_by, mrr_of
from tests.fakes.grids import grid
from tests.fakes.services import RECORDINGS, ROOT, FakeServices, at

EXPECTED = {
    path.stem: Recording.load(path)
    for path in sorted((ROOT / "tests" / "recordings" / "expected").glob("*.json"))
}
LIVES = RECORDINGS | EXPECTED
ORDERS = ("true", "reversed", "shuffled", "doubled", "in tens")


def ordered(events: list[dict[str, Any]], order: str) -> list[list[dict[str, Any]]]:
    """The events in batches."""
    random = Random(order)
    if order == "in tens":
        return [events[start : start + 10] for start in range(0, len(events), 10)]
    events = events * 2 if order == "doubled" else list(events)
    if order == "reversed":
        events.reverse()
    if order in ("shuffled", "doubled"):
        random.shuffle(events)
    return [[event] for event in events]


def played(recording: Recording, order: str) -> FakeServices:
    """Everything delivered at the end of the history."""
    place = FakeServices()
    place.stripe.reader.truth = recording.truth(len(recording.events))
    place.now.at = at(max(event["created"] for event in recording.events)) + timedelta(hours=1)
    for number, batch in enumerate(ordered(recording.events, order)):
        messages = [Message(f"{number}-{n}", json.dumps(one)) for n, one in enumerate(batch)]
        outcomes = ingest(messages, place.services)
        assert not [outcome.failure for outcome in outcomes if outcome.failure]
    return place


def days_of(recording: Recording) -> tuple[date, date]:
    seconds = [event["created"] for event in recording.events]
    return day_of(min(seconds)) - timedelta(days=1), day_of(max(seconds))


@pytest.mark.parametrize(("name", "order"), grid(LIVES, ORDERS))
def test_each_day_is_what_stripes_subscriptions_come_to(name: str, order: str) -> None:
    recording = LIVES[name]
    place = played(recording, order)
    first, last = days_of(recording)
    report = revenue(place.services, first, last)
    assert_adds_up(report)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        found = {currency: of.days[number].mrr for currency, of in report.items()}
        held = held_by(recording.events, end_of(day))
        known = place.accounts.only()
        mine = {id: one for id, one in held.items() if id in known.ours}
        expected = mrr_of(mine)
        assert {code: amount for code, amount in found.items() if amount} == expected, day
    close_figures(place.services)
    place.now.at += timedelta(days=1)
    close_figures(place.services)
    assert not place.figures.marked
    assert revenue(place.services, first, last) == report
