"""What people are told of contacts: on the timeline, and operators by mail."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.deliveries import OTHER_MODE
from chalicelib.domain.policy.policy import TeamPolicy
from tests.unit.usecases.messaging.test_lifecycles import MAIL
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene

TEAM = TeamPolicy(("team@acme.example",), frozenset(), digest=False)


@pytest.fixture
def place() -> PeopleScene:
    scene = PeopleScene()
    scene.services.policy = replace(POLICY, team=TEAM, mail=MAIL)
    return scene


def there(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "contact", "role": "user", "archived": False, **more}


def notes(place: PeopleScene) -> list[tuple[str, str]]:
    entries = sorted(place.services.timeline.entries.values(), key=lambda entry: entry.at)
    return [(one.type, one.data["note"]) for one in entries if one.kind == "people"]


def letters(place: PeopleScene) -> list[str]:
    return [one["endpoint_id"] for one in place.services.mail_queue.waiting if "endpoint_id" in one]


def test_operators_are_told_once_of_contacts_of_the_other_mode(place: PeopleScene) -> None:
    for number in range(3):
        live = there(f"c{number}", external_id=f"acc_{number}")
        live["custom_attributes"] = {"billing_mode": "live"}
        place.intercom.contacts[live["id"]] = live
        place.signs_up(f"acc_{number}", f"p{number}@example.com")
    place.settles()
    place.passes(minutes=10)
    for number in range(3):
        place.is_renamed(f"acc_{number}", "Mia")
        place.services.now.at += timedelta(days=1)
        place.settles()
    assert letters(place) == [OTHER_MODE]
    assert all("name" not in one for one in place.intercom.contacts.values()), "left alone"
    noted = {"contact.refused": "The contact at Intercom is of the live mode."}
    assert notes(place) == list(noted.items()) * 3, "each account says it once"


def test_without_operators_nobody_is_told_of_the_other_mode(place: PeopleScene) -> None:
    place.services.policy = replace(POLICY, team=None)
    live = there("c0", external_id="acc_0", custom_attributes={"billing_mode": "live"})
    place.intercom.contacts["c0"] = live
    place.signs_up("acc_0", "p0@example.com")
    place.settles()
    assert letters(place) == []
    assert [type for type, _ in notes(place)] == ["contact.refused"]


def test_an_address_that_is_somebody_elses_there_is_noted_on_the_timeline(
    place: PeopleScene,
) -> None:
    place.intercom.contacts["c7"] = there("c7", email="mia@example.com", external_id="theirs")
    place.signs_up("acc_1", "mia@example.com")
    place.settles()
    for name in ("Mia", "Mia B", "Mia C"):
        place.services.now.at += timedelta(minutes=1)
        place.is_renamed("acc_1", name)
        place.settles()
    ((type, note), *later) = notes(place)
    assert type == "contact.noted"
    assert "this address and another id" in note
    assert all(one[1] != note for one in later), "noted once"


def test_what_is_refused_is_on_the_timeline_until_it_is_refused_otherwise(
    place: PeopleScene,
) -> None:
    why = ["Name is too funny", "Name is too funny", "Name is too sad"]

    def fails(method: str, path: str) -> CallAnswer | None:
        return CallAnswer(400, None, why[0]) if path == "/contacts" else None

    place.intercom.fails = fails
    place.signs_up("acc_1", "mia@example.com", "A")
    place.settles()
    for name in ("B", "C"):
        place.services.now.at += timedelta(minutes=5)
        why.pop(0)
        place.is_renamed("acc_1", name)
        place.settles()
    assert [(type, note[-5:]) for type, note in notes(place)] == [
        ("contact.refused", "funny"),
        ("contact.refused", "o sad"),
    ]


def test_only_the_events_that_are_listed_are_told_and_the_contact_is_right_all_the_same(
    place: PeopleScene,
) -> None:
    assert POLICY.people
    some = replace(POLICY.people, events=("trial.started", "milestone.reached"))
    place.services.policy = replace(POLICY, people=some)
    place.signs_up("acc_1", "mia@example.com")
    place.settles()
    place.reaches("acc_1", "shared_board")
    place.is_renamed("acc_1", "Mia")
    place.settles()
    told = [event["event_name"] for event in place.intercom.events]
    assert told == ["trial-started", "milestone-reached"]
    assert place.intercom.of("acc_1")["name"] == "Mia"
    assert place.waiting() == []
