"""Accounts at Intercom: whatever happens there and here, each contact ends as its account is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.facts import ConsentGiven
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.policy.policy import TeamPolicy
from chalicelib.usecases.fan_out import forget_person, join_person
from chalicelib.usecases.webhooks.people.intercom import Intercom
from tests.unit.usecases.messaging.test_lifecycles import MAIL
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene


@pytest.fixture
def place() -> PeopleScene:
    return PeopleScene()


def test_a_signup_becomes_a_contact_with_its_event(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com", "Ada")
    place.settles()
    one = place.intercom.of("acc_1")
    assert (one["role"], one["email"], one["name"]) == ("user", "ada@example.com", "Ada")
    assert one["signed_up_at"] == int(place.services.now.at.timestamp())
    told = one["custom_attributes"]
    assert told["billing_access"] == "full"
    assert told["billing_mode"] == "test"
    assert told["billing_source"] == "site"
    assert account.signup
    assert told["trial_ends_at"] == int(account.signup.trial_ends_at.timestamp())
    assert told["mrr"] == 0.0
    assert [event["event_name"] for event in place.intercom.events] == [
        event.type.replace(".", "-") for event in place.services.published
    ]
    assert place.waiting() == []


def test_the_attributes_are_made_before_the_first_contact(place: PeopleScene) -> None:
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    assert len(place.intercom.attributes) == 12
    before = len(place.intercom.calls)
    place.signs_up("acc_2", "eve@example.com")
    place.settles()
    paths = [path for _, path in place.intercom.calls[before:]]
    assert "/data_attributes" not in paths


def test_a_state_that_was_written_costs_no_call(place: PeopleScene) -> None:
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    before = len(place.intercom.calls)
    place.sweeps()
    assert len(place.intercom.calls) == before


def test_an_unsubscription_reaches_the_contact_without_an_event(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com", "Ada")
    place.settles()
    events = len(place.intercom.events)
    place.changes(account, ConsentGiven("lifecycle", False, place.services.now.at))
    place.settles()
    assert place.intercom.of("acc_1")["unsubscribed_from_emails"] is True
    assert len(place.intercom.events) == events


def test_a_contact_is_subscribed_again_by_us_only_after_we_unsubscribed_it(
    place: PeopleScene,
) -> None:
    lead = {"id": "u1", "role": "user", "email": "ada@example.com", "archived": False}
    place.intercom.contacts["u1"] = {**lead, "unsubscribed_from_emails": True}
    place.signs_up("acc_1", "ada@example.com", "Ada")
    account = place.proves("acc_1")
    place.settles()
    contact = place.intercom.of("acc_1")
    assert (contact["id"], contact["unsubscribed_from_emails"]) == ("u1", True), "adopted"
    for subscribed in (False, True):
        at = place.services.now.at
        account = place.changes(account, ConsentGiven("lifecycle", subscribed, at))
        place.settles()
    assert place.intercom.of("acc_1")["unsubscribed_from_emails"] is False


def test_changes_within_seconds_are_one_write(place: PeopleScene) -> None:
    place.signs_up("acc_1", "ada@example.com", "A")
    place.settles()
    before = len(place.intercom.calls)
    for name in ("B", "C", "D"):
        place.is_renamed("acc_1", name)
    place.settles()
    written = [path for method, path in place.intercom.calls[before:] if method == "PUT"]
    assert len(written) == 1
    assert place.intercom.of("acc_1")["name"] == "D"


def test_who_is_suppressed_is_unsubscribed_there(place: PeopleScene) -> None:
    place.suppressed.add("ada@example.com")
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    assert place.intercom.of("acc_1")["unsubscribed_from_emails"] is True


def test_a_contact_of_the_same_address_without_an_id_is_adopted(place: PeopleScene) -> None:
    place.intercom.contacts["c9"] = {
        "id": "c9", "role": "user", "email": "ADA@example.com", "archived": False,
    }  # fmt: skip
    place.signs_up("acc_1", "ada@example.com")
    place.proves("acc_1")
    place.settles()
    assert place.intercom.of("acc_1")["id"] == "c9"
    assert len(place.intercom.contacts) == 1


def test_a_contact_with_another_id_is_somebody_elses(place: PeopleScene) -> None:
    place.intercom.contacts["c9"] = {
        "id": "c9", "role": "user", "email": "ada@example.com", "external_id": "their-id",
        "archived": False,
    }  # fmt: skip
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    assert place.intercom.contacts["c9"]["external_id"] == "their-id"
    assert "email" not in place.intercom.of("acc_1")
    person = place.services.persons.load("acc_1")
    assert person
    assert person.without_email
    assert "another id" in person.reason
    assert place.intercom.events


def has_a_contact_of_live_mode(place: PeopleScene) -> None:
    """There is one with the account's id, which the stage in live mode has written."""
    place.intercom.contacts["c9"] = {
        "id": "c9", "role": "user", "external_id": "acc_1", "archived": False,
        "custom_attributes": {"billing_mode": "live"},
    }  # fmt: skip


def test_a_contact_of_the_other_mode_is_left_alone(place: PeopleScene) -> None:
    has_a_contact_of_live_mode(place)
    place.signs_up("acc_1", "ada@example.com")
    (told,) = place.settles()
    assert "live mode" in str(told.error)
    assert "email" not in place.intercom.contacts["c9"]
    assert place.intercom.events == []
    assert place.waiting() == []


@pytest.mark.parametrize("leaves", ["erased", "joined"])
def test_the_end_of_an_account_takes_no_contact_of_the_other_mode(
    place: PeopleScene, leaves: str
) -> None:
    """The product chose the ids, so they are the same in test and in live mode."""
    has_a_contact_of_live_mode(place)
    account = place.signs_up("acc_1", "ada@example.com")
    place.settles()
    if leaves == "erased":
        forget_person(account, place.services.services)
    else:
        join_person(account, "acc_2", place.services.services)
    place.services.accounts.erase(place.account("acc_1"), place.services.now.at)
    place.settles()
    assert place.intercom.contacts["c9"]["archived"] is False
    assert place.waiting() == []


def test_the_mode_of_a_contact_counts_though_this_stage_sends_none(place: PeopleScene) -> None:
    assert POLICY.people
    only_email = replace(POLICY.people, fields=frozenset({"email"}))
    place.services.policy = replace(POLICY, people=only_email)
    has_a_contact_of_live_mode(place)
    place.signs_up("acc_1", "ada@example.com")
    (told,) = place.settles()
    assert "live mode" in str(told.error)
    assert "email" not in place.intercom.contacts["c9"]


def test_a_merged_contact_is_followed_to_the_one_that_is_left(place: PeopleScene) -> None:
    place.intercom.contacts["c7"] = {"id": "c7", "role": "user", "archived": False}
    place.intercom.merged["acc_1"] = "c7"
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    person = place.services.persons.load("acc_1")
    assert person
    assert person.id == "c7"


@pytest.mark.parametrize("revive", [True, False])
def test_a_contact_that_was_archived_there_is_revived_or_left(
    place: PeopleScene, revive: bool
) -> None:
    place.system = Intercom(place.intercom, revive)
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.intercom.of("acc_1")["archived"] = True
    place.is_renamed("acc_1", "Ada")
    (told,) = place.settles()
    one = place.intercom.of("acc_1")
    assert one["archived"] is not revive
    assert (told.error is None) is revive
    assert place.waiting() == []


def test_what_is_refused_is_not_repeated_until_it_changes(place: PeopleScene) -> None:
    place.intercom.fails = lambda method, path: (
        CallAnswer(400, None, "wrong") if path == "/contacts" else None
    )
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    before = len(place.intercom.calls)
    place.passes(hours=3)
    assert len(place.intercom.calls) == before
    assert place.services.metrics["PeopleRefused"] == 1
    place.intercom.fails = lambda method, path: None
    place.is_renamed("acc_1", "Ada")
    place.settles()
    assert place.intercom.of("acc_1")["name"] == "Ada"


def test_an_outage_of_almost_three_days_loses_nothing(place: PeopleScene) -> None:
    place.intercom.fails = lambda method, path: CallAnswer(503)
    place.signs_up("acc_1", "ada@example.com")
    place.signs_up("acc_2", "eve@example.com")
    place.settles()
    place.passes(hours=70)
    calls = len(place.intercom.calls)
    assert calls < 70 * 5, (
        "it is called every quarter of an hour at most, for all accounts together"
    )
    place.intercom.fails = lambda method, path: None
    place.passes(minutes=20)
    assert {one["external_id"] for one in place.intercom.contacts.values()} == {"acc_1", "acc_2"}
    assert len(place.intercom.events) == len(place.services.published)
    assert place.waiting() == []


def test_after_three_days_it_is_given_up_and_counted(place: PeopleScene) -> None:
    place.intercom.fails = lambda method, path: CallAnswer(None, "No answer.")
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.passes(hours=73)
    assert place.waiting() == []
    assert place.services.metrics["DeliveriesGivenUp"] > 0


def test_a_limit_is_waited_for_by_intercoms_own_clock(place: PeopleScene) -> None:
    place.intercom.limit = 30
    for number in range(40):
        place.signs_up(f"acc_{number}", f"a{number}@example.com")
    place.settles()
    place.passes(minutes=30)
    assert len(place.intercom.contacts) == 40
    assert place.waiting() == []
    assert place.intercom.limit == 30


def test_a_revoked_token_is_told_once_and_rests_for_an_hour(place: PeopleScene) -> None:
    team = TeamPolicy(("team@acme.example",), frozenset(), digest=False)
    place.services.policy = replace(POLICY, team=team, mail=MAIL)
    place.intercom.fails = lambda method, path: CallAnswer(401)
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    calls = len(place.intercom.calls)
    place.passes(minutes=59)
    assert len(place.intercom.calls) == calls
    place.passes(hours=5)
    notices = [one for one in place.services.mail_queue.waiting if "endpoint_id" in one]
    assert len(notices) == 1
    place.intercom.fails = lambda method, path: None
    place.passes(hours=2)
    assert place.intercom.of("acc_1")
    assert place.waiting() == []


def test_who_is_erased_is_deleted_there_for_good_even_if_archived(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.intercom.of("acc_1")["archived"] = True
    forget_person(account, place.services.services)
    place.services.accounts.erase(place.account("acc_1"), place.services.now.at)
    place.settles()
    assert place.intercom.contacts == {}
    assert place.waiting() == []


def test_an_erasure_that_is_not_done_yet_is_waited_for(place: PeopleScene) -> None:
    account = place.signs_up("acc_1", "ada@example.com")
    place.settles()
    forget_person(account, place.services.services)
    place.settles()
    assert place.intercom.of("acc_1"), "the account is still there"
    place.services.accounts.erase(place.account("acc_1"), place.services.now.at)
    place.passes(minutes=3)
    assert place.intercom.contacts == {}


@pytest.mark.parametrize("at", range(1, 40))
def test_a_run_that_ends_at_any_call_is_made_good(place: PeopleScene, at: int) -> None:
    class Ended(Exception):
        pass

    def ends(method: str, path: str) -> CallAnswer | None:
        if len(place.intercom.calls) == at:
            raise Ended
        return None

    place.intercom.fails = ends
    place.signs_up("acc_1", "ada@example.com")
    try:
        place.settles()
    except Ended:
        place.services.now.at += timedelta(minutes=1)
    place.intercom.fails = lambda method, path: None
    place.passes(minutes=3)
    assert place.intercom.of("acc_1")["email"] == "ada@example.com"
    assert len(place.intercom.events) == len(place.services.published)
    assert place.waiting() == []
