"""Messages that were handed over and waited for a people system that was down: what is told then
applies then.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.facts import ConsentGiven, GrantGiven
from chalicelib.domain.account.state import Grant
from chalicelib.domain.outgoing.answers import CallAnswer
from tests.unit.usecases.webhooks.people.scene import PeopleScene

STEP = "billhook-step-three_days"


def outage(meanwhile: Callable[[PeopleScene], object], **lasts: int) -> PeopleScene:
    """Three days before a trial's end its message is handed over while Intercom is down, and
    something happens before it answers again.
    """
    place = PeopleScene()
    place.signs_up("acc_1", "ada@example.com")
    place.settles()
    place.services.now.at += timedelta(days=11)
    place.intercom.fails = lambda method, path: CallAnswer(503)
    place.is_renamed("acc_1", "Ada")
    place.hands_over("acc_1")
    meanwhile(place)
    place.passes(**lasts)
    place.intercom.fails = lambda method, path: None
    place.passes(hours=1)
    assert place.waiting() == []
    return place


def steps(place: PeopleScene) -> list[str]:
    return [one["event_name"] for one in place.intercom.events if one["event_name"] == STEP]


def test_a_message_that_waited_some_hours_is_told() -> None:
    assert steps(outage(lambda place: None, hours=5)) == [STEP]


def test_a_message_whose_time_is_over_is_not_told() -> None:
    assert steps(outage(lambda place: None, hours=25)) == []


@pytest.mark.parametrize("what", ["unsubscribed", "granted", "the step is gone"])
def test_a_message_that_applies_no_more_is_not_told(what: str) -> None:
    def happens(place: PeopleScene) -> None:
        account, now = place.account("acc_1"), place.services.now.at
        if what == "unsubscribed":
            place.changes(account, ConsentGiven("lifecycle", False, now))
        elif what == "granted":
            place.changes(account, GrantGiven(Grant(now + timedelta(days=90), "scale", "sorry")))
        else:
            place.services.policy = replace(place.services.policy, steps=())

    assert steps(outage(happens, hours=5)) == []
