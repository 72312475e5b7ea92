"""The comparison of Intercom with the accounts: it names what differs and nothing else, and repairs
it if it is asked to.
"""

from typing import Any

import pytest

from chalicelib.domain.account.facts import ConsentGiven
from chalicelib.domain.errors import NotPossible
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.usecases.webhooks.people.check import check
from chalicelib.usecases.webhooks.people.segment import Segment
from chalicelib.usecases.webhooks.people.system import SystemDown
from tests.unit.usecases.webhooks.people.lifecycles import lived
from tests.unit.usecases.webhooks.people.scene import PeopleScene

ACCOUNTS = 130
"""Three pages at Intercom."""


@pytest.fixture
def place() -> PeopleScene:
    made = PeopleScene()
    for number in range(ACCOUNTS):
        made.signs_up(f"acc_{number:03}", f"A{number}@example.com", f"Ada {number}")
    made.settles()
    return made


def found(place: PeopleScene, repair: bool = False) -> dict[str, str]:
    differing = check(place.services.services, place.people, 2, repair)
    return {one.account_id: "; ".join(one.what) for one in differing}


def spoil(place: PeopleScene) -> None:
    """One of each kind."""
    contacts = place.intercom.contacts
    place.intercom.of("acc_007")["custom_attributes"]["billing_plan"] = "scale"
    place.intercom.of("acc_007")["name"] = "Somebody"
    leaves = ConsentGiven("lifecycle", False, place.services.now.at)
    place.changes(place.account("acc_060"), leaves)
    place.settles()
    place.intercom.of("acc_060")["unsubscribed_from_emails"] = False
    del contacts[place.intercom.of("acc_061")["id"]]
    place.intercom.of("acc_062")["archived"] = True
    theirs: dict[str, Any] = {"role": "user", "archived": False}
    contacts["c1"] = {
        **theirs, "id": "c1", "external_id": "acc_gone",
        "custom_attributes": {"billing_mode": "test"},
    }  # fmt: skip
    contacts["c2"] = {
        **theirs, "id": "c2", "external_id": "acc_live",
        "custom_attributes": {"billing_mode": "live"},
    }  # fmt: skip
    contacts["c3"] = {**theirs, "id": "c3", "external_id": "a-user-of-the-product"}
    contacts["c4"] = {**theirs, "id": "c4", "role": "lead", "email": "lead@example.com"}


def test_nothing_differs_after_what_was_written(place: PeopleScene) -> None:
    before = len(place.intercom.calls)
    assert found(place) == {}
    assert len(place.intercom.calls) - before == 3, "a call for each page of 50 contacts"


def test_an_address_in_another_case_is_no_difference(place: PeopleScene) -> None:
    place.intercom.of("acc_003")["email"] = "a3@EXAMPLE.com"
    assert found(place) == {}


def test_who_unsubscribed_there_does_not_differ_and_is_not_subscribed_again(
    place: PeopleScene,
) -> None:
    place.intercom.of("acc_003")["unsubscribed_from_emails"] = True
    place.intercom.of("acc_004").update(unsubscribed_from_emails=True, name="Somebody")
    assert set(found(place, repair=True)) == {"acc_004"}
    assert place.intercom.of("acc_004")["name"] == "Ada 4"
    for id in ("acc_003", "acc_004"):
        assert place.intercom.of(id)["unsubscribed_from_emails"] is True


def test_each_difference_is_named(place: PeopleScene) -> None:
    spoil(place)
    assert found(place) == {
        "acc_007": "name is 'Somebody', and must be 'Ada 7';"
        " billing_plan is 'scale', and must be 'pro'",
        "acc_060": "unsubscribed_from_emails is False, and must be True",
        "acc_061": "there is no contact",
        "acc_062": "there is no contact",
        "acc_gone": "there is a contact, and no account",
    }


def test_a_repair_writes_them_again_and_deletes_nothing(place: PeopleScene) -> None:
    spoil(place)
    assert len(found(place, repair=True)) == 5
    assert found(place) == {"acc_gone": "there is a contact, and no account"}
    assert {"c1", "c2", "c3", "c4"} <= place.intercom.contacts.keys()


def test_a_limit_and_half_answers_are_waited_for(place: PeopleScene) -> None:
    answers = iter([CallAnswer(429), CallAnswer(200, body=b'{"type": "list", "data": [{')])
    place.intercom.fails = lambda method, path: next(answers, None)
    assert found(place) == {}


def test_a_system_that_stays_down_ends_it_with_its_reason(place: PeopleScene) -> None:
    place.intercom.fails = lambda method, path: CallAnswer(401)
    with pytest.raises(SystemDown, match="401"):
        found(place)


def test_segment_cannot_be_read(place: PeopleScene) -> None:
    place.system = Segment(lambda *_: CallAnswer(200), lambda: place.services.now.at)
    with pytest.raises(NotPossible, match="Only Intercom"):
        found(place)


def test_after_customers_lives_nothing_differs() -> None:
    lives = lived(3, 6)
    scene = PeopleScene(lives.place, lives.suppressed.addresses, lives.system)
    assert found(scene) == {}
