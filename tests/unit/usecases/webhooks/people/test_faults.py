"""What goes wrong at Intercom, or is done there by hand: nothing is lost, and nobody else's contact
is touched.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.facts import AddressProved, GrantGiven
from chalicelib.domain.account.state import Grant
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import ATTRIBUTES
from chalicelib.domain.people.deliveries import CONTACT_CHANGED
from chalicelib.domain.people.state import PeopleState
from chalicelib.domain.policy.policy import TeamPolicy
from chalicelib.usecases.fan_out import forget_person, join_person
from tests.fakes.grids import grid
from tests.unit.usecases.messaging.test_lifecycles import MAIL
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene

Fails = Callable[[str, str], CallAnswer | None]


@pytest.fixture
def place() -> PeopleScene:
    return PeopleScene()


def answering(place: PeopleScene, times: int, method: str, path: str, answer: CallAnswer) -> Fails:
    """The next calls of that kind are answered so."""
    left = [times]

    def fails(called: str, at: str) -> CallAnswer | None:
        if left[0] and (called, at) == (method, path):
            left[0] -= 1
            return answer
        return None

    return fails


def names(place: PeopleScene) -> list[str]:
    return sorted(event["metadata"]["event_id"] for event in place.intercom.events)


def published(place: PeopleScene) -> list[str]:
    """The events that are told: a change of the contact is none."""
    return sorted(one.id for one in place.services.published if one.type != CONTACT_CHANGED)


def is_complete(place: PeopleScene) -> bool:
    return names(place) == published(place) and not place.waiting()


def granted(place: PeopleScene, id: str) -> None:
    """An event that changes the contact too."""
    until = place.services.now.at + timedelta(days=99)
    place.changes(place.account(id), GrantGiven(Grant(until, "scale", "sorry")))
    place.settles()


def there(id: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "role": "user", "archived": False, "custom_attributes": {}, **fields}


# Half answers


@pytest.mark.parametrize("body", [b"", b'{"type":"contact","id":"c1', b"[]", b"\xff"])
def test_half_an_answer_that_made_the_contact_loses_no_event(
    place: PeopleScene, body: bytes
) -> None:
    def cut(method: str, path: str) -> CallAnswer | None:
        if (method, path) != ("POST", "/contacts") or not place.intercom.attributes:
            return None
        place.intercom.fails = lambda *_: None
        made = {"role": "user", "external_id": "acc_1", "email": "ada@example.com"}
        place.intercom("POST", "/contacts", made)
        return CallAnswer(200, body=body)

    place.intercom.fails = cut
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.passes(minutes=5)
    assert len(place.intercom.contacts) == 1
    assert place.intercom.of("acc_1")["custom_attributes"]["billing_access"] == "full"
    assert is_complete(place)


def test_half_an_answer_to_a_search_makes_no_second_contact(place: PeopleScene) -> None:
    place.intercom.contacts["c9"] = there("c9", external_id="acc_1")
    path = "/contacts/find_by_external_id/acc_1"
    place.intercom.fails = answering(place, 1, "GET", path, CallAnswer(200, body=b'{"id"'))
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.passes(minutes=5)
    assert list(place.intercom.contacts) == ["c9"]
    assert is_complete(place)


# The limit


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(hours=5), timedelta(hours=-5)])
def test_the_limit_is_never_reached_where_the_headers_tell_of_it(
    place: PeopleScene, skew: timedelta
) -> None:
    place.intercom.limit = 200
    place.intercom.now = lambda: place.services.now.at + skew
    seen: list[int | None] = []
    handle = place.intercom.__class__.__call__

    def watched(method: str, path: str, body: Any) -> CallAnswer:
        answer = handle(place.intercom, method, path, body)
        seen.append(answer.code)
        return answer

    place.call = watched
    for number in range(120):
        place.signs_up(f"acc_{number}", f"a{number}@example.com")
    began = place.services.now.at
    place.settles()
    assert 429 not in seen
    assert is_complete(place)
    assert place.services.now.at - began < timedelta(minutes=2)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "20"}, {"x-ratelimit-reset": "soon"}])
def test_a_storm_of_429_without_readable_headers_is_waited_out(
    place: PeopleScene, headers: dict[str, str]
) -> None:
    storm = CallAnswer(429, retry_after=headers.get("retry-after"), headers=headers)
    place.intercom.fails = lambda method, path: (
        storm if place.services.now.at.minute % 3 else None  # two of three minutes
    )
    for number in range(10):
        place.signs_up(f"acc_{number}", f"a{number}@example.com")
    place.settles()
    place.passes(minutes=20)
    assert len(place.intercom.contacts) == 10
    assert is_complete(place)


# Done by hand at Intercom


def test_a_contact_that_was_deleted_by_hand_is_made_again_for_the_next_event(
    place: PeopleScene,
) -> None:
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.intercom.contacts.clear()
    told = place.hands_over("acc_1")
    assert place.intercom.of("acc_1")["email"] == "ada@example.com"
    assert told in names(place)
    assert place.waiting() == []


def test_a_contact_that_was_archived_by_hand_comes_back_for_the_next_event(
    place: PeopleScene,
) -> None:
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.intercom.of("acc_1")["archived"] = True
    told = place.hands_over("acc_1")
    assert place.intercom.of("acc_1")["archived"] is False
    assert told in names(place)
    assert place.waiting() == []


def test_an_attribute_that_was_archived_by_hand_is_brought_back(place: PeopleScene) -> None:
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.intercom.archived_attributes.add("mrr")
    place.is_renamed("acc_1", "Ada")
    place.settles()
    assert place.intercom.archived_attributes == set()
    assert place.intercom.of("acc_1")["name"] == "Ada"


def of_another_type(place: PeopleScene) -> None:
    place.intercom.attributes["mrr"] = "string"


def full(place: PeopleScene) -> None:
    place.intercom.most_attributes = 7


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(of_another_type, "mrr is of the type string"), (full, "reached the limit")],
)
def test_a_workspace_without_the_attributes_is_told_once_and_waited_for(
    place: PeopleScene, spoil: Callable[[PeopleScene], None], told: str
) -> None:
    team = TeamPolicy(("team@acme.example",), frozenset(), digest=False)
    place.services.policy = replace(POLICY, team=team, mail=MAIL)
    spoil(place)
    for number in range(5):
        place.signs_up(f"acc_{number}", f"a{number}@example.com")
    place.settles()
    calls = len(place.intercom.calls)
    place.passes(minutes=50)
    assert len(place.intercom.calls) == calls
    state = place.services.job_states.load(PeopleState)
    assert state
    assert told in state.why
    place.passes(hours=4)
    notices = [one for one in place.services.mail_queue.waiting if "endpoint_id" in one]
    assert len(notices) == 1
    place.intercom.most_attributes = 250
    place.intercom.attributes.pop("mrr", None)
    place.passes(minutes=70)
    assert len(place.intercom.contacts) == 5
    assert place.intercom.attributes == ATTRIBUTES
    assert is_complete(place)


def test_an_address_that_is_free_again_goes_to_its_account(place: PeopleScene) -> None:
    place.intercom.contacts["c9"] = there("c9", external_id="x", email="ADA@example.com")
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    assert "email" not in place.intercom.of("acc_1")
    del place.intercom.contacts["c9"]
    place.is_renamed("acc_1", "Ada")
    place.settles()
    assert place.intercom.of("acc_1")["email"] == "ada@example.com"
    person = place.services.persons.load("acc_1")
    assert person
    assert (person.without_email, person.reason) == (False, "")


def test_a_name_that_the_account_has_no_more_is_cleared(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com", "Ada")
    place.settles()
    nameless = replace(account, version=account.version + 1)
    nameless = replace(nameless, profile=replace(nameless.profile, name=None))
    place.services.accounts.save(account, nameless)
    granted(place, "acc_1")
    assert place.intercom.of("acc_1")["name"] is None


def test_an_adopted_contact_keeps_the_name_that_it_has(place: PeopleScene) -> None:
    place.intercom.contacts["c9"] = there("c9", email="ada@example.com", name="Ada of Acme")
    place.signs_up("acc_1", "ada@example.com")
    place.proves("acc_1")
    place.settles()
    granted(place, "acc_1")
    assert place.intercom.of("acc_1")["name"] == "Ada of Acme"


# Merged


def merged_into_anothers(place: PeopleScene) -> None:
    """The contact of acc_1 is merged into that of acc_2."""
    place.signs_up("acc_1", "ada@example.com")
    place.signs_up("acc_2", "eve@example.com")
    place.settles()
    one, other = place.intercom.of("acc_1")["id"], place.intercom.of("acc_2")["id"]
    del place.intercom.contacts[one]
    place.intercom.merged["acc_1"] = other


def test_a_contact_that_was_merged_into_another_accounts_is_not_written_over(
    place: PeopleScene,
) -> None:
    merged_into_anothers(place)
    before = json.dumps(place.intercom.of("acc_2"))
    place.is_renamed("acc_1", "Ada")
    (told,) = place.settles()
    assert "belongs to acc_2" in str(told.error)
    assert json.dumps(place.intercom.of("acc_2")) == before


def test_an_erasure_does_not_delete_the_account_that_a_contact_was_merged_into(
    place: PeopleScene,
) -> None:
    merged_into_anothers(place)
    account = place.account("acc_1")
    forget_person(account, place.services.services)
    place.services.accounts.erase(account, place.services.now.at)
    place.settles()
    assert place.intercom.of("acc_2")["email"] == "eve@example.com"
    assert place.services.metrics["DeliveriesGivenUp"] == 1


def test_a_409_that_names_nobody_is_tried_again_later(place: PeopleScene) -> None:
    conflict = CallAnswer(409, body=b'{"errors":[{"code":"conflict","message":"Locked"}]}')
    place.intercom.fails = answering(place, 2, "POST", "/contacts", conflict)
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    assert place.intercom.contacts == {}
    place.passes(minutes=30)
    assert place.intercom.of("acc_1")
    assert is_complete(place)


# Leads


def test_a_lead_is_merged_once_its_address_is_proved(place: PeopleScene) -> None:
    lead = there("c9", email="Ada@Example.com", external_id=None) | {"role": "lead"}
    place.intercom.contacts["c9"] = lead
    account = place.signs_up("acc_1", "ada@example.com")
    place.settles()
    assert "c9" in place.intercom.contacts, "who typed the address may be a stranger"
    place.services.now.at += timedelta(minutes=1)
    place.changes(account, AddressProved(place.services.now.at))
    granted(place, "acc_1")
    assert list(place.intercom.contacts) == [place.intercom.of("acc_1")["id"]]
    before = len(place.intercom.calls)
    place.is_renamed("acc_1", "Ada")
    place.settles()
    paths = [path for _, path in place.intercom.calls[before:]]
    assert "/contacts/search" not in paths, "the leads are looked for once"


def test_half_an_answer_about_leads_leaves_none_behind(place: PeopleScene) -> None:
    lead = there("c9", email="ada@example.com", external_id=None) | {"role": "lead"}
    place.intercom.contacts["c9"] = lead
    account = place.signs_up("acc_1", "ada@example.com")
    place.settles()
    cut = CallAnswer(200, body=b'{"type":"list","data":[', is_cut=True)
    place.intercom.fails = answering(place, 1, "POST", "/contacts/search", cut)
    place.services.now.at += timedelta(minutes=1)
    place.changes(account, AddressProved(place.services.now.at))
    granted(place, "acc_1")
    place.passes(minutes=5)
    assert list(place.intercom.contacts) == [place.intercom.of("acc_1")["id"]]
    assert is_complete(place)


# Accounts that are gone


def test_a_joined_account_is_archived_with_the_join(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com")
    place.signs_up("acc_2", "eve@example.com")
    place.settles()
    join_person(account, "acc_2", place.services.services)
    place.settles()
    assert place.intercom.of("acc_1")["archived"] is False, "it is still there"
    place.services.accounts.erase(place.account("acc_1"), place.services.now.at)
    place.passes(minutes=3)
    assert place.intercom.of("acc_1")["archived"] is True
    assert place.intercom.of("acc_2")["archived"] is False
    assert place.waiting() == []


def test_a_join_that_was_not_made_archives_nothing(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com")
    place.settles()
    join_person(account, "acc_2", place.services.services)
    place.passes(minutes=70)
    assert place.intercom.of("acc_1")["archived"] is False
    assert place.waiting() == []


def test_an_erasure_outlives_an_outage_of_a_week(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.intercom.fails = lambda method, path: CallAnswer(503)
    forget_person(account, place.services.services)
    place.services.accounts.erase(account, place.services.now.at)
    place.settles()
    for _ in range(7 * 24):
        place.services.now.at += timedelta(hours=1)
        place.sweeps()
    place.intercom.fails = lambda method, path: None
    place.passes(minutes=20)
    assert place.intercom.contacts == {}
    assert place.waiting() == []


class Killed(Exception):
    """The function ended there."""


@pytest.mark.parametrize(
    ("at", "cut"),
    grid(range(1, 36), ["before", "behind", "down", "limited", "token", "half"]),
)
def test_whatever_happens_at_any_call_of_a_life_it_ends_as_it_should(
    place: PeopleScene, at: int, cut: str
) -> None:
    """Two sign up, one is renamed and proves the address, one is erased and one is joined."""
    made = 0

    def call(method: str, path: str, body: Any) -> CallAnswer:
        nonlocal made
        made += 1
        if made != at:
            return place.intercom(method, path, body)
        if cut in ("down", "limited", "token"):
            return CallAnswer({"down": 502, "limited": 429, "token": 401}[cut])
        if cut == "before":
            raise Killed
        answer = place.intercom(method, path, body)
        if cut == "behind":
            raise Killed
        return replace(answer, body=answer.body[: len(answer.body) // 2])

    def settled() -> None:
        try:
            place.settles()
        except Killed:
            place.services.now.at += timedelta(minutes=1)
        place.passes(minutes=70)

    place.call = call
    accounts = [place.signs_up(f"acc_{n}", f"a{n}@example.com") for n in range(3)]
    settled()
    place.is_renamed("acc_1", "Ada")
    place.changes(place.account("acc_1"), AddressProved(place.services.now.at))
    settled()
    told = published(place)
    forget_person(accounts[0], place.services.services)
    join_person(accounts[2], "acc_1", place.services.services)
    for id in ("acc_0", "acc_2"):
        place.services.accounts.erase(place.account(id), place.services.now.at)
    settled()
    archived = {one["external_id"]: one["archived"] for one in place.intercom.contacts.values()}
    assert archived == {"acc_1": False, "acc_2": True}
    assert place.intercom.of("acc_1")["name"] == "Ada"
    assert names(place) == told
    assert place.waiting() == []
    assert place.services.metrics["DeliveriesGivenUp"] == 0
