"""Calls to the provisioner: what is asked, when again, and what each answer leads to."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.domain.errors import NotPossible
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.signature import key_of, signed_headers
from chalicelib.domain.schedule.due_work import due_work
from chalicelib.usecases.schedule.process_due import process_due_account
from tests.fakes.faults import Crash
from tests.unit.usecases.instances.owner import (
    ACCEPTED,
    DAY,
    DOWN,
    HOUR,
    INSTANCES,
    SECRET,
    URL,
    Owner,
    answered,
)

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def owner() -> Owner:
    return Owner()


def gaps(owner: Owner) -> list[timedelta]:
    times = [one.at for one in owner.provisioner.asked]
    return [after - before for before, after in pairwise(times)]


def test_who_gets_access_has_an_instance_at_once(owner: Owner) -> None:
    owner.grant(30 * DAY)
    owner.settle()
    assert (owner.instance.status, owner.instance.url) == ("ready", URL)
    assert owner.provisioner.actions() == ["create"]
    assert owner.events() == ["instance.ready"]
    assert not [
        one
        for one in due_work(owner.account, owner.place.policy, owner.place.now.at)
        if "instance" in one.what
    ]


def test_a_call_is_signed_and_says_whom_it_is_for(owner: Owner) -> None:
    owner.grant(30 * DAY)
    owner.settle()
    (asked,) = owner.provisioner.asked
    assert asked.body == {
        "action": "create",
        "account": {
            "id": "acc_1",
            "external_id": "u-9",
            "email_proved": False,
            "email": "ada@example.com",
            "name": "Ada Byron",
            "plan": "pro",
            "features": list(owner.place.policy.features("pro")),
            "quantity": None,
            "attributes": {},
        },
        "request_id": asked.request_id,
        "deadline": "2026-03-02T10:00:00Z",
        "instance": {},
    }
    body = json.dumps(asked.body, separators=(",", ":")).encode()
    signed = signed_headers(asked.request_id, body, [key_of(SECRET)], asked.at)
    assert {name: asked.headers[name] for name in signed} == signed
    assert asked.headers["webhook-id"] == asked.request_id


def test_what_fails_is_tried_again_with_the_same_id_until_the_deadline(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(30 * DAY)
    owner.passes(2 * HOUR)
    assert gaps(owner) == [
        5 * SECOND,
        30 * SECOND,
        2 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        15 * MINUTE,
        15 * MINUTE,
    ]
    assert len({one.request_id for one in owner.provisioner.asked}) == 1
    assert (owner.instance.status, owner.events()) == ("stalled", ["instance.stalled"])


def test_news_after_the_deadline_still_counts(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN
    owner.grant(30 * DAY)
    owner.passes(2 * HOUR)
    owner.reports("ready", URL, owner.provisioner.asked[0].request_id)
    owner.settle()
    assert (owner.instance.status, owner.instance.url) == ("ready", URL)
    assert owner.instance.late_at == owner.place.now.at
    assert owner.events() == ["instance.stalled", "instance.ready"]


def test_what_was_accepted_is_asked_for_once_more_half_way(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: ACCEPTED
    owner.grant(30 * DAY)
    owner.passes(59 * MINUTE)
    assert (gaps(owner), owner.instance.status) == ([30 * MINUTE], "creating")
    owner.passes(MINUTE)
    assert (len(owner.provisioner.asked), owner.instance.status) == (2, "stalled")


def test_what_was_accepted_and_reported_is_not_asked_for_again(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: ACCEPTED
    owner.grant(30 * DAY)
    owner.passes(10 * MINUTE)
    owner.reports("ready")
    owner.passes(2 * HOUR)
    assert (len(owner.provisioner.asked), owner.instance.status) == (1, "ready")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (CallAnswer(500, head="broken"), "The answer was 500: broken"),
        (CallAnswer(302), "redirects are not followed"),
        (CallAnswer(404), "404"),
        (CallAnswer(204), "The answer was 204"),
        (CallAnswer(201), "The answer was 201"),
        (CallAnswer(200), "no JSON"),
        (CallAnswer(200, body=b"[]"), "no JSON object"),
        (CallAnswer(200, body=b"\xff"), "no JSON"),
        (CallAnswer(200, body=b"[" * 60_000), "no JSON"),
        (CallAnswer(200, body=b"x" * 64 * 1024), "longer than 64 KB"),
        (CallAnswer(200, body=b'{"status": "ready"}', is_cut=True), "ended before its end"),
        (answered("creating"), 'not "ready"'),
        (answered("ready", None), "no url"),
        (answered("ready", "https://evil.example"), "hosts of billing.toml"),
        (answered("ready", "https://notacme.app"), "hosts of billing.toml"),
        (answered("ready", "http://acme.app"), "must begin with https"),
        (answered("ready", "javascript:alert(1)"), "The answer's url must"),
        (CallAnswer(200, body=b'{"status": "ready", "url": 7}'), "url is no text"),
    ],
)
def test_an_answer_that_says_nothing_usable_is_a_failure(
    owner: Owner, answer: CallAnswer, why: str
) -> None:
    owner.provisioner.answer = lambda told: answer
    owner.grant(30 * DAY)
    owner.settle()
    request = owner.instance.open_request
    assert request
    assert why in (request.error or "")
    assert (owner.instance.status, owner.instance.url) == ("creating", None)
    owner.provisioner.answer = None
    owner.passes(HOUR)
    assert owner.instance.status == "ready"


def test_without_access_it_is_suspended_and_with_access_again_resumed(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.passes(3 * DAY - MINUTE)
    assert owner.instance.status == "ready"
    owner.passes(2 * MINUTE)
    assert owner.instance.status == "suspended"
    owner.grant(10 * DAY)
    owner.settle()
    assert (owner.instance.status, owner.instance.url) == ("ready", URL)
    assert owner.provisioner.actions() == ["create", "suspend", "resume"]
    assert owner.events() == ["instance.ready", "instance.suspended", "instance.resumed"]


def test_long_without_access_it_is_deleted_and_made_anew_with_access(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.passes(2 * DAY + 30 * DAY - MINUTE)
    assert owner.instance.status == "suspended"
    owner.passes(2 * MINUTE)
    assert (owner.instance.status, owner.instance.url) == ("deleted", None)
    owner.passes(90 * DAY)
    owner.grant(10 * DAY)
    owner.settle()
    assert owner.provisioner.actions() == ["create", "suspend", "delete", "create"]
    assert owner.provisioner.made == {"acc_1": 2}
    assert len({one.request_id for one in owner.provisioner.asked}) == 4


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_gone_already_counts_as_deleted(owner: Owner, code: int) -> None:
    owner.grant(2 * DAY)
    owner.passes(20 * DAY)
    owner.provisioner.answer = lambda told: CallAnswer(code)
    owner.passes(30 * DAY)
    assert (owner.instance.status, owner.provisioner.actions()[2:]) == ("deleted", ["delete"])


def test_who_never_had_access_gets_none(owner: Owner) -> None:
    owner.grant(-DAY)
    owner.passes(90 * DAY)
    assert (owner.account.instance, owner.provisioner.asked) == (None, [])


def test_nothing_is_deleted_whose_access_came_back_a_second_before(owner: Owner) -> None:
    """The deletion is planned and queued; the call is claimed by what the account is then."""
    owner.grant(2 * DAY)
    owner.passes(32 * DAY - MINUTE)
    owner.place.now.at += 2 * MINUTE
    process_due_account("acc_1", owner.services)
    assert owner.instance.status == "deleting"
    assert owner.place.deliveries_queue.waiting
    owner.grant(10 * DAY)
    owner.settle()
    assert owner.instance.status == "ready"
    assert owner.provisioner.actions() == ["create", "suspend", "resume"]


def test_nothing_is_deleted_whose_access_comes_back_between_two_tries(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.passes(20 * DAY)
    owner.provisioner.answer = lambda told: CallAnswer(500)
    owner.passes(12 * DAY + MINUTE)
    assert owner.provisioner.actions()[2:4] == ["delete", "delete"]
    deletes = len(owner.provisioner.asked)
    owner.provisioner.answer = None
    owner.grant(10 * DAY)
    owner.passes(DAY)
    assert owner.provisioner.actions()[deletes:] == ["create"]
    assert (owner.instance.status, owner.provisioner.made) == ("ready", {"acc_1": 1})


def test_a_deletion_under_way_ends_before_another_one_is_made(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.passes(20 * DAY)
    owner.provisioner.answer = lambda told: ACCEPTED
    owner.passes(12 * DAY + MINUTE)
    asked = owner.provisioner.asked[-1]
    assert asked.action == "delete"
    owner.grant(10 * DAY)
    owner.passes(2 * DAY)
    assert owner.provisioner.asked[-1] == asked, "not asked for once more, with access"
    owner.provisioner.has.clear()
    owner.provisioner.answer = None
    owner.reports("deleted", None, asked.request_id)
    owner.settle()
    assert (owner.instance.status, owner.provisioner.made) == ("ready", {"acc_1": 2})


def test_a_deletion_is_tried_for_three_days(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.passes(20 * DAY)
    owner.provisioner.answer = lambda told: DOWN
    owner.passes(12 * DAY + 2 * DAY + 23 * HOUR)
    assert owner.instance.status == "deleting"
    owner.passes(2 * HOUR)
    assert (owner.instance.status, owner.events()[-1]) == ("stalled", "instance.stalled")


def test_a_changed_mind_while_a_call_fails_ends_with_the_last(owner: Owner) -> None:
    """Suspended, paid, and gone again, while nothing is answered."""
    owner.grant(2 * DAY)
    owner.settle()
    owner.provisioner.answer = lambda told: DOWN
    owner.passes(3 * DAY + HOUR)
    owner.grant(6 * HOUR)
    owner.passes(HOUR)
    assert owner.provisioner.actions()[-1] == "resume", "it may have been suspended"
    owner.passes(40 * HOUR)
    owner.provisioner.answer = None
    owner.passes(4 * DAY)
    assert (owner.instance.status, owner.provisioner.has) == ("suspended", {"acc_1": "suspended"})
    assert owner.provisioner.made == {"acc_1": 1}


def test_who_cancels_while_it_is_made_has_it_suspended_and_not_half_made(owner: Owner) -> None:
    owner.provisioner.answer = lambda told: DOWN if told["action"] == "create" else CallAnswer(404)
    owner.grant(10 * MINUTE)
    owner.passes(30 * MINUTE)
    owner.provisioner.answer = None
    owner.passes(2 * DAY)
    assert (owner.instance.status, owner.provisioner.actions()[-1]) == ("suspended", "suspend")


def test_what_stalled_and_is_wanted_no_more_is_deleted_in_the_end(owner: Owner) -> None:
    """A creation whose answers were all lost may have made something."""

    def lost(told: Any) -> CallAnswer:
        owner.provisioner.does(told)
        return DOWN

    owner.provisioner.answer = lost
    owner.grant(HOUR)
    owner.passes(2 * HOUR)
    assert owner.instance.status == "stalled"
    owner.provisioner.answer = None
    owner.passes(40 * DAY)
    assert (owner.instance.status, owner.provisioner.has) == ("deleted", {})


def test_a_report_of_an_older_request_changes_nothing(owner: Owner) -> None:
    owner.grant(2 * DAY)
    owner.settle()
    created = owner.provisioner.asked[0].request_id
    owner.passes(4 * DAY)
    with pytest.raises(NotPossible):
        owner.reports("ready", URL, created)
    assert owner.instance.status == "suspended"


def test_what_is_made_by_other_means_is_not_made_again(owner: Owner) -> None:
    """An import says `ready at url` before there is access."""
    owner.grant(-DAY)
    owner.reports("ready")
    owner.grant(10 * DAY)
    owner.passes(DAY)
    assert (owner.instance.status, owner.provisioner.asked) == ("ready", [])


def test_without_the_policy_nothing_is_asked(owner: Owner) -> None:
    owner.place.policy = replace(owner.place.policy, instance=None)
    owner.grant(10 * DAY)
    owner.passes(DAY)
    assert (owner.account.instance, owner.provisioner.asked) == (None, [])


def test_a_policy_that_deletes_sooner_deletes_nothing_for_a_week(owner: Owner) -> None:
    late = replace(INSTANCES, delete_after=400 * DAY)
    owner.place.policy = replace(owner.place.policy, instance=late)
    owner.grant(2 * DAY)
    owner.passes(90 * DAY)
    owner.place.policy = Owner().place.policy
    owner.grant(-DAY)  # any write plans anew
    owner.passes(7 * DAY)
    assert owner.instance.status == "suspended"
    owner.passes(DAY)
    assert owner.instance.status == "deleted"


def test_a_changed_mind_is_not_kept_waiting_by_a_call_that_was_lost(owner: Owner) -> None:
    """Billhook ends while it suspends, and the customer pays at that moment."""
    owner.grant(2 * DAY)
    owner.passes(3 * DAY - MINUTE)

    def ends(told: Any) -> CallAnswer:
        owner.provisioner.does(told)
        raise Crash

    owner.provisioner.answer = ends
    with pytest.raises(Crash):
        owner.passes(2 * MINUTE)
    owner.provisioner.answer = None
    owner.grant(10 * DAY)
    owner.passes(5 * MINUTE)
    assert (owner.instance.status, owner.provisioner.has) == ("ready", {"acc_1": "ready"})
    assert owner.provisioner.actions() == ["create", "suspend", "resume"]
