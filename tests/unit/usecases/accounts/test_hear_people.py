"""What Intercom and Segment tell of the accounts: consent to mail, and milestones."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.account.facts import ConsentGiven
from chalicelib.domain.account.profile import ProfileChanged
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, InvalidInput
from chalicelib.domain.people.heard import ConsentHeard, EventHeard, Heard
from chalicelib.domain.people.state import Person
from chalicelib.usecases.accounts import hear_people
from chalicelib.usecases.accounts.hear_people import Outcome
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene

assert POLICY.people
TAKEN = Outcome(True)
MAPPED = replace(POLICY.people, milestones={"project created": "first_project"})


@pytest.fixture
def place() -> PeopleScene:
    scene = PeopleScene()
    scene.signs_up("acc_1", "ada@example.com")
    scene.settles()
    scene.passes(minutes=5)
    return scene


def now(place: PeopleScene) -> datetime:
    """Intercom's clock has whole seconds."""
    return place.services.now.at.replace(microsecond=0)


def hear(place: PeopleScene, heard: Heard, follows: bool = False) -> Outcome:
    policy = replace(MAPPED, follow_subscribes=follows)
    outcome = hear_people.hear(heard, policy, place.services.services)
    place.settles()
    return outcome


def leaves(place: PeopleScene) -> ConsentHeard:
    """The contact unsubscribes there."""
    place.intercom.of("acc_1")["unsubscribed_from_emails"] = True
    return ConsentHeard("acc_1", True, now(place))


def returns(place: PeopleScene) -> ConsentHeard:
    place.intercom.of("acc_1")["unsubscribed_from_emails"] = False
    return ConsentHeard("acc_1", False, now(place))


def chooses(place: PeopleScene, subscribed: bool) -> Account:
    """The customer says so on a page of ours."""
    account = place.account("acc_1")
    return place.changes(account, ConsentGiven("lifecycle", subscribed, place.services.now.at))


def is_out(place: PeopleScene) -> tuple[bool, bool]:
    """Whether the account gets no lifecycle mail, and whether the contact gets none."""
    there = place.intercom.of("acc_1")["unsubscribed_from_emails"]
    return "lifecycle" in place.account("acc_1").unsubscribed, there


def test_who_unsubscribes_there_is_unsubscribed_here_and_stays_so_there(place: PeopleScene) -> None:
    heard = leaves(place)
    assert hear(place, heard) == TAKEN
    assert place.account("acc_1").unsubscribed == {"lifecycle": heard.at}
    place.is_renamed("acc_1", "Ada")
    place.settles()
    assert is_out(place) == (True, True), "no later write subscribes the contact again"
    entries = [one for one in place.services.timeline.entries.values() if one.kind == "mail"]
    assert [(one.type, one.data) for one in entries] == [
        ("mail.unsubscribed", {"stream": "lifecycle", "by": "intercom"})
    ]


def test_who_subscribes_there_again_is_subscribed_here_if_they_left_there(
    place: PeopleScene,
) -> None:
    hear(place, leaves(place))
    place.passes(minutes=5)
    assert hear(place, returns(place)) == TAKEN
    assert is_out(place) == (False, False)


def test_a_subscription_there_leaves_who_unsubscribed_here(place: PeopleScene) -> None:
    chooses(place, subscribed=False)
    place.settles()
    place.passes(minutes=5)
    assert hear(place, returns(place)) == Outcome(False, "unsubscribed_here")
    assert is_out(place) == (True, False)
    assert place.services.metrics["PeopleWebhooksIgnored"] == 1
    place.passes(minutes=5)
    assert hear(place, returns(place), follows=True).reason == "same", "it was heard before"
    place.is_renamed("acc_1", "Ada")
    place.settles()
    assert is_out(place) == (True, True), "told again with the next change"


def test_a_subscription_there_counts_for_more_if_the_policy_says_so(place: PeopleScene) -> None:
    chooses(place, subscribed=False)
    place.settles()
    place.passes(minutes=5)
    assert hear(place, returns(place), follows=True) == TAKEN
    assert is_out(place) == (False, False)


def test_our_own_writes_come_back_and_change_nothing(place: PeopleScene) -> None:
    chooses(place, subscribed=False)
    place.settles()
    echo = ConsentHeard("acc_1", True, now(place) + timedelta(seconds=1))
    before = place.account("acc_1")
    assert hear(place, echo) == Outcome(False, "same")
    assert place.account("acc_1") == before
    assert place.services.metrics["PeopleWebhooksIgnored"] == 0
    place.passes(minutes=5)
    chooses(place, subscribed=True)
    assert hear(place, echo).reason == "older", "late, while the change waits to be written"
    place.settles()
    assert hear(place, echo).reason == "older", "later still"
    assert is_out(place) == (False, False)


def test_the_echo_of_a_suppressed_address_does_not_unsubscribe_its_account(
    place: PeopleScene,
) -> None:
    place.suppressed.add("ada@example.com")
    place.is_renamed("acc_1", "Ada")
    place.settles()
    assert hear(place, ConsentHeard("acc_1", True, now(place))).reason == "same"
    assert is_out(place) == (False, True)


def test_repeats_and_any_order_end_as_the_newest_says(place: PeopleScene) -> None:
    out = leaves(place)
    place.passes(minutes=1)
    back = returns(place)
    for told in (back, out, back, out):
        hear(place, told)
    assert not is_out(place)[0]
    place.passes(minutes=1)
    again = leaves(place)
    for told in (again, back, out, again):
        hear(place, told)
    assert is_out(place)[0]


def test_who_comes_back_here_at_once_is_subscribed_there_too(place: PeopleScene) -> None:
    services = place.services.services
    hear_people.hear(leaves(place), MAPPED, services)
    chooses(place, subscribed=True)  # before anything is written
    place.settles()
    assert is_out(place) == (False, False)


def test_a_contact_of_the_other_mode_and_one_of_nobody_change_nothing(place: PeopleScene) -> None:
    before = dict(place.services.accounts.items)
    news = [
        replace(leaves(place), mode="live"),
        replace(leaves(place), account_id="acc_2"),
        replace(leaves(place), account_id=""),
        replace(leaves(place), account_id="ada@example.com"),
    ]
    reasons = [hear(place, one).reason for one in news]
    assert reasons == ["other_mode", "no_account", "no_account", "no_account"]
    assert place.services.accounts.items == before
    assert place.services.metrics["PeopleWebhooksIgnored"] == 4


def test_it_is_heard_though_the_contact_is_written_at_that_moment(
    place: PeopleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, refusals = place.services.persons.save, iter([True])

    def once_late(account_id: str, old: Person, new: Person) -> None:
        if next(refusals, False):
            raise ConcurrentUpdate("another run wrote it")
        save(account_id, old, new)

    monkeypatch.setattr(place.services.persons, "save", once_late)
    heard = leaves(place)
    assert hear(place, heard) == TAKEN
    known = place.services.persons.load("acc_1")
    assert known
    assert (known.heard, known.heard_at) == (True, heard.at)
    place.passes(minutes=1)
    assert hear(place, returns(place)) == TAKEN, "they left there, so they come back there"


def test_what_is_heard_during_a_write_and_what_was_written_are_both_kept(
    place: PeopleScene,
) -> None:
    """Intercom may tell of a write before it answers it."""
    chooses(place, subscribed=False)
    heard = ConsentHeard("acc_1", True, now(place))

    def tells(method: str, path: str) -> None:
        place.intercom.fails = lambda method, path: None
        assert hear_people.hear(heard, MAPPED, place.services.services).reason == "same"

    place.intercom.fails = tells
    place.settles()
    known = place.services.persons.load("acc_1")
    assert known
    assert (known.heard, known.told, bool(known.digest)) == (True, True, True)
    before = len(place.intercom.calls)
    place.sweeps()
    assert len(place.intercom.calls) == before


def test_an_event_that_stands_for_a_milestone_reaches_it_once(place: PeopleScene) -> None:
    at = now(place) - timedelta(hours=1)
    for name in ("Project Created", "project created", "PROJECT CREATED"):
        assert hear(place, EventHeard(("acc_1",), name, at)) == TAKEN
    later = EventHeard(("acc_1",), "project created", None)
    assert hear(place, later) == TAKEN
    assert place.account("acc_1").milestones == {"first_project": at}, "the earliest counts"


def test_an_event_of_segment_is_found_by_the_products_id(place: PeopleScene) -> None:
    changed = ProfileChanged({"external_id": "team-1"}, place.services.now.at, "api")
    place.changes(place.account("acc_1"), changed)
    track = EventHeard(("user-7", "team-1"), "Project Created", None, by_external_id=True)
    assert hear(place, track) == TAKEN
    of_intercom = replace(track, people=("team-1",), by_external_id=False)
    assert hear(place, of_intercom).reason == "no_account"


def test_other_events_change_nothing(place: PeopleScene) -> None:
    before = place.account("acc_1")
    unknown = EventHeard(("acc_1",), "Invoice Viewed", None)
    nobody = EventHeard((), "Project Created", None, by_external_id=True)
    assert [hear(place, one).reason for one in (unknown, nobody)] == ["no_milestone", "no_account"]
    future = EventHeard(("acc_1",), "Project Created", now(place) + timedelta(hours=1))
    with pytest.raises(InvalidInput, match="future"):
        hear(place, future)
    assert place.account("acc_1") == before
