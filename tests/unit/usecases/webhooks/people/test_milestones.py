"""Milestones at the people system: told once, and never back to the system that reported it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.heard import EventHeard, Heard, of_intercom, of_segment
from chalicelib.usecases.accounts.hear_people import hear
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.webhooks.people.segment import Segment
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene

assert POLICY.people
MAPPED = replace(POLICY.people, milestones={"board shared": "shared_board"})


@pytest.fixture
def place() -> PeopleScene:
    scene = PeopleScene()
    scene.signs_up("acc_7", "mia@example.com")
    scene.settles()
    scene.passes(minutes=3)
    return scene


def told(place: PeopleScene) -> list[str]:
    """The milestones that Intercom was told of, in that order."""
    return [
        event["metadata"]["milestone"]
        for event in place.intercom.events
        if event["event_name"] == "milestone-reached"
    ]


def reports(place: PeopleScene, heard: Heard | None) -> None:
    assert hear(heard, MAPPED, place.services.services).taken
    publish_outbox("acc_7", place.services.services)
    place.settles()
    place.passes(minutes=3)


def notification(place: PeopleScene) -> Heard | None:
    now = place.services.now.at
    second = int(now.timestamp()) - 30
    item = {"event_name": "Board Shared", "created_at": second, "user_id": "acc_7"}
    return of_intercom({"topic": "event.created", "data": {"item": item}}, now)


def test_a_milestone_is_an_event_there_once(place: PeopleScene) -> None:
    for _ in range(3):
        place.reaches("acc_7", "shared_board")
        place.settles()
    (event,) = [one for one in place.intercom.events if one["event_name"] == "milestone-reached"]
    (published,) = [one for one in place.services.published if one.type == "milestone.reached"]
    assert event["metadata"]["event_id"] == published.id
    assert event["metadata"]["milestone"] == "shared_board"
    assert len(event["metadata"]) <= 10
    assert event["created_at"] == int(published.at.timestamp())


def test_several_milestones_of_one_second_are_several_events(place: PeopleScene) -> None:
    for name in ("shared_board", "invited_team", "paid_by_card"):
        place.reaches("acc_7", name)
    place.settles()
    assert told(place) == ["shared_board", "invited_team", "paid_by_card"]


def test_what_intercom_reported_is_an_event_for_everybody_but_intercom(place: PeopleScene) -> None:
    reports(place, notification(place))
    (published,) = [one for one in place.services.published if one.type == "milestone.reached"]
    assert published.data["reported_by"] == "intercom"
    assert published.sequence, "it is in the feed"
    assert told(place) == []
    assert place.waiting() == []
    place.reaches("acc_7", "shared_board")
    place.settles()
    assert told(place) == [], "it was reached before"


def test_what_segment_reported_is_told_to_intercom(place: PeopleScene) -> None:
    reports(place, of_segment({"type": "track", "event": " BOARD Shared", "userId": "acc_7"}))
    assert place.account("acc_7").milestones_by == {"shared_board": "segment"}
    assert told(place) == ["shared_board"]


def test_an_event_of_ours_that_comes_back_as_a_milestone_ends_there(place: PeopleScene) -> None:
    """The owner has mapped our own event to a milestone, and Intercom tells of each event."""
    policy = replace(MAPPED, milestones={"milestone-reached": "shared_board"})
    place.reaches("acc_7", "invited_team")
    for _ in range(4):
        place.settles()
        for event in list(place.intercom.events):
            back = EventHeard((event["user_id"],), event["event_name"], None)
            hear(back, policy, place.services.services)
        publish_outbox("acc_7", place.services.services)
        place.services.now.at += timedelta(minutes=1)
    place.settles()
    assert told(place) == ["invited_team"]
    assert sorted(place.account("acc_7").milestones) == ["invited_team", "shared_board"]


def test_what_segment_reported_is_not_sent_to_segment(place: PeopleScene) -> None:
    sent: list[str] = []

    def call(method: str, path: str, body: Any) -> CallAnswer:
        sent.extend(one["event"] for one in body["batch"] if one["type"] == "track")
        return CallAnswer(200)

    place.services.policy = replace(POLICY, people=replace(MAPPED, to="segment"))
    place.system = Segment(call, lambda: place.services.now.at)
    reports(place, of_segment({"type": "track", "event": "board shared", "userId": "acc_7"}))
    place.reaches("acc_7", "invited_team")
    place.settles()
    assert sent == ["milestone-reached"], "the one that the product reported"
    assert place.account("acc_7").milestones.keys() == {"shared_board", "invited_team"}
    assert place.waiting() == []
