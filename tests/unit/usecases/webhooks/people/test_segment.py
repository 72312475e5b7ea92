"""Accounts at what speaks Segment's HTTP API: who they are before what they did, and each message
under one id, so that a repeat does no harm.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.domain.account.facts import CustomerSnapshot
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import ATTRIBUTES, LONGEST_TEXT, contact
from chalicelib.domain.people.events import PersonEvent
from chalicelib.domain.people.segment import (
    LARGEST_BATCH,
    LARGEST_MESSAGE,
    batches,
    group,
    identify,
    track,
)
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.usecases.fan_out import forget_person
from chalicelib.usecases.webhooks.people.segment import Segment
from tests.fakes.grids import grid
from tests.fakes.lifecycles import START
from tests.unit.usecases.webhooks.people.scene import POLICY, PeopleScene


@dataclass
class Source:
    """Segment's end: `messages` are those that were taken, in their order."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    answers: Callable[[int], CallAnswer | None] = lambda number: None
    calls: int = 0

    def __call__(self, method: str, path: str, body: Any) -> CallAnswer:
        self.calls += 1
        answer = self.answers(self.calls)
        if answer is None or answer.succeeded:
            self.messages += json.loads(json.dumps(body))["batch"]
        return answer or CallAnswer(200)

    def of(self, type: str) -> list[dict[str, Any]]:
        """Those of a type, each id once, as Segment keeps them."""
        return list(
            {one["messageId"]: one for one in self.messages if one["type"] == type}.values()
        )


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def place(source: Source) -> PeopleScene:
    made = PeopleScene()
    made.system = Segment(source, lambda: made.services.now.at)
    return made


def is_complete(place: PeopleScene, source: Source) -> bool:
    told = sorted(one["messageId"] for one in source.of("track"))
    return told == sorted(event.id for event in place.services.published) and not place.waiting()


def test_a_signup_is_identified_before_its_events(place: PeopleScene, source: Source) -> None:
    place.signs_up("acc_1", "ada@example.com", "Ada")
    place.settles()
    first, *others = source.messages
    assert (first["type"], first["userId"]) == ("identify", "acc_1")
    assert first["traits"].keys() == {
        "email", "name", "createdAt", "unsubscribedFromEmails", *ATTRIBUTES,
    }  # fmt: skip
    assert first["traits"]["trial_ends_at"].endswith("Z")
    assert {one["type"] for one in others} == {"track"}
    assert is_complete(place, source)


def test_the_same_state_is_sent_once(place: PeopleScene, source: Source) -> None:
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    before = source.calls
    place.sweeps()
    assert source.calls == before


@pytest.mark.parametrize(
    ("at", "answer"),
    grid(
        range(1, 8),
        [CallAnswer(503), CallAnswer(429, retry_after="5"), CallAnswer(401), CallAnswer(None)],
    ),
)
def test_whatever_happens_at_a_call_each_message_is_there_once(
    place: PeopleScene, source: Source, at: int, answer: CallAnswer
) -> None:
    source.answers = lambda number: answer if number == at else None
    for number in range(2):
        place.signs_up(f"acc_{number}", f"a{number}@example.com")
    place.settles()
    place.passes(minutes=70)
    assert {one["userId"] for one in source.of("identify")} == {"acc_0", "acc_1"}
    assert is_complete(place, source)


def test_a_message_that_was_taken_before_the_end_is_sent_again_under_its_id(
    place: PeopleScene, source: Source
) -> None:
    class Ended(Exception):
        pass

    def ends(number: int) -> CallAnswer | None:
        if number != 2:
            return None
        raise Ended

    place.signs_up("acc_1", "ada@example.com")
    source.answers = ends
    with pytest.raises(Ended):
        place.settles()
    place.passes(minutes=2)
    assert is_complete(place, source)


def test_who_is_erased_has_no_traits_any_more(place: PeopleScene, source: Source) -> None:
    account = place.signs_up("acc_1", "ada@example.com", "Ada")
    place.settles()
    forget_person(account, place.services.services)
    place.services.accounts.erase(account, place.services.now.at)
    place.settles()
    last = source.messages[-1]
    assert (last["type"], last["userId"]) == ("identify", "acc_1")
    assert set(last["traits"].values()) == {None}
    assert last["traits"].keys() >= {"email", "name"}


def test_what_is_refused_is_noted_and_not_repeated(place: PeopleScene, source: Source) -> None:
    source.answers = lambda number: CallAnswer(400, None, "Exceed payload limit")
    place.signs_up("acc_1", "ada@example.com")
    (told,) = place.settles()
    assert "400" in str(told.error)
    before = source.calls
    place.passes(hours=2)
    assert source.calls == before
    person = place.services.persons.load("acc_1")
    assert person
    assert "Exceed payload limit" in person.reason


def test_all_events_of_an_account_are_one_call(place: PeopleScene, source: Source) -> None:
    place.signs_up("acc_1", "ada@example.com")
    for name in ("first_board", "invited_team", "shared_board"):
        place.reaches("acc_1", name)
    place.settles()
    assert source.calls == 2, "who it is, and what happened"
    assert len(source.of("track")) == 6
    assert [one["properties"].get("milestone") for one in source.of("track")][3:] == [
        "first_board",
        "invited_team",
        "shared_board",
    ]
    assert is_complete(place, source)


def test_a_refused_batch_loses_only_the_event_that_is_wrong(
    place: PeopleScene, source: Source
) -> None:
    def call(method: str, path: str, body: Any) -> CallAnswer:
        if any("first_board" in json.dumps(one) for one in body["batch"]):
            return CallAnswer(400, None, "Malformed")
        return source(method, path, body)

    place.system = Segment(call, lambda: place.services.now.at)
    place.signs_up("acc_1", "ada@example.com")
    for name in ("invited_team", "first_board", "shared_board"):
        place.reaches("acc_1", name)
    (told,) = place.settles()
    assert "400" in str(told.error)
    lost = {
        one.id for one in place.services.published if one.data.get("milestone") == "first_board"
    }
    sent = {one["messageId"] for one in source.of("track")}
    assert sent == {one.id for one in place.services.published} - lost
    assert place.waiting() == []
    before = source.calls
    place.passes(hours=2)
    assert source.calls == before


def test_a_batch_whose_answer_was_lost_is_sent_again_whole(
    place: PeopleScene, source: Source
) -> None:
    place.signs_up("acc_1", "ada@example.com")
    for name in ("first_board", "invited_team"):
        place.reaches("acc_1", name)
    source.answers = lambda number: CallAnswer(None, "No answer.") if number == 2 else None
    place.settles()
    place.passes(minutes=5)
    assert is_complete(place, source)


def test_the_longest_messages_are_within_what_is_taken() -> None:
    """A name comes from Stripe, where nobody bounds it as we do."""
    named = Customer("cus_1", name="ü" * 5_000, email=f"{'e' * 700}@example.com")
    account = apply(Account("a" * 64), CustomerSnapshot(named, FromFetch(START, "")))
    who = contact(account, POLICY, True, START)
    assert who.name == "ü" * LONGEST_TEXT
    who = replace(who, attributes=dict.fromkeys(ATTRIBUTES, "ü" * LONGEST_TEXT))
    event = PersonEvent("e" * 200, "n" * 100, START, dict.fromkeys(map(str, range(10)), "ü" * 255))
    messages = [identify(who, START), group(who, START), track("a" * 64, event)]
    sizes = [len(json.dumps(one).encode()) for one in messages]
    assert max(sizes) < LARGEST_MESSAGE


def test_batches_are_within_what_is_taken_and_keep_the_order() -> None:
    messages = [{"messageId": str(number), "x": "ü" * 2_000} for number in range(100)]
    made = list(batches(messages))
    assert len(made) > 1
    assert all(len(json.dumps({"batch": one}).encode()) <= LARGEST_BATCH for one in made)
    assert [message for one in made for message in one] == messages
