"""Whoever types somebody's address into the form gets nothing of their contact at Intercom."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.account.facts import CustomerSnapshot
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.state import Account
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import contact
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.usecases.fan_out import forget_person
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene

ADA = "ada@example.com"


@pytest.fixture
def place() -> PeopleScene:
    """Intercom has a contact that the team made: without an id of ours, and unsubscribed."""
    place = PeopleScene()
    place.intercom.contacts["team"] = {
        "id": "team", "role": "user", "email": "Ada@Example.com", "name": "Ada Byron",
        "archived": False, "unsubscribed_from_emails": True,
    }  # fmt: skip
    return place


def signed_up(place: PeopleScene, name: str | None = "Eve") -> dict[str, Any]:
    """A stranger's signup with Ada's address; the team's contact as it was before."""
    before = deepcopy(place.intercom.contacts["team"])
    place.signs_up("acc_1", ADA, name)
    place.settles()
    return before


def test_a_signup_takes_no_contact_that_was_there_and_its_end_deletes_none(
    place: PeopleScene,
) -> None:
    before = signed_up(place)
    own = place.intercom.of("acc_1")
    assert (own["name"], "email" in own) == ("Eve", False)
    assert {one["user_id"] for one in place.intercom.events} == {"acc_1"}
    place.is_renamed("acc_1", "Mallory")
    place.settles()
    assert place.intercom.of("acc_1")["name"] == "Mallory"
    account = place.account("acc_1")
    forget_person(account, place.services.services)
    place.services.accounts.erase(account, place.services.now.at)
    place.settles()
    assert place.intercom.contacts == {"team": before}


def test_the_page_of_the_customer_says_why_the_contact_has_no_address(place: PeopleScene) -> None:
    signed_up(place)
    person = place.services.persons.load("acc_1")
    assert person
    assert (person.without_email, person.waits_for_proof) == (True, True)
    assert "nobody has proved" in person.reason


def test_once_the_address_is_proved_the_contact_is_the_accounts_at_once(
    place: PeopleScene,
) -> None:
    signed_up(place, None)
    place.proves("acc_1")
    place.settles()
    (only,) = place.intercom.contacts.values()
    assert (only["id"], only["external_id"], only["name"]) == ("team", "acc_1", "Ada Byron")
    assert only["unsubscribed_from_emails"] is True, "that was Ada's own word"
    person = place.services.persons.load("acc_1")
    assert person
    assert (person.id, person.without_email, person.waits_for_proof) == ("team", False, False)
    before = len(place.intercom.calls)
    place.proves("acc_1")
    place.sweeps()
    assert len(place.intercom.calls) == before


@pytest.mark.parametrize(
    "theirs",
    [
        {"external_id": "their-id"},
        {"archived": True},
        {"custom_attributes": {"billing_mode": "live"}},
    ],
)
def test_a_contact_that_is_somebodys_meanwhile_stays_theirs(
    place: PeopleScene, theirs: dict[str, Any]
) -> None:
    signed_up(place)
    place.intercom.contacts["team"] |= theirs
    before = deepcopy(place.intercom.contacts["team"])
    place.proves("acc_1")
    place.settles()
    assert place.intercom.contacts["team"] == before
    assert "email" not in place.intercom.of("acc_1")
    person = place.services.persons.load("acc_1")
    assert person
    assert (person.without_email, person.waits_for_proof) == (True, False)


def test_where_the_other_contact_is_gone_meanwhile_the_own_one_gets_the_address(
    place: PeopleScene,
) -> None:
    signed_up(place)
    own = place.intercom.of("acc_1")["id"]
    del place.intercom.contacts["team"]
    place.proves("acc_1")
    place.settles()
    contact = place.intercom.of("acc_1")
    assert (contact["id"], contact["email"]) == (own, ADA)


def test_an_adoption_that_stops_half_way_goes_on(place: PeopleScene) -> None:
    signed_up(place)
    place.proves("acc_1")
    down = CallAnswer(503)
    place.intercom.fails = lambda method, path: (
        down if (method, path) == ("POST", "/contacts") else None
    )
    place.settles()
    assert list(place.intercom.contacts) == ["team"], "the own one was deleted"
    place.intercom.fails = lambda method, path: None
    place.passes(minutes=10)
    assert place.intercom.of("acc_1")["id"] == "team"


def test_an_address_that_was_typed_at_stripe_takes_a_contact_once_something_was_paid(
    place: PeopleScene,
) -> None:
    at = place.services.now.at
    typed = CustomerSnapshot(Customer("cus_1", email=ADA), FromFetch(at, ""))
    account = place.changes(Account("acc_1"), typed)
    assert not contact(account, POLICY, False, at).may_adopt
    paid = replace(account, ended={"sub_1": at})
    assert contact(paid, POLICY, False, at).may_adopt
