"""Events by the webhook route, by EventBridge and by both at once lead to the same accounts, and
each counts once.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.usecases.ingestion.ingest import Message, Outcome, ingest
from local.aws.partner_bus import enveloped
from tests.fakes.grids import examples
from tests.fakes.services import RECORDINGS, FakeServices, at
from tests.unit.usecases.ingestion.test_ingest_recordings import CHECKPOINTS, assert_true

TRIAL = RECORDINGS["trial_converts"]
CREATED = TRIAL.events[0]


def by_bus(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [enveloped(event) for event in events]


def take(place: FakeServices, bodies: Sequence[object]) -> list[Outcome]:
    """Take messages in, on a stage for Stripe's test mode."""
    messages = [Message(f"m{number}", json.dumps(body)) for number, body in enumerate(bodies)]
    return ingest(messages, replace(place.services, livemode=False))


def taken(place: FakeServices, *bodies: object) -> list[Outcome]:
    place.stripe.reader.truth = TRIAL.truth()
    return take(place, bodies)


def effects(outcomes: list[Outcome]) -> list[str]:
    return [outcome.effect for outcome in sorted(outcomes, key=lambda outcome: outcome.message)]


def lived(name: str, ways: list[list[dict[str, Any]]]) -> FakeServices:
    """The world after a recording whose events came one by one, each by all ways."""
    recording, place = RECORDINGS[name], FakeServices()
    for done, event in enumerate(zip(*ways, strict=True), 1):
        place.stripe.reader.truth = recording.truth(done)
        place.now.at = at(recording.events[done - 1]["created"])
        take(place, event)
    return place


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_history_leaves_the_same_by_route_by_bus_and_by_both(name: str) -> None:
    events = RECORDINGS[name].events
    route = lived(name, [events])
    for ways in ([by_bus(events)], [events, by_bus(events)], [by_bus(events), events]):
        other = lived(name, ways)
        assert other.accounts.items == route.accounts.items
        assert other.timeline.entries == route.timeline.entries
        assert other.mail_queue.waiting == route.mail_queue.waiting
        assert other.metrics == route.metrics
        assert other.dead_letters.messages == []


@pytest.mark.parametrize(("name", "checkpoint"), CHECKPOINTS)
@examples(10)
@given(data=st.data(), late=st.integers(0, 3 * 86400), batch=st.sampled_from([1, 3, 100]))
def test_a_history_by_both_ways_shuffled_late_and_doubled_ends_as_stripe_has_it(
    name: str, checkpoint: int, data: st.DataObject, late: int, batch: int
) -> None:
    recording, place = RECORDINGS[name], FakeServices()
    until = recording.events_until(recording.checkpoints[checkpoint])
    ways = st.sampled_from([(False,), (True,), (False, True), (True, True), (False, True, True)])
    arriving = [
        enveloped(event) if comes_by_bus else event
        for event in recording.events[:until]
        for comes_by_bus in data.draw(ways)
    ]
    shuffled = data.draw(st.permutations(arriving))
    place.stripe.reader.truth = recording.truth(until)
    place.now.at = at(recording.events[until - 1]["created"]) + timedelta(seconds=late)
    for start in range(0, len(shuffled), batch):
        outcomes = take(place, shuffled[start : start + batch])
        assert not [outcome.failure for outcome in outcomes if outcome.failure]
    assert_true(place, recording, checkpoint)


def test_an_event_by_both_ways_is_on_the_timeline_once() -> None:
    place = FakeServices()
    assert effects(taken(place, CREATED)) == ["applied"]
    assert effects(taken(place, enveloped(CREATED), CREATED)) == ["unchanged", "unchanged"]
    told = Counter(entry.id for entry in place.timeline.entries.values() if entry.kind == "stripe")
    assert told == {CREATED["id"]: 1}


def test_what_is_not_for_this_stage_is_counted_and_left_as_on_the_route() -> None:
    place = FakeServices()
    others = (
        enveloped({**CREATED, "livemode": True}),
        enveloped({**CREATED, "account": "acct_other"}),
        enveloped({"id": "evt_2", "object": "v2.core.event", "type": "x", "livemode": False}),
    )
    assert effects(taken(place, *others)) == ["ignored"] * 3
    assert place.metrics == {"WebhooksOfOtherMode": 1, "EventsOfOthers": 1, "ThinEvents": 1}
    assert (place.accounts.items, place.dead_letters.messages) == ({}, [])


def test_an_envelope_that_cannot_be_read_is_a_dead_letter_and_stops_no_neighbour() -> None:
    place = FakeServices()
    broken = (
        enveloped(CREATED, detail=None),
        enveloped(CREATED, detail="{}"),
        enveloped(CREATED, source="acme.orders"),
        enveloped({**CREATED, "created": "never"}),
        {"detail-type": "customer.created"},
    )
    assert effects(taken(place, *broken, enveloped(CREATED))) == ["dead_lettered"] * 5 + ["applied"]
    letters = place.dead_letters.messages
    assert [json.loads(body) for body, _ in letters] == list(broken)
    assert {attributes["code"] for _, attributes in letters} == {"unreadable"}
