"""Dead letters: how they are shown, sent back and deleted, in memory and on SQS on moto."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from chalice.app import CloudWatchEvent

from chalicelib.aws.queues import Queue
from chalicelib.aws.stage.dead_letters import DeadLetterQueue
from chalicelib.domain.changes.dead_letters import CODES, ORIGINS, DeadLetter
from chalicelib.domain.errors import InvalidInput, Unavailable
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.operators.dead_letters.handling import (
    FAILED,
    OUTCOMES,
    discard,
    looking,
    redrive,
    senders_to,
)
from chalicelib.usecases.operators.dead_letters.reading import feedback_of, read_letter
from ops.commands.dead import _named, line
from ops.recovery.feedback import feedback_function
from tests.fakes.faults import Crash, OutsideCalls, crashing_after
from tests.fakes.memory.queues import MemoryGroupedQueue
from tests.fakes.services import RECORDINGS, ROOT, FakeServices, at, updated

SECRET = "ada.private@example.com"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.updated",
    "data": {
        "object": {
            "object": "customer",
            "id": "cus_1",
            "email": SECRET,
            "metadata": {"account_id": "acc_ada"},
        }
    },
}
FEEDBACK = {
    "eventType": "Bounce",
    "mail": {"messageId": "0100-a", "tags": {"account": ["acc_ada"]}, "destination": [SECRET]},
}
CALLED = {
    "Records": [
        {"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": json.dumps(FEEDBACK)}}
    ]
}
ENVELOPE = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "customer.updated",
    "source": "aws.partner/stripe.com/ed_test_1",
    "account": "123456789012",
    "detail": EVENT,
}
OURS = {"code": "unreadable", "reason": "The body is no JSON."}
BY_EVENTBRIDGE = {"RULE_ARN": "arn:aws:events:…:rule/r", "ERROR_CODE": "NO_PERMISSIONS"}
RECORD_OF_LAMBDA = {
    "version": "1.0",
    "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
    "requestPayload": CALLED,
    "responsePayload": {"errorType": "Unavailable", "errorMessage": f"of {SECRET}"},
}
BY_SES = {
    "version": "0",
    "id": "b1",
    "detail-type": "Email Bounced",
    "source": "aws.ses",
    "account": "123456789012",
    "detail": FEEDBACK,
}
FAILED_FEEDBACK = RECORD_OF_LAMBDA | {"requestPayload": BY_SES}
NOTIFICATION = {"Type": "Notification", "MessageId": "m", "Message": json.dumps(FEEDBACK)}


def message(
    body: Any, attributes: dict[str, str] | None = None, source: str = ""
) -> dict[str, Any]:
    """A message as SQS returns it."""
    return {
        "MessageId": "11111111-2222-3333-4444-555555555555",
        "ReceiptHandle": "handle",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": (
            {"SentTimestamp": "1772442000123"}
            | ({"DeadLetterQueueSourceArn": source} if source else {})
        ),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (attributes or {}).items()
        },
    }


OF_THE_BUS = {
    "endpoint_id": "bus",
    "deliveries": '[["2026-03-02T09:00:00+00:00", "acc_1.0.3.trial.started"]]',
}
REFUSED = {"code": "bus_refused", "reason": "EventBridge: InternalFailure."}
ARN = "arn:aws:sqs:eu-central-1:123456789012:billhook-prod-{}-1ABCDEFGH"


@pytest.mark.parametrize(
    ("given", "origin", "about", "code"),
    [
        (message(EVENT, OURS), "events", "customer.updated evt_1 acc_ada", "unreadable"),
        (message("{nonsense", OURS), "events", "?", "unreadable"),
        (message("[]", OURS), "events", "?", "unreadable"),
        (
            message(EVENT, source=ARN.format("EventsQueue")),
            "events",
            "customer.updated evt_1 acc_ada",
            "worn_out",
        ),
        (
            message({"account_id": "acc_ada"}, source=ARN.format("ActQueue")),
            "act",
            "acc_ada",
            "worn_out",
        ),
        (
            message({"account_id": "acc_ada", "key": "welcome@1"}, source=ARN.format("MailQueue")),
            "mail",
            "welcome@1 acc_ada",
            "worn_out",
        ),
        (message("{}", source=ARN.format("MailQueue")), "mail", "?", "worn_out"),
        (message(BY_SES, BY_EVENTBRIDGE), "feedback", "Bounce 0100-a acc_ada", "undelivered"),
        (message(FAILED_FEEDBACK), "feedback", "Bounce 0100-a acc_ada", "failed"),
        (message(OF_THE_BUS, REFUSED), "bus", "acc_1.0.3.trial.started acc_1", "bus_refused"),
        (message("{}", REFUSED), "bus", "?", "bus_refused"),
        (message({"deliveries": "[[1"}, REFUSED), "bus", "?", "bus_refused"),
        (message({"deliveries": 7}, REFUSED), "bus", "?", "bus_refused"),
        (message("nonsense", REFUSED), "unknown", "?", "bus_refused"),
        (
            message({"sign_in": SECRET}, source=ARN.format("ActQueue")),
            "act",
            "sign-in",
            "worn_out",
        ),
        (
            message({"operator_sign_in": SECRET, "asked_at": "x"}, source=ARN.format("MailQueue")),
            "mail",
            "operator-sign-in",
            "worn_out",
        ),
        (message(RECORD_OF_LAMBDA), "feedback", "Bounce 0100-a acc_ada", "failed"),
        (message(NOTIFICATION), "feedback", "Bounce 0100-a acc_ada", "undelivered"),
        (message(CALLED), "feedback", "Bounce 0100-a acc_ada", "undelivered"),
        (message(EVENT), "events", "customer.updated evt_1 acc_ada", "unknown"),
        (message(ENVELOPE, OURS), "events", "customer.updated evt_1 acc_ada", "unreadable"),
        (
            message(ENVELOPE, BY_EVENTBRIDGE),
            "events",
            "customer.updated evt_1 acc_ada",
            "undelivered",
        ),
        (message({**ENVELOPE, "detail": 1}, OURS), "events", "?", "unreadable"),
        (message({**ENVELOPE, "source": "acme"}), "unknown", "?", "unknown"),
        (message({"account_id": "acc_ada"}), "act", "acc_ada", "unknown"),
        (
            message({"account_id": "acc_ada", "key": "welcome@1"}),
            "mail",
            "welcome@1 acc_ada",
            "unknown",
        ),
        (message("hello"), "unknown", "?", "unknown"),
        (message("[" * 100_000), "unknown", "?", "unknown"),
    ],
)
def test_a_dead_letter_has_its_origin_its_subject_and_the_reason(
    given: dict[str, Any], origin: str, about: str, code: str
) -> None:
    letter = read_letter(given)
    assert (letter.origin, letter.code) == (origin, code)
    assert letter.origin in ORIGINS
    assert letter.code in CODES
    assert letter.at == datetime(2026, 3, 2, 9, 0, 0, 123000, UTC)
    told = line(letter)
    assert f" {about} " in f"{told} "
    assert SECRET not in told
    assert letter.body == given["Body"]


def test_an_event_that_eventbridge_could_not_deliver_says_what_it_failed_on() -> None:
    assert "NO_PERMISSIONS" in read_letter(message(ENVELOPE, BY_EVENTBRIDGE)).reason


def test_every_code_is_in_the_runbook() -> None:
    told = re.findall(
        r"^\|[^|`]+\| `(\w+)` \|",
        (ROOT / "docs" / "operations.md").read_text().partition("## Dead letters")[2],
        re.MULTILINE,
    )
    assert set(told) == set(CODES)


def test_a_list_shows_nothing_of_a_hostile_payload() -> None:
    hostile = {
        **EVENT,
        "id": "evt\x1b[2J",
        "type": f"invoice.paid {SECRET}",
        "data": {"object": {"customer": {"id": "\x07"}, "metadata": {"account_id": 7}}},
    }
    told = line(read_letter(message(hostile, {"code": "unreadable", "reason": "\x1b]0;x\x07 odd"})))
    assert SECRET not in told
    assert told.isprintable()


def test_the_feedback_of_a_letter_is_found_in_every_envelope() -> None:
    """Those of SNS are of releases before EventBridge."""
    for body in (BY_SES, FAILED_FEEDBACK, RECORD_OF_LAMBDA, CALLED, NOTIFICATION):
        assert feedback_of(json.dumps(body)) == [FEEDBACK]
    for other in ("hello", "[]", json.dumps(ENVELOPE), json.dumps({"Type": "Notification"})):
        assert feedback_of(other) == []


def sending(queues: dict[str, Any], feedback: Any = None) -> Any:
    """The senders with these queues; what goes to the bus is kept in memory."""
    return senders_to(queues, MemoryGroupedQueue(), feedback)


@dataclass
class MemoryDeadLetters:
    """A dead-letter queue in memory."""

    inside: list[DeadLetter] = field(default_factory=list)
    given_back: int = 0

    def put(self, *messages: tuple[str, dict[str, str]]) -> None:
        for body, attributes in messages:
            number = len(self.inside)
            self.inside.append(
                read_letter(
                    {
                        **message(body, attributes),
                        "MessageId": f"id-{number}",
                        "ReceiptHandle": f"handle-{number}",
                    }
                )
            )

    def look(self, most: int) -> list[DeadLetter]:
        return self.inside[:most]

    def release(self) -> None:
        self.given_back += 1

    def delete(self, letter: DeadLetter) -> None:
        self.inside = [one for one in self.inside if one.id != letter.id]


def test_a_dead_letter_that_cannot_be_sent_stays_and_the_others_go() -> None:
    box = MemoryDeadLetters()
    box.put(("hello", {}), (json.dumps(EVENT), OURS), (json.dumps({"account_id": "acc_ada"}), {}))
    sent: list[str] = []

    def fail(letter: DeadLetter) -> None:
        raise Unavailable("down")

    with looking(box, 10) as letters:
        done = [
            (letter.id, outcome)
            for letter, outcome in redrive(
                letters, box, {"events": lambda letter: sent.append(letter.body), "act": fail}
            )
        ]
    assert done == [("id-0", "no_way"), ("id-1", "sent"), ("id-2", "not_sent")]
    assert {"no_way", "not_sent"} < FAILED < set(OUTCOMES)
    assert [json.loads(body) for body in sent] == [EVENT]
    assert [letter.id for letter in box.inside] == ["id-0", "id-2"]
    assert box.given_back == 1


def test_only_the_named_dead_letters_are_deleted() -> None:
    box = MemoryDeadLetters()
    box.put(("a", {}), ("b", {}))
    with looking(box, 10) as letters:
        assert [outcome for _, outcome in discard(_named(letters, ["id-1"]), box)] == ["discarded"]
        with pytest.raises(InvalidInput, match="id-9"):
            _named(letters, ["id-9"])
    assert [letter.id for letter in box.inside] == ["id-0"]


# A redrive after a fix. Of a recorded life some events came in a form that could not be read, and
# lie in the dead letters; the fix is that they can be read now (here: the body is what Stripe sent,
# and not cut short).

RECORDING = RECORDINGS["renewal_fails_then_recovers"]
LOST = range(2, len(RECORDING.events), 3)


def lived_with_dead_letters(lost: range = LOST) -> tuple[FakeServices, MemoryDeadLetters]:
    """A customer's life with events that cannot be read; the dead letters have them as they
    will be readable after the fix.
    """
    place, box = FakeServices(), MemoryDeadLetters()
    place.stripe.reader.truth = RECORDING.truth()
    for number, event in enumerate(RECORDING.events):
        place.now.at = at(event["created"])
        body = json.dumps(event)
        (outcome,) = ingest(
            [Message(event["id"], body[:-20] if number in lost else body)], place.services
        )
        assert (outcome.effect == "dead_lettered") is (number in lost)
    box.put(
        *[
            (json.dumps(RECORDING.events[number]), attributes)
            for number, (_, attributes) in zip(lost, place.dead_letters.messages, strict=True)
        ]
    )
    place.dead_letters.messages.clear()
    return place, box


def mended(place: FakeServices, box: MemoryDeadLetters, calls: OutsideCalls) -> None:
    """Redrive everything with services that may stop after any call, repeated until nothing is
    left; then ingest what was sent.
    """
    queue: list[str] = []
    watched = calls.watch_parts(Hands(box, queue), "box", "queue")
    senders = {"events": lambda letter: watched.queue.append(letter.body)}
    while box.inside:
        with suppress(Crash), looking(watched.box, 1000) as letters:
            list(redrive(letters, watched.box, senders))
    for number, body in enumerate(queue):
        ingest([Message(str(number), body)], place.services)


@dataclass(frozen=True)
class Hands:
    box: Any
    queue: Any


def test_a_redrive_interrupted_after_any_call_ends_the_same_and_changes_nothing_twice() -> None:
    counted = OutsideCalls()
    whole, box = lived_with_dead_letters()
    mended(whole, box, counted)
    assert box.inside == []
    assert len(counted.made) > 2 * len(LOST)
    assert whole.dead_letters.messages == []
    for reply_lost in (True, False):
        for n in range(1, len(counted.made) + 1):
            place, box = lived_with_dead_letters()
            mended(place, box, crashing_after(n, reply_lost=reply_lost))
            assert box.inside == []
            assert place.accounts.only() == whole.accounts.only()
            assert place.timeline.entries == whole.timeline.entries


def test_after_the_redrive_the_account_is_what_stripe_holds() -> None:
    place, box = lived_with_dead_letters()
    mended(place, box, OutsideCalls())
    (subscription,) = place.accounts.only().subscriptions.values()
    (truth,) = RECORDING.truth().subscriptions.values()
    assert subscription.value.status == truth["status"]
    undisturbed, _ = lived_with_dead_letters(range(0))
    assert updated(place.accounts.only()) == updated(undisturbed.accounts.only())
    assert {id for _, _, kind, id in undisturbed.timeline.entries if kind == "stripe"} == {
        id for _, _, kind, id in place.timeline.entries if kind == "stripe"
    }


# On SQS.


@dataclass
class OnSqs:
    sqs: Any
    url: str
    events: str

    @property
    def box(self) -> DeadLetterQueue:
        return DeadLetterQueue(self.url, read_letter, self.sqs)

    def waiting(self, url: str) -> list[str]:
        return [
            one["Body"]
            for one in self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
            ).get("Messages", [])
        ]


@pytest.fixture
def on_sqs(aws: None, monkeypatch: pytest.MonkeyPatch) -> OnSqs:
    monkeypatch.setattr("chalicelib.aws.stage.dead_letters.WAIT", 0)
    sqs = boto3.client("sqs")
    return OnSqs(
        sqs,
        *[
            sqs.create_queue(QueueName=name)["QueueUrl"]
            for name in ("DeadLettersQueue", "EventsQueue")
        ],
    )


def test_listing_changes_nothing(on_sqs: OnSqs) -> None:
    for number in range(25):
        Queue(on_sqs.url, on_sqs.sqs).send(f"letter {number}", OURS)
    with looking(on_sqs.box, 1000) as letters:
        assert sorted(letter.body for letter in letters) == sorted(
            f"letter {number}" for number in range(25)
        )
        assert {(letter.code, letter.reason) for letter in letters} == {
            ("unreadable", "The body is no JSON.")
        }
        assert on_sqs.waiting(on_sqs.url) == [], "nobody else sees them meanwhile"
    assert len(on_sqs.waiting(on_sqs.url)) == 10, "all are there again at once"
    with looking(on_sqs.box, 7) as letters:
        assert len(letters) == 7


def test_a_listing_that_fails_makes_its_messages_visible_again(on_sqs: OnSqs) -> None:
    for number in range(15):
        Queue(on_sqs.url, on_sqs.sqs).send(f"letter {number}")

    class Failing(DeadLetterQueue):
        def _receive(self, most: int) -> list[Any]:
            if self._out_of_sight:
                raise Unavailable("down")
            return super()._receive(most)

    with pytest.raises(Unavailable), looking(Failing(on_sqs.url, read_letter, on_sqs.sqs), 1000):
        pass
    with looking(on_sqs.box, 1000) as letters:
        assert len(letters) == 15


def test_a_redriven_event_is_in_its_queue_without_its_reason(on_sqs: OnSqs) -> None:
    Queue(on_sqs.url, on_sqs.sqs).send(json.dumps(EVENT), OURS)
    Queue(on_sqs.url, on_sqs.sqs).send("hello")
    box, senders = on_sqs.box, sending({"events": Queue(on_sqs.events, on_sqs.sqs)})
    with looking(box, 1000) as letters:
        assert sorted(outcome for _, outcome in redrive(letters, box, senders)) == [
            "no_way",
            "sent",
        ]
    (sent,) = on_sqs.sqs.receive_message(QueueUrl=on_sqs.events, MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert json.loads(sent["Body"]) == EVENT
    assert "MessageAttributes" not in sent
    assert on_sqs.waiting(on_sqs.url) == ["hello"], "what stays is given back"


def test_a_missing_queue_is_an_error(on_sqs: OnSqs) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        DeadLetterQueue(on_sqs.url + "-none", read_letter, on_sqs.sqs).look(1)


def test_feedback_starts_its_function_again() -> None:
    started: list[dict[str, Any]] = []

    class Lambdas:
        def invoke(self, **call: Any) -> None:
            started.append(call)

    box = MemoryDeadLetters()
    for body in (FAILED_FEEDBACK, BY_SES, NOTIFICATION):
        box.put((json.dumps(body), {}))
    start = feedback_function("billhook-dev-TakeFeedback-1", Lambdas())
    with looking(box, 10) as letters:
        assert [outcome for _, outcome in redrive(letters, box, sending({}, start))] == ["sent"] * 3
    assert {(call["FunctionName"], call["InvocationType"]) for call in started} == {
        ("billhook-dev-TakeFeedback-1", "Event")
    }
    events = [json.loads(call["Payload"]) for call in started]
    assert [event["detail"] for event in events] == [FEEDBACK] * 3
    for event in events:
        assert CloudWatchEvent(event, None).source == "aws.ses", "the function can read it"


def test_feedback_whose_function_cannot_be_started_stays() -> None:
    class Refusing:
        def invoke(self, **call: Any) -> None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke")

    box = MemoryDeadLetters()
    box.put((json.dumps(FAILED_FEEDBACK), {}))
    with looking(box, 10) as letters:
        start = feedback_function("gone", Refusing())
        assert [outcome for _, outcome in redrive(letters, box, sending({}, start))] == ["not_sent"]
