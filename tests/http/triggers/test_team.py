"""The team's mail as Lambda calls the functions: from a happening carried out, and from the clock,
to what SES has.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from moto.backends import get_backend

from chalicelib.domain.policy.policy import TeamPolicy
from chalicelib.domain.policy.team import NOTICES
from chalicelib.entry.triggers.mail_queue import send_mails
from chalicelib.entry.triggers.schedules import fetch_events
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.reconciliation.backfill import Fetched
from local.aws.lambda_context import LambdaContext
from tests.fakes.services import POLICY
from tests.http.conftest import stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import (
    ACCOUNT,
    TICK,
    Office,
    later,
    office,  # noqa: F401 - the fixture
)

TEAM = TeamPolicy(("team@acme.example",), frozenset(NOTICES))


@pytest.fixture
def told(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office whose policy tells the team everything."""
    monkeypatch.setattr(
        "chalicelib.domain.policy.read.read_policy", lambda text: replace(POLICY, team=TEAM)
    )
    monkeypatch.setattr(
        "chalicelib.entry.triggers.schedules.backfill_events", lambda services: Fetched(0)
    )
    for cached in (wiring.policy, wiring.services):
        cached.cache_clear()
    yield office
    wiring.policy.cache_clear()


def inbox(office: Office) -> list[str]:
    """The subjects of the team's mail."""
    sent = get_backend("ses")["123456789012"]["us-east-1"].sent_messages
    return [one.subject for one in sent if "team@acme.example" in str(one.destinations)]


def seconds_to_noon() -> float:
    """Until the next noon in the team's zone: a day begins and ends far from it."""
    now = clock.now().astimezone(ZoneInfo(wiring.policy().mail.timezone))
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    return ((noon - now) % timedelta(days=1)).total_seconds()


def waiting(office: Office) -> list[dict[str, str]]:
    url = office.mail_queue
    bodies = [json.loads(one["Body"]) for one in office.stage.messages(url)]
    for body in bodies:
        office.stage.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
    return bodies


def test_a_trial_that_begins_is_told_once_though_the_stream_repeats_it(told: Office) -> None:
    told.begin_trial()
    assert told.stage.stream(ACCOUNT) == {"batchItemFailures": []}
    assert told.stage.stream(ACCOUNT) == {"batchItemFailures": []}
    assert [work.keys() for work in waiting(told)] == [{"account_id", "happening"}]
    for _ in range(2):
        assert told.work(told.mail_queue, send_mails) == 0
    assert [subject.partition(":")[0] for subject in inbox(told)] == ["[Acme] New trial"]
    said = told.stage.everything_said()
    assert "team@acme.example" not in said
    assert "ada@example.com" not in said


def test_the_digest_is_handed_out_by_the_clock_and_sent_once(
    told: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, seconds=seconds_to_noon())
    told.begin_trial()
    told.stage.stream(ACCOUNT)
    told.work(told.mail_queue, send_mails)
    later(monkeypatch, hours=24)
    for _ in range(3):
        fetch_events(TICK, LambdaContext("fetch_events", 120))
    assert [work.keys() for work in waiting(told)] == [{"digest"}]
    told.work(told.mail_queue, send_mails)
    digests = [subject for subject in inbox(told) if "New trial" not in subject]
    assert len(digests) == 1
    assert digests[0].endswith(": 1 new")


@pytest.mark.parametrize(
    "body",
    [
        {"digest": ""},
        {"digest": 5},
        {"happening": "{}"},
        {"account_id": "acc_1", "digest": "2026-03-02"},
    ],
)
def test_a_queue_message_of_another_form_is_refused(told: Office, body: Any) -> None:
    told.stage.sqs.send_message(QueueUrl=told.mail_queue, MessageBody=json.dumps(body))
    assert told.work(told.mail_queue, send_mails) == 0
    assert inbox(told) == []
