"""Intercom tells that a contact was deleted, archived or merged: the next write is right, and
nothing goes round in circles.
"""

from datetime import timedelta
from itertools import permutations

import pytest

from chalicelib.domain.account.facts import CustomerSnapshot
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact_news import after_contact
from chalicelib.domain.people.heard import ContactHeard
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.usecases.accounts.hear_people import Outcome, hear
from chalicelib.usecases.fan_out import forget_person
from chalicelib.usecases.webhooks.people.intercom import Intercom
from chalicelib.values import replace
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene
from tests.unit.usecases.webhooks.people.test_faults import is_complete

assert POLICY.people
ID = "acc_5"
TAKEN = Outcome(True)


@pytest.fixture
def place() -> PeopleScene:
    scene = PeopleScene()
    scene.signs_up(ID, "noor@example.com", "Noor")
    scene.settles()
    scene.passes(minutes=5)
    return scene


def contact_id(place: PeopleScene) -> str:
    return str(place.intercom.of(ID)["id"])


def known(place: PeopleScene) -> Person:
    found = place.services.persons.load(ID)
    assert found
    return found


def is_told(
    place: PeopleScene, change: str, id: str, policy: PeoplePolicy | None = None, age: int = 0
) -> Outcome:
    at = place.services.now.at.replace(microsecond=0) - timedelta(seconds=age)
    heard = ContactHeard(ID, id, change, at)  # type: ignore[arg-type]
    policy = policy or POLICY.people
    assert policy
    outcome = hear(heard, policy, place.services.services)
    place.settles()
    place.passes(minutes=5)
    return outcome


def calls(place: PeopleScene, name: str) -> list[str]:
    """What one more change of the account asks of Intercom about its contact."""
    before = len(place.intercom.calls)
    place.is_renamed(ID, name)
    place.settles()
    asked = [f"{method} {path}" for method, path in place.intercom.calls[before:]]
    return [one for one in asked if one != "POST /events"]


def test_after_a_deletion_the_next_change_makes_a_new_contact_at_once(place: PeopleScene) -> None:
    old = contact_id(place)
    del place.intercom.contacts[old]
    before = len(place.intercom.calls)
    assert is_told(place, "deleted", old) == TAKEN
    assert place.intercom.calls[before:] == [], "it is not made again by itself"
    assert "erase the account" in known(place).reason
    made = calls(place, "Noor B")
    assert f"PUT /contacts/{old}" not in made
    assert made[-1] == "POST /contacts"
    assert known(place).id == contact_id(place) != old
    assert known(place).reason == ""


def test_a_deletion_is_no_erasure(place: PeopleScene) -> None:
    before = place.account(ID)
    old = contact_id(place)
    del place.intercom.contacts[old]
    is_told(place, "deleted", old)
    assert place.account(ID) == before


def test_the_same_content_is_written_again_after_a_deletion(place: PeopleScene) -> None:
    old = contact_id(place)
    del place.intercom.contacts[old]
    is_told(place, "deleted", old)
    place.reaches(ID, "shared_board")  # changes nothing of the contact
    place.settles()
    assert place.intercom.of(ID)["email"] == "noor@example.com"
    assert place.intercom.events[-1]["event_name"] == "milestone-reached"


def test_a_late_word_of_a_contact_of_before_leaves_the_new_one(place: PeopleScene) -> None:
    old = contact_id(place)
    del place.intercom.contacts[old]
    calls(place, "Noor B")  # found out without being told
    kept = known(place)
    assert kept.id != old
    for change in ("deleted", "archived"):
        assert is_told(place, change, old, age=200) == Outcome(False, "older")
    assert known(place) == kept
    assert calls(place, "Noor C") == [f"PUT /contacts/{kept.id}"]


@pytest.mark.parametrize("revive", [True, False])
def test_an_archived_contact_comes_back_with_the_next_change_if_the_policy_says_so(
    place: PeopleScene, revive: bool
) -> None:
    place.system = Intercom(place.intercom, revive)
    id = contact_id(place)
    place.intercom.contacts[id]["archived"] = True
    assert is_told(place, "archived", id) == TAKEN
    assert known(place).id == id, "nothing else finds it"
    assert is_told(place, "archived", id, age=300) == Outcome(False, "same")
    calls(place, "Noor B")
    assert place.intercom.contacts[id]["archived"] is not revive
    assert list(place.intercom.contacts) == [id]
    assert place.waiting() == []
    assert calls(place, "Noor B") == [], "it is settled"


def test_who_is_archived_there_can_still_be_erased_there(place: PeopleScene) -> None:
    id = contact_id(place)
    place.intercom.contacts[id]["archived"] = True
    is_told(place, "archived", id)
    forget_person(place.account(ID), place.services.services)
    place.services.accounts.erase(place.account(ID), place.services.now.at)
    place.settles()
    assert place.intercom.contacts == {}
    assert is_told(place, "deleted", id) == Outcome(False, "no_account"), "our own call comes back"


def test_a_merged_contact_is_written_under_its_new_id(place: PeopleScene) -> None:
    old = contact_id(place)
    left = {**place.intercom.contacts.pop(old), "id": "left9", "custom_attributes": {}}
    place.intercom.contacts["left9"] = left
    assert is_told(place, "merged", "left9") == TAKEN
    assert known(place).id == "left9"
    assert left["custom_attributes"]["billing_access"] == "full", "it is made right by itself"
    assert is_told(place, "merged", "left9", age=10) == Outcome(False, "same")
    assert calls(place, "Noor B") == ["PUT /contacts/left9"]


def test_leads_that_we_merge_ourselves_are_no_news(place: PeopleScene) -> None:
    kept = known(place)
    assert is_told(place, "merged", contact_id(place)) == Outcome(False, "same")
    assert known(place) == kept


def test_what_we_archive_ourselves_is_no_news_even_before_the_answer(place: PeopleScene) -> None:
    id = contact_id(place)

    def tells(method: str, path: str) -> CallAnswer | None:
        if path.endswith("/archive"):
            at = place.services.now.at.replace(microsecond=0)
            place.intercom.fails = lambda method, path: None
            hear(ContactHeard(ID, id, "archived", at), policy, place.services.services)
        return None

    policy = POLICY.people
    assert policy
    place.intercom.fails = tells
    place.services.now.at += timedelta(days=20)
    gone = Customer("cus_5", "noor@example.com", deleted=True)
    place.changes(place.account(ID), CustomerSnapshot(gone, FromFetch(place.services.now.at, "")))
    place.settles()
    assert place.intercom.contacts[id]["archived"]
    assert (known(place).archived, bool(known(place).digest)) == (True, True)
    place.passes(hours=2)
    assert is_complete(place)


def test_a_deletion_during_a_write_is_not_forgotten_by_it(place: PeopleScene) -> None:
    old = contact_id(place)

    def tells(method: str, path: str) -> CallAnswer | None:
        place.intercom.fails = lambda method, path: None
        answer = place.intercom(method, path, {"name": "Noor B", "custom_attributes": {}})
        del place.intercom.contacts[old]
        at = place.services.now.at.replace(microsecond=0)
        hear(ContactHeard(ID, old, "deleted", at), policy, place.services.services)
        return answer

    policy = POLICY.people
    assert policy
    place.intercom.fails = tells
    place.is_renamed(ID, "Noor B")
    place.settles()
    assert (known(place).id, known(place).digest) == ("", "")
    calls(place, "Noor C")
    assert place.intercom.of(ID)["name"] == "Noor C"


def test_another_system_than_intercom_has_no_such_contacts(place: PeopleScene) -> None:
    kept = known(place)
    assert POLICY.people
    segment = replace(POLICY.people, to="segment")
    assert is_told(place, "deleted", kept.id, segment) == Outcome(False, "not_followed")
    assert known(place) == kept


def test_a_word_of_a_merge_takes_no_contact_of_somebody_else(place: PeopleScene) -> None:
    """The secret has leaked, say, or the webhook is wrong."""
    ours = contact_id(place)
    team = {"id": "team1", "type": "contact", "role": "user", "archived": False, "name": "Team"}
    place.intercom.contacts["team1"] = dict(team)
    assert is_told(place, "merged", "team1") == TAKEN
    assert place.intercom.contacts["team1"] == team
    assert known(place).id == ours, "it was looked for"
    forget_person(place.account(ID), place.services.services)
    place.services.accounts.erase(place.account(ID), place.services.now.at)
    place.settles()
    assert list(place.intercom.contacts) == ["team1"]


def test_any_order_and_any_repeat_end_as_the_newest_says() -> None:
    now = PeopleScene().services.now.at
    told = [
        ContactHeard(ID, "c1", "archived", now),
        ContactHeard(ID, "c2", "merged", now + timedelta(seconds=5)),
        ContactHeard(ID, "c2", "deleted", now + timedelta(seconds=9)),
    ]
    for order in permutations([*told, told[0], told[2]]):
        person = Person(id="c1", digest="d")
        for heard in order:
            _, person = after_contact(heard, person)
        assert person.digest == ""
        assert person.id in ("", "c1"), "a stale id is found out by the next write"
    person, decisions = Person(id="c1", digest="d"), []
    for heard in told:
        decision, person = after_contact(heard, person)
        decisions.append(decision)
    assert decisions == ["taken", "taken", "same"]
    assert (person.id, person.version) == ("", 2)
