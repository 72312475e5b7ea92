"""The first sync: every account once, and again without a call."""

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.usecases.webhooks.people.sync import sync
from chalicelib.usecases.webhooks.people.system import SystemDown
from tests.unit.usecases.webhooks.people.scene import PeopleScene


@pytest.fixture
def place() -> PeopleScene:
    made = PeopleScene()
    for number in range(7):
        made.signs_up(f"acc_{number}", f"a{number}@example.com")
    made.services.deliveries_queue.waiting.clear()
    return made


def outcomes(place: PeopleScene) -> list[str]:
    return [one.outcome for one in sync(place.services.services, place.people, 10)]


def test_every_account_is_written_once(place: PeopleScene) -> None:
    assert outcomes(place) == ["written"] * 7
    assert len(place.intercom.contacts) == 7
    calls = len(place.intercom.calls)
    assert outcomes(place) == ["same"] * 7
    assert len(place.intercom.calls) == calls


def test_it_goes_on_where_it_stopped(place: PeopleScene) -> None:
    place.intercom.fails = lambda method, path: (
        CallAnswer(401) if len(place.intercom.contacts) == 3 else None
    )
    with pytest.raises(SystemDown):
        outcomes(place)
    place.intercom.fails = lambda method, path: None
    assert sorted(outcomes(place)) == ["same"] * 3 + ["written"] * 4


def test_a_limit_is_waited_for(place: PeopleScene) -> None:
    place.intercom.limit = 20
    assert outcomes(place) == ["written"] * 7


def test_who_is_refused_is_named_and_the_others_are_written(place: PeopleScene) -> None:
    place.intercom.contacts["c9"] = {
        "id": "c9", "role": "user", "external_id": "acc_3", "archived": False,
        "custom_attributes": {"billing_mode": "live"},
    }  # fmt: skip
    found = {one.account_id: one for one in sync(place.services.services, place.people, 10)}
    assert found["acc_3"].outcome == "refused"
    assert "live mode" in found["acc_3"].reason
    assert sum(one.outcome == "written" for one in found.values()) == 6
