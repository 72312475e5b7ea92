"""The part of billing.toml about the people system."""

import pytest

from chalicelib.domain.errors import PolicyMistakes
from chalicelib.domain.policy.people import event_key
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.domain.policy.read import read_policy
from tests.fakes.services import ROOT

SHIPPED = (ROOT / "chalicelib" / "billing.toml").read_text()


def read(people: str) -> PeoplePolicy:
    found = read_policy(f'{SHIPPED}\n[people]\nto = "intercom"\n{people}').people
    assert found
    return found


def mistakes(people: str) -> list[str]:
    with pytest.raises(PolicyMistakes) as refused:
        read(people)
    return refused.value.mistakes


def test_as_shipped_an_unsubscription_there_counts_and_a_subscription_does_not() -> None:
    found = read("")
    assert (found.follow_unsubscribes, found.follow_subscribes) == (True, False)
    assert found.milestones == {}


def test_an_event_is_found_as_intercom_and_segment_write_it() -> None:
    found = read('[people.milestones]\n"Project Created" = "connected_data"')
    names = ("Project Created", "project created", " PROJECT CREATED ")
    assert {found.milestones[event_key(name)] for name in names} == {"connected_data"}


@pytest.mark.parametrize(
    ("people", "told"),
    [
        ('milestones = { "X" = "nothing" }', "there is no milestone nothing"),
        ('milestones = { "A b" = "invited_team", "a B" = "invited_team" }', "twice"),
        ('milestones = { "a.b" = "invited_team", "a-b" = "invited_team" }', "twice"),
        ('milestones = { "" = "invited_team" }', "people.milestones: must give"),
        ('milestones = { "X" = "Not A Name" }', "people.milestones: must give"),
        ('milestones = { "X" = 1 }', "people.milestones: must give"),
        ('milestones = ["invited_team"]', "people.milestones: must give"),
        ('follow_unsubscribes = "yes"', "people.follow_unsubscribes: must be true or false"),
        ("follow_subscribes = 2", "people.follow_subscribes: must be true or false"),
    ],
)
def test_each_mistake_is_named_with_an_example(people: str, told: str) -> None:
    (mistake,) = mistakes(people)
    assert told in mistake
    assert "Example" in mistake


@pytest.mark.parametrize(
    ("to", "written", "called"),
    [
        ("segment", None, "https://api.segment.io"),
        ("segment", "https://events.eu1.segmentapis.com", "https://events.eu1.segmentapis.com"),
        ("segment", "https://events.eu1.segmentapis.com/v1/", "https://events.eu1.segmentapis.com"),
        ("segment", "https://acme.dataplane.example/v1", "https://acme.dataplane.example"),
        ("intercom", None, "https://api.intercom.io"),
        ("intercom", "https://api.au.intercom.io/", "https://api.au.intercom.io"),
    ],
)
def test_an_address_may_be_written_as_its_owner_shows_it(
    to: str, written: str | None, called: str
) -> None:
    line = f'base_url = "{written}"' if written else ""
    found = read_policy(f'{SHIPPED}\n[people]\nto = "{to}"\n{line}').people
    assert found
    assert found.base_url == called
