"""A stage on moto, with its functions called as Lambda calls them: API Gateway, SQS and stream
events.
"""

import hashlib
import hmac
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message as Headers
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest

from app import app
from chalicelib.aws import dynamo, queues
from chalicelib.entry.triggers.events_queue import process_events
from chalicelib.entry.triggers.table_stream import carry_out
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import logger, metrics
from chalicelib.usecases.accounts.api_keys import create_key
from local.aws.api_gateway import ApiGateway
from local.aws.lambda_context import LambdaContext
from local.http_server import Request
from ops.stage.signing_keys import new_signing_keys
from tests.adapters.aws.conftest import TABLE, table_definition
from tests.fakes.stripe.reader import FakeReader

SECRET = "whsec_a_secret_that_no_log_may_hold"
CACHES = (
    settings,
    dynamo.client,
    queues.client,
    wiring.accounts,
    wiring.timelines,
    wiring.api_keys,
    wiring.key_ring,
    wiring.operator_sessions,
    wiring.directory,
)
CACHES += (wiring.secrets, wiring.events_queue, wiring.services, wiring.signup_guard)


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Stage:
    """The deployed stage, and everything that it put out."""

    events_queue: str
    dead_letters: str
    stripe: FakeReader
    sqs: Any
    said: io.StringIO = field(default_factory=io.StringIO)
    capture: Any = None
    out: str = ""

    def call(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """One request through API Gateway's event into the app."""
        parts, sent = urlsplit(target), Headers()
        for name, value in headers.items():
            sent[name.replace("_", "-")] = value
        answer = ApiGateway(app)(
            Request(method, parts.path, parse_qsl(parts.query), sent, body, "127.0.0.1")
        )
        return Answer(answer.status, json.loads(answer.body or b"null"), dict(answer.headers))

    def webhook(self, event: Any, secret: str = SECRET, age: int = 0, **headers: str) -> Answer:
        """A webhook as Stripe signs it."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        stamp = int(clock.now().timestamp()) - age
        signature = hmac.new(
            secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256
        ).hexdigest()
        headers = {
            "Stripe-Signature": f"t={stamp},v1={signature}",
            "Content-Type": "application/json; charset=utf-8",
        } | headers
        return self.call("POST", "/webhooks/stripe", payload, **headers)

    def get(self, target: str, key: str | None) -> Answer:
        return self.call("GET", target, **({"Authorization": f"Bearer {key}"} if key else {}))

    def key(self, scope: str) -> str:
        return create_key(wiring.api_keys(), scope, "test", clock.now())

    def messages(self, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while some := self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            found += some
        return found

    def work(self) -> set[str]:
        """Run process_events on the waiting messages. Returns the ids that will come again."""
        waiting = self.messages(self.events_queue)
        records = [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
            }
            for one in waiting
        ]
        failed = {
            one["itemIdentifier"]
            for one in process_events({"Records": records}, LambdaContext("process_events", 60))[
                "batchItemFailures"
            ]
        }
        for one in waiting:
            if one["MessageId"] not in failed:
                self.sqs.delete_message(
                    QueueUrl=self.events_queue, ReceiptHandle=one["ReceiptHandle"]
                )
        return failed

    def stream(self, *account_ids: str) -> Any:
        """Run carry_out on the stream records of these accounts."""
        records = [
            {
                "eventName": "MODIFY",
                "dynamodb": {
                    "Keys": {"pk": {"S": f"ACCOUNT#{id}"}, "sk": {"S": "ACCOUNT"}},
                    "SequenceNumber": str(number),
                },
            }
            for number, id in enumerate(account_ids)
        ]
        return carry_out({"Records": records}, LambdaContext("carry_out", 60))

    def everything_said(self) -> str:
        """All logs and metrics so far."""
        self.out += self.capture.readouterr().out
        return self.out + self.said.getvalue()

    def logged(self, message: str) -> list[dict[str, Any]]:
        """The log lines so far with this message."""
        lines = [line for line in self.everything_said().splitlines() if line.startswith("{")]
        return [one for line in lines if (one := json.loads(line)).get("message") == message]

    def metrics(self) -> Counter[str]:
        """What was counted so far."""
        counted: Counter[str] = Counter()
        for line in self.everything_said().splitlines():
            if '"_aws"' in line:
                blob = json.loads(line)
                for metric in blob["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                    counted[metric["Name"]] += int(sum(blob[metric["Name"]]))
        return counted


@pytest.fixture
def stage(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Stage]:
    boto3.client("dynamodb").create_table(**table_definition())
    sqs, ssm = boto3.client("sqs"), boto3.client("ssm")
    urls = [
        sqs.create_queue(QueueName=name, Attributes={"MaximumMessageSize": "1048576"})["QueueUrl"]
        for name in ("events", "dead", "act", "mail")
    ]
    deliveries = sqs.create_queue(
        QueueName="deliveries.fifo",
        Attributes={"FifoQueue": "true", "DeduplicationScope": "messageGroup"},
    )["QueueUrl"]
    for name, value in {
        "stripe-webhook-secrets": f"{SECRET} whsec_old",
        "hash-key": "hash-key-secret",
        "stripe-api-key": "sk_test_secret",
        "signing-keys": new_signing_keys(),
    }.items():
        ssm.put_parameter(Name=f"/billhook/{name}", Value=value, Type="SecureString")
    environment = {
        "STAGE": "test",
        "LIVEMODE": "false",
        "TABLE_NAME": TABLE,
        "PARAMETERS_PATH": "/billhook",
    }
    for name, value in (
        environment
        | {
            "EVENTS_QUEUE_URL": urls[0],
            "DEAD_LETTERS_QUEUE_URL": urls[1],
            "ACT_QUEUE_URL": urls[2],
            "MAIL_QUEUE_URL": urls[3],
            "DELIVERIES_QUEUE_URL": deliveries,
            "WEBHOOKS": "true",
        }
    ).items():
        monkeypatch.setenv(name, value)
    for cached in CACHES:
        cached.cache_clear()
    metrics.clear_metrics()
    stripe = FakeReader()
    made = Stage(urls[0], urls[1], stripe, sqs, capture=capsys)
    monkeypatch.setattr("chalicelib.stripe_api.reader.StripeReader", lambda *_: stripe)
    with monkeypatch.context() as patch:
        for handler in logger._logger.handlers:
            patch.setattr(handler, "stream", made.said)
        yield made
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture
def now() -> datetime:
    return clock.now()
