"""What the provisioner reports by itself: an instance that moved is told to who listens."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.changes.instance_events import instance_events
from chalicelib.values import replace
from tests.unit.usecases.instances.owner import ACCEPTED, DAY, DOWN, HOUR, URL, Owner

MOVED = "https://eu.acme.app/acc-1"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    made.grant(2 * DAY)
    made.settle()
    return made


def told(owner: Owner) -> list[tuple[str, Any]]:
    """The last events of the instance, with their data."""
    entries = sorted(owner.place.timeline.entries.values(), key=lambda entry: entry.at)
    return [(one.type, one.data) for one in entries if one.type.startswith("instance.")]


def test_an_instance_at_another_url_is_told_with_the_old_one(owner: Owner) -> None:
    owner.place.now.at += MINUTE
    owner.reports("ready", MOVED)
    owner.settle()
    type, data = told(owner)[-1]
    assert type == "instance.url_changed"
    assert (data["url"], data["url_before"]) == (MOVED, URL)


def test_the_same_report_again_is_no_news(owner: Owner) -> None:
    for url in (URL, None, URL):
        owner.reports("ready", url)
    owner.settle()
    assert owner.events() == ["instance.ready"]


def test_a_suspended_instance_that_moves_is_told_too(owner: Owner) -> None:
    owner.passes(4 * DAY)
    owner.reports("suspended", MOVED)
    owner.settle()
    assert owner.events() == ["instance.ready", "instance.suspended", "instance.url_changed"]


def test_one_that_is_resumed_elsewhere_is_one_event(owner: Owner) -> None:
    owner.passes(4 * DAY)
    suspended = owner.instance
    resumed = replace(suspended, state="ready", url=MOVED)
    ((type, data),) = instance_events(suspended, resumed)
    assert (type, data["url"]) == ("instance.resumed", MOVED)


def test_a_suspension_in_doubt_is_undone_although_the_access_that_came_back_is_over(
    owner: Owner,
) -> None:
    """For a day after its end the instance stays open, so it must not stay suspended by a call
    whose answer was lost.
    """
    owner.provisioner.answer = lambda call: owner.provisioner.does(call) and DOWN
    owner.passes(3 * DAY)
    assert (owner.instance.state, owner.provisioner.has) == ("ready", {"acc_1": "suspended"})
    owner.grant(timedelta(seconds=4))
    owner.place.now.at += timedelta(seconds=5)
    owner.provisioner.answer = None
    owner.passes(2 * HOUR)
    assert owner.access == "none"
    assert (owner.instance.status, owner.provisioner.has) == ("ready", {"acc_1": "ready"})


def test_a_report_of_creating_is_no_event(owner: Owner) -> None:
    other = Owner()
    other.provisioner.answer = lambda call: ACCEPTED
    other.grant(DAY)
    other.settle()
    other.reports("creating", MOVED)
    other.settle()
    assert other.events() == []
