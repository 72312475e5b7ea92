"""How full the queues are, on SQS on moto, by the client that the functions use."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from chalicelib.aws.queues import Queue
from chalicelib.aws.stage.dead_letters import DeadLetterQueue
from chalicelib.aws.stage.queue_states import QueueStates
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.schedule.watch.queue_state import QueueState
from chalicelib.usecases.operators.dead_letters.handling import looking
from chalicelib.usecases.operators.dead_letters.reading import read_letter

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def urls(aws: None) -> dict[str, str]:
    sqs = boto3.client("sqs")
    return {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("events", "mail")}


def test_a_queue_tells_what_waits_what_is_in_work_and_the_oldest(urls: dict[str, str]) -> None:
    for number in range(3):
        Queue(urls["events"]).send(f"{number}")
    boto3.client("sqs").receive_message(QueueUrl=urls["events"], VisibilityTimeout=60)
    asked = []

    def age(url: str, now: datetime) -> timedelta:
        asked.append(url)
        return timedelta(minutes=4)

    assert QueueStates(urls, age).read(NOW) == [
        QueueState("events", 2, 1, timedelta(minutes=4)),
        QueueState("mail", 0, 0),
    ]
    assert asked == [urls["events"]], "an empty queue has no oldest message, and asking costs"


def test_an_age_that_is_not_told_is_not_known(urls: dict[str, str]) -> None:
    Queue(urls["events"]).send("1")

    def fails(url: str, now: datetime) -> timedelta:
        raise Unavailable("CloudWatch does not tell.")

    for ages in (None, fails):
        assert QueueStates(urls, ages).read(NOW)[0] == QueueState("events", 1, 0)


def test_a_missing_queue_is_an_error(urls: dict[str, str]) -> None:
    with pytest.raises(Unavailable):
        QueueStates({"events": urls["events"] + "-none"}).read(NOW)


def test_the_functions_client_reads_hides_returns_and_deletes_dead_letters(
    urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.aws.stage.dead_letters.WAIT", 0)
    for number in range(12):
        Queue(urls["events"]).send(f"{number}", {"code": "unreadable", "reason": "It is none."})
    box = DeadLetterQueue(urls["events"], read_letter)
    with looking(box, 12) as letters:
        assert {(one.code, one.reason) for one in letters} == {("unreadable", "It is none.")}
        assert QueueStates(urls).read(NOW)[0] == QueueState("events", 0, 12)
        box.delete(letters[0])
    assert QueueStates(urls).read(NOW)[0] == QueueState("events", 11, 0)
