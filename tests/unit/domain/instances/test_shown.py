"""What customers see of their instance, from its request until it is gone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account.parts.instance import Instance, InstanceReported
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.shown import (
    PHASES,
    ShownInstance,
    allowed_url,
    instance_url,
    shown_instance,
)
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.instances.order import order_instance
from tests.unit.usecases.instances.owner import ACCEPTED, ACCOUNT, DAY, DOWN, HOUR, URL, Owner

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    made.grant(10 * DAY)
    return made


def shown(owner: Owner) -> ShownInstance | None:
    found = shown_instance(owner.account, owner.place.policy, owner.place.now.at)
    assert found is None or found.phase in PHASES
    return found


def phase(owner: Owner) -> str | None:
    found = shown(owner)
    return found.phase if found else None


def test_before_the_first_call_it_is_being_made_and_nobody_was_asked(owner: Owner) -> None:
    assert shown(owner) == ShownInstance("making", look_after=2 * SECOND)


def test_one_that_is_ready_is_shown_with_its_url(owner: Owner) -> None:
    owner.settle()
    assert shown(owner) == ShownInstance("ready", URL)
    assert instance_url(owner.account, owner.place.policy, owner.place.now.at) == URL


@pytest.mark.parametrize(
    ("answer", "begun", "delayed"), [(ACCEPTED, True, False), (DOWN, False, True)]
)
def test_the_progress_is_what_the_provisioner_answered(
    owner: Owner, answer: object, begun: bool, delayed: bool
) -> None:
    owner.provisioner.answer = lambda told: answer  # type: ignore[assignment, return-value]
    owner.settle()
    found = shown(owner)
    assert found
    assert (found.is_asked, found.is_begun, found.is_delayed) == (True, begun, delayed)


@pytest.mark.parametrize(
    ("waited", "again"),
    [
        (29 * SECOND, 2 * SECOND),
        (30 * SECOND, 5 * SECOND),
        (2 * MINUTE, 15 * SECOND),
        (10 * MINUTE, MINUTE),
        (59 * MINUTE, MINUTE),
        (60 * MINUTE, None),
    ],
)
def test_a_page_that_waits_looks_ever_less_often_until_the_deadline(
    owner: Owner, waited: timedelta, again: timedelta | None
) -> None:
    owner.provisioner.answer = lambda told: ACCEPTED
    owner.settle()
    owner.place.now.at += waited
    found = shown(owner)
    assert found
    assert found.look_after == again


def test_what_is_not_ready_by_its_deadline_has_stalled_until_the_news_comes(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.settle()
    owner.place.now.at += HOUR
    assert phase(owner) == "stalled"
    owner.sweep()
    assert phase(owner) == "stalled"
    owner.reports("ready")
    assert phase(owner) == "ready"


def test_a_reported_failure_is_a_delay_since_it_is_tried_again(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: ACCEPTED
    owner.settle()
    reported = InstanceReported("failed", owner.place.now.at, call_at=owner.place.now.at + MINUTE)
    apply_facts(owner.account, [reported], owner.services, None)
    found = shown(owner)
    assert found
    assert (found.phase, found.is_delayed) == ("making", True)


def test_without_access_it_is_suspended_with_the_day_of_its_deletion_then_deleted(
    owner: Owner,
) -> None:
    owner.settle()
    owner.passes(10 * DAY + MINUTE)
    assert (owner.instance.status, phase(owner)) == ("ready", "suspended")
    owner.passes(2 * DAY)
    assert owner.instance.deletes_at
    assert shown(owner) == ShownInstance("suspended", deletes_at=owner.instance.deletes_at)
    owner.passes(30 * DAY)
    assert phase(owner) == "deleted"


def test_access_that_comes_back_opens_it_again(owner: Owner) -> None:
    owner.settle()
    owner.passes(12 * DAY)
    owner.grant(DAY)
    assert phase(owner) == "opening"
    owner.settle()
    assert phase(owner) == "ready"


def test_one_that_an_operator_suspended_is_held_although_there_is_access(owner: Owner) -> None:
    owner.settle()
    order_instance(ACCOUNT, "suspend", owner.services)
    owner.settle()
    assert shown(owner) == ShownInstance("held")


def test_a_url_whose_host_the_policy_allows_no_more_is_not_shown(owner: Owner) -> None:
    owner.settle()
    assert owner.place.policy.instance
    elsewhere = replace(owner.place.policy.instance, hosts=("other.app",))
    owner.place.policy = replace(owner.place.policy, instance=elsewhere)
    assert shown(owner) == ShownInstance("ready", None)


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("https://a.acme.app/x", ("acme.app",), True),
        ("https://notacme.app", ("acme.app",), False),
        ("https://acme.app@evil.example", ("acme.app",), False),
        ("javascript:alert(1)", ("acme.app",), False),
        ("http://a.acme.app", ("acme.app",), False),
        ("http://127.0.0.1:8100/w/1", ("127.0.0.1",), True),
        ("http://127.0.0.1:8100/w/1", ("acme.app",), False),
        ("http://a.acme.app", ("127.0.0.1", "acme.app"), False),
    ],
)
def test_only_hosts_of_the_policy_are_led_to(
    owner: Owner, url: str, hosts: tuple[str, ...], allowed: bool
) -> None:
    assert owner.place.policy.instance
    instances = replace(owner.place.policy.instance, hosts=hosts)
    policy = replace(owner.place.policy, instance=instances)
    found = allowed_url(Instance(owner.place.now.at, "ready", url), policy)
    assert (found is not None) is allowed


def test_without_instances_in_the_policy_or_ever_access_there_is_nothing_to_see(
    owner: Owner,
) -> None:
    now = owner.place.now.at
    assert shown_instance(owner.account, replace(owner.place.policy, instance=None), now) is None
    assert shown_instance(Account("acc_2"), owner.place.policy, now) is None
