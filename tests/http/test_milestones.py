"""POST /accounts/{id}/milestones: what the user did in the product, reported once or
repeatedly, and every error by its field.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.messaging.due_messages import due_messages
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.http.conftest import Answer, Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import ACCOUNT, Office, office  # noqa: F401 - the fixture

DONE = "connected_data"


@pytest.fixture
def trial(office: Office) -> Office:
    office.begin_trial()
    return office


def post(
    office: Office,
    body: Any,
    account: str = ACCOUNT,
    scope: str = "write",
    **headers: str,
) -> Answer:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    key = office.stage.key(scope)
    return office.stage.call(
        "POST", f"/accounts/{account}/milestones", payload, Authorization=f"Bearer {key}", **headers
    )


def reached() -> dict[str, datetime]:
    account = wiring.accounts().load(ACCOUNT)
    assert account
    return dict(account.milestones)


def test_a_milestone_without_a_time_is_reached_now(trial: Office) -> None:
    before = clock.now()
    answer = post(trial, {"name": DONE}, Content_Type="application/json")
    assert (answer.status, answer.body) == (204, None)
    assert before <= reached()[DONE] <= clock.now()


def test_of_several_times_the_earliest_counts(trial: Office) -> None:
    times = [clock.now() - timedelta(hours=hours) for hours in (2, 3, 1)]
    for time in times:
        assert post(trial, {"name": DONE, "at": time.isoformat()}).status == 204
    assert reached() == {DONE: min(times)}


def test_an_offset_is_read(trial: Office) -> None:
    post(trial, {"name": DONE, "at": "2026-03-02T11:00:00+02:00"})
    assert reached() == {DONE: datetime(2026, 3, 2, 9, tzinfo=UTC)}


def test_a_message_that_the_milestone_makes_pointless_is_not_sent(trial: Office) -> None:
    def planned() -> set[str]:
        account = wiring.accounts().load(ACCOUNT)
        assert account
        return {mail.step.id for mail in due_messages(account, wiring.policy(), clock.now())}

    assert "note" in planned()
    post(trial, {"name": DONE})
    assert "note" not in planned()


MISTAKES: list[tuple[Any, str | None]] = [
    (b"", None),
    (b"{", None),
    (b"[" * 60_000, None),
    (b"\xff", None),
    ([], None),
    ("connected_data", None),
    (None, None),
    ({}, "name"),
    ({"name": None}, "name"),
    ({"name": 7}, "name"),
    ({"name": [DONE]}, "name"),
    ({"name": "no_such"}, "name"),
    ({"name": DONE, "when": "now"}, "when"),
    ({"name": DONE, "at": 1772442000}, "at"),
    ({"name": DONE, "at": ""}, "at"),
    ({"name": DONE, "at": "yesterday"}, "at"),
    ({"name": DONE, "at": "2026-03-02T09:00:00"}, "at"),
    ({"name": DONE, "at": "2026-02-30T09:00:00Z"}, "at"),
    ({"name": DONE, "at": "0001-01-01T00:00:00+14:00"}, "at"),
    ({"name": DONE, "at": "9999-12-31T23:59:59-01:00"}, "at"),
    ({"name": DONE, "at": "2126-03-02T09:00:00Z"}, "at"),
]


def test_every_mistake_is_named_and_nothing_is_learnt(trial: Office) -> None:
    for body, field in MISTAKES:
        answer = post(trial, body)
        told = str(body)[:40]
        assert (answer.status, answer.body["error"]["code"], answer.body["error"].get("field")) == (
            400,
            "invalid",
            field,
        ), told
        assert answer.body["error"]["message"], told
    assert reached() == {}


def test_an_unknown_milestone_is_told_which_there_are(trial: Office) -> None:
    assert DONE in post(trial, {"name": "no_such"}).body["error"]["message"]


def test_a_clock_that_is_a_little_ahead_is_accepted(trial: Office) -> None:
    assert (
        post(trial, {"name": DONE, "at": (clock.now() + timedelta(seconds=30)).isoformat()}).status
        == 204
    )
    assert reached()[DONE] <= clock.now()


@pytest.mark.parametrize("scope", ["access", "read"])
def test_only_who_may_write_may_tell(trial: Office, scope: str) -> None:
    assert post(trial, {"name": DONE}, scope=scope).status == 403
    assert reached() == {}


def test_a_stranger_learns_nothing(trial: Office) -> None:
    answers = {
        (answer.status, str(answer.body))
        for account in (ACCOUNT, "acc_none")
        for answer in [
            trial.stage.call("POST", f"/accounts/{account}/milestones", b'{"name": "no_such"}')
        ]
    }
    assert len(answers) == 1
    assert answers.pop()[0] == 401


def test_an_account_that_there_is_not_is_not_found(trial: Office) -> None:
    answer = post(trial, {"name": DONE}, account="acc_none")
    assert (answer.status, answer.body["error"]["code"]) == (404, "account_not_found")


def test_another_content_type_is_told(trial: Office) -> None:
    answer = post(trial, {"name": DONE}, Content_Type="text/plain")
    assert (answer.status, answer.body["error"]["code"]) == (415, "unsupported_media_type")
