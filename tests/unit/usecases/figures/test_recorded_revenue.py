"""For every recording, in every order: each day adds up, and is what Stripe's subscriptions come to
at its end; and every report is that of the true order.
"""

import json
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.reports import reasons, retention, revenue, trials
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.reconciliation.recount import recount
from local.recordings import Recording
from tests.fakes.figures.revenue import assert_adds_up, day_of, end_of, held_by, mrr_of
from tests.fakes.grids import examples, grid
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


def played(recording: Recording, batches: list[list[dict[str, Any]]]) -> FakeServices:
    """Everything delivered at the end of the history."""
    place = FakeServices()
    place.stripe.reader.truth = recording.truth(len(recording.events))
    place.now.at = at(max(event["created"] for event in recording.events)) + timedelta(hours=1)
    for number, batch in enumerate(batches):
        messages = [Message(f"{number}-{n}", json.dumps(one)) for n, one in enumerate(batch)]
        outcomes = ingest(messages, place.services)
        assert not [outcome.failure for outcome in outcomes if outcome.failure]
    return place


def days_of(recording: Recording) -> tuple[date, date]:
    seconds = [event["created"] for event in recording.events]
    return day_of(min(seconds)) - timedelta(days=1), day_of(max(seconds))


def assert_each_day_is_stripes(recording: Recording, place: FakeServices) -> None:
    """Each day adds up, and is what the subscriptions come to that Stripe held at its end."""
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


@pytest.mark.parametrize(("name", "order"), grid(LIVES, ORDERS))
def test_each_day_is_what_stripes_subscriptions_come_to(name: str, order: str) -> None:
    recording = LIVES[name]
    place = played(recording, ordered(recording.events, order))
    assert_each_day_is_stripes(recording, place)
    first, last = days_of(recording)
    report = revenue(place.services, first, last)
    close_figures(place.services)
    place.now.at += timedelta(weeks=10)  # until the last week of them is closed, and its mark gone
    close_figures(place.services)
    assert not place.figures.marked
    assert revenue(place.services, first, last) == report


@cache
def in_true_order(name: str) -> tuple[Any, ...]:
    recording = LIVES[name]
    return everything(recording, played(recording, ordered(recording.events, "true")))


def everything(recording: Recording, place: FakeServices) -> tuple[Any, ...]:
    """All reports, and what is kept."""
    days = days_of(recording)
    kept = {str(key): text for (key, _), (text, _) in place.figures.texts.items() if text}
    return (
        *(report(place.services, *days) for report in (revenue, trials, retention, reasons)),
        kept,
    )


@pytest.mark.parametrize("name", LIVES)
@examples(20, deadline=None)
@given(chance=st.randoms(use_true_random=False), size=st.integers(1, 10))
def test_in_every_order_with_repeats_and_in_batches_all_reports_are_the_same(
    name: str, chance: Random, size: int
) -> None:
    recording = LIVES[name]
    events = recording.events + chance.choices(
        recording.events, k=chance.randint(0, len(recording.events))
    )
    chance.shuffle(events)
    batches = [events[start : start + size] for start in range(0, len(events), size)]
    place = played(recording, batches)
    assert_each_day_is_stripes(recording, place)
    assert everything(recording, place) == in_true_order(name)
    assert recount(place.services, apply=False).differences == ()
