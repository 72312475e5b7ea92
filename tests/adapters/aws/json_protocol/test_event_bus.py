"""Entries to EventBridge as they go over the wire, and what comes back."""

import json

import pytest

from chalicelib.aws.events.bus import EventBus
from chalicelib.aws.json_protocol.eventbridge import EventBridge
from tests.adapters.aws.json_protocol.conftest import Answer, Wire, hangs_up, says

ENTRY = {
    "Source": "billhook",
    "DetailType": "trial.started",
    "Detail": '{"id":"acc_1.0.1.trial.started"}',
    "EventBusName": "arn:aws:events:eu-central-1:123456789012:event-bus/billing",
    "Time": "2026-11-27T14:52:03Z",
}


def bus(wire: Wire) -> EventBus:
    return EventBus(EventBridge(f"http://127.0.0.1:{wire.server.server_port}"))


def test_a_call_is_put_events_with_times_in_unix_seconds(wire: Wire) -> None:
    wire.server.answers = [says('{"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}')]
    (answer,) = bus(wire).put([ENTRY])
    ((headers, body),) = wire.server.requests
    assert answer.succeeded
    assert headers["X-Amz-Target"] == "AWSEvents.PutEvents"
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert json.loads(body) == {"Entries": [{**ENTRY, "Time": 1795791123.0}]}


def test_an_answer_of_200_may_have_refused_some_entries(wire: Wire) -> None:
    told = {
        "FailedEntryCount": 1,
        "Entries": [{"EventId": "1"}, {"ErrorCode": "ThrottlingException"}, {"EventId": "2"}],
    }
    wire.server.answers = [says(json.dumps(told))]
    answers = bus(wire).put([ENTRY] * 3)
    assert [one.succeeded for one in answers] == [True, False, True]
    assert answers[1].error == "EventBridge: ThrottlingException."


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says('{"__type": "AccessDeniedException"}', 400), "EventBridge: AccessDeniedException."),
        (says("", 500), "EventBridge: 500."),
        (says("{}"), "EventBridge: an answer without one for each entry."),
    ],
)
def test_a_call_that_fails_fails_for_all_its_entries(
    wire: Wire, answer: Answer, error: str
) -> None:
    wire.server.usual = answer
    assert [one.error for one in bus(wire).put([ENTRY] * 2)] == [error] * 2


def test_no_answer_is_a_failure_too(wire: Wire) -> None:
    nobody = bus(wire)
    wire.server.usual = hangs_up
    (answer,) = nobody.put([ENTRY])
    assert answer.error == "EventBridge: ConnectionClosedError."
