"""All functions over AWS in memory, called as Lambda calls them, with a meter on what they use and
the clock where a story puts it.
"""

import io
import json
import os
import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message as Headers
from math import ceil
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import boto3
from chalice.app import ScheduledEventConfig, SQSEventConfig

from app import app
from bench.costs.metering import Meter, size_of
from bench.stubs import ENVIRONMENT, SECRET, TABLE
from chalicelib.aws import dynamo, queues
from chalicelib.aws.events import webhooks
from chalicelib.aws.mail import mailer
from chalicelib.domain.account.links import link_to
from chalicelib.entry.triggers import (
    act_queue,
    deliveries_queue,
    events_queue,
    mail_queue,
    schedules,
    ses_feedback,
    table_stream,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import Clock, clock
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import logger, metrics
from chalicelib.usecases.accounts.api_keys import create_key
from chalicelib.usecases.webhooks.sweep import sweep_deliveries
from local.aws.api_gateway import ApiGateway
from local.aws.lambda_context import LambdaContext
from local.aws.partner_bus import enveloped
from local.aws.resources import TEMPLATE
from local.aws.template import load
from local.client import signature
from local.http_server import Answer, Request
from ops.package.template import API_FUNCTION, WEBHOOK_FUNCTION, WEBHOOK_PATH
from ops.stage.signing_keys import new_signing_keys
from tests.adapters.aws.conftest import table_definition
from tests.adapters.aws.on_moto import mocked_aws
from tests.fakes.services import Moment

QUEUES = {
    "events": ("ProcessEvents", "process_events", events_queue.process_events),
    "act": ("ActOnAccounts", "act_on_accounts", act_queue.act_on_accounts),
    "mail": ("SendMails", "send_mails", mail_queue.send_mails),
    "deliveries": ("DeliverEvents", "deliver_events", deliveries_queue.deliver_events),
}
"""The function of each queue: its logical id, its name, itself."""

BESIDE_A_LINE = 26
"""Bytes that CloudWatch adds to each line of a log."""

MOST_AT_ONCE = 1000
"""Batches of a queue that Lambda processes at once at most, where nothing limits it."""

SQS_SOURCES = {
    config.name: config for config in app.event_sources if isinstance(config, SQSEventConfig)
}
"""The queues that Lambda polls, by function."""

BATCHES = {
    name: (config.batch_size, config.maximum_concurrency or MOST_AT_ONCE)
    for name, config in SQS_SOURCES.items()
}
"""Messages in a batch and batches at once, by function, as Chalice's decorators say."""

EVENT_BUS = "EventBridge"
"""What the tallies call Stripe's partner event bus, beside the functions."""

A_PIECE = 64 * 1024
"""Bytes of a message or an event that are billed as one."""

PARAMETERS = {
    "stripe-webhook-secrets": SECRET,
    "hash-key": "h" * 64,
    "stripe-api-key": "sk_test_costs",
    "link-keys": "k" * 64,
    "signing-keys": new_signing_keys(),
    "slack-webhook-url": "https://hooks.slack.com/services/T0/B0/costs",
}
CACHES = (
    settings,
    dynamo.client,
    queues.client,
    wiring.accounts,
    wiring.timelines,
    wiring.api_keys,
    wiring.key_ring,
    wiring.secrets,
    wiring.services,
    wiring.events_queue,
    wiring.signup_guard,
    wiring.claims,
    wiring.suppressions,
    wiring.mail_services,
    wiring.stage_metrics,
)


def logical_id(name: str) -> str:
    """What Chalice calls a function in the template."""
    return "".join(word.capitalize() for word in name.split("_"))


OFF = {
    id
    for id, one in load(TEMPLATE)["Resources"].items()
    for event in one.get("Properties", {}).get("Events", {}).values()
    if "State" in event["Properties"]
}
"""The functions whose schedule a setting switches on."""

SCHEDULED = {
    config.name: config
    for config in app.event_sources
    if isinstance(config, ScheduledEventConfig) and logical_id(config.name) not in OFF
}
"""What the clock starts on a stage without settings, by the function's name."""

TICK = {
    "version": "0",
    "id": "1",
    "account": "1",
    "region": "us-east-1",
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "detail": {},
}
TICK |= {"resources": [], "time": "2026-03-02T09:00:00Z"}


@dataclass
class Deployment:
    """One stage with nothing in it. `now` is its clock."""

    now: Moment
    meter: Meter = field(init=False)
    written: list[str] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)
    metrics: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.meter = Meter(self.written.append)
        self._said = io.StringIO()
        self._gateway = ApiGateway(app)

    def call(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """One request through API Gateway, and what the stream makes of it. Raises RuntimeError for
        a refusal.
        """
        parts, sent = urlsplit(target), Headers()
        for name, value in headers.items():
            sent[name.replace("_", "-")] = value
        with self._running(WEBHOOK_FUNCTION if parts.path == WEBHOOK_PATH else API_FUNCTION):
            self.meter.add("api")
            answer = self._gateway(
                Request(method, parts.path, parse_qsl(parts.query), sent, body, "203.0.113.7")
            )
        if answer.status >= 400:
            raise RuntimeError(f"{target} answers {answer.status}: {answer.body!r}")
        self._stream()
        return answer

    def webhooks(self, events: list[Any]) -> None:
        """Stripe's events of one moment, each a request; the queue's window gathers them into one
        batch.
        """
        for event in events:
            payload = json.dumps(event, indent=2).encode()
            signed = signature(payload, SECRET, int(self.now.at.timestamp()))
            self.call(
                "POST",
                WEBHOOK_PATH,
                payload,
                Stripe_Signature=signed,
                Content_Type="application/json; charset=utf-8",
            )
            with self._counting(WEBHOOK_FUNCTION):
                self.meter.add("webhooks")
        self.drain("events")

    def partner_events(self, events: list[Any]) -> None:
        """Stripe's events of one moment, each put into the queue by the rule on its event bus."""
        for event in events:
            body = json.dumps(enveloped(event))
            boto3.client("sqs").send_message(QueueUrl=self.urls["events"], MessageBody=body)
            with self._counting(EVENT_BUS):
                self.meter.add("bus_events", ceil(len(body.encode()) / A_PIECE))
                self.meter.add("sqs", ceil(len(body.encode()) / A_PIECE))
        self.drain("events")

    def key(self, scope: str) -> str:
        """An API key, made by hand."""
        return create_key(wiring.api_keys(), scope, "costs", self.now.at)

    def billing_token(self) -> str:
        """The token of the billing link that the only account was mailed."""
        (id,) = {
            item["pk"]["S"].partition("#")[2]
            for item in self.items()
            if item["sk"] == {"S": "ACCOUNT"}
        }
        account = wiring.accounts().load(id)
        assert account
        return wiring.links().token(link_to(account, "billing", self.now.at))

    def run(self, scheduled: str) -> None:
        """What the clock starts, by its name."""
        with self._running(logical_id(scheduled)):
            pkgutil.resolve_name(SCHEDULED[scheduled].handler_string)(
                TICK, LambdaContext(scheduled, 60)
            )
        self._stream()

    def due_at(self) -> datetime | None:
        """When the first account is due."""
        moments = [item["due_at"]["S"] for item in self._due_items()]
        return datetime.fromisoformat(min(moments)) if moments else None

    def act(self) -> None:
        """What the sweep would hand out now is acted on, and mail is sent and reported. The sweep
        itself is counted by the minute.
        """
        due = wiring.services().stores.due_index.due(self.now.at, 1000)
        with self._counting("SweepDue"):
            wiring.services().queues.act.send_many([{"account_id": id} for _, id in due])
        self.drain("act")
        self.drain("mail")

    def delivery_due_at(self) -> datetime | None:
        """When the first delivery is due."""
        moments = [
            item["due_at"]["S"]
            for item in self._due_items()
            if item["sk"]["S"].startswith("DELIVERY#")
        ]
        return datetime.fromisoformat(min(moments)) if moments else None

    def deliver(self) -> None:
        """What the sweep would wake now is delivered."""
        with self._counting("SweepDue"):
            sweep_deliveries(wiring.services())
        self.drain("deliveries")

    def drain(self, queue: str) -> None:
        """Let the queue's function take what waits."""
        name, python_name, function = QUEUES[queue]
        sqs, size = boto3.client("sqs"), BATCHES[python_name][0]
        while records := list(self._received(sqs, queue, size)):
            with self._running(name):
                failed = function({"Records": records}, LambdaContext(python_name, 60))[
                    "batchItemFailures"
                ]
                # Received and deleted, ten a request.
                self.meter.add("sqs", 2 * ceil(len(records) / 10))
            if failed:
                raise RuntimeError(f"{name} gives {len(failed)} messages back.")
            self._stream()
            self._report()

    def items(self, **choice: Any) -> list[Any]:
        """The items of the table: all, or those that the parameters of a scan choose."""
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE, **choice)
        return [item for page in pages for item in page["Items"]]

    def _due_items(self) -> list[Any]:
        # Only what is asked for: moto takes most of a scan's time to write its answer.
        return self.items(
            FilterExpression="attribute_exists(due_at)", ProjectionExpression="due_at, sk"
        )

    def stored_bytes(self) -> int:
        """What the table's items weigh, with the hundred bytes that DynamoDB adds to each."""
        return sum(size_of(item) + 100 for item in self.items())

    def _received(self, sqs: Any, queue: str, most: int) -> Iterator[Any]:
        for _ in range(ceil(most / 10)):
            some = sqs.receive_message(
                QueueUrl=self.urls[queue], MaxNumberOfMessages=min(10, most)
            ).get("Messages", [])
            for one in some:
                sqs.delete_message(QueueUrl=self.urls[queue], ReceiptHandle=one["ReceiptHandle"])
                yield {
                    "messageId": one["MessageId"],
                    "receiptHandle": one["ReceiptHandle"],
                    "body": one["Body"],
                }
            if not some:
                return

    def _stream(self) -> None:
        """The stream starts its function for accounts that were written with an outbox: each
        account once for what one function did.
        """
        while self.written:
            ids = list(dict.fromkeys(self.written))
            self.written.clear()
            keys = [{"pk": {"S": f"ACCOUNT#{id}"}, "sk": {"S": "ACCOUNT"}} for id in ids]
            with self._running("CarryOut"):
                table_stream.carry_out(
                    {
                        "Records": [
                            {"dynamodb": {"Keys": key, "SequenceNumber": str(number)}}
                            for number, key in enumerate(keys)
                        ]
                    },
                    LambdaContext("carry_out", 60),
                )

    def _report(self) -> None:
        """SES tells of each mail that it took it and that it arrived."""
        while self.meter.mails:
            mail = self.meter.mails.pop(0)
            stamp, tags = (
                self.now.at.isoformat(),
                {tag["Name"]: [tag["Value"]] for tag in mail["tags"]},
            )
            for kind in ("Send", "Delivery"):
                told = {
                    "eventType": kind,
                    "mail": {"timestamp": stamp, "messageId": mail["id"], "tags": tags},
                }
                told |= {
                    kind.lower(): {
                        "timestamp": stamp,
                        "recipients": mail["to"],
                        "smtpResponse": "250 2.0.0 OK",
                    }
                }
                with self._running("TakeFeedback"):
                    ses_feedback.take_feedback(
                        TICK | {"source": "aws.ses", "detail": told},
                        LambdaContext("take_feedback", 60),
                    )
                self._stream()

    @contextmanager
    def _running(self, name: str) -> Iterator[None]:
        with self._counting(name):
            self.meter.add("invocations")
            yield
            said = self._said.getvalue()
            lines = len(said.splitlines())
            self.meter.add("log_bytes", len(said.encode()) + lines * BESIDE_A_LINE)
            blobs = [json.loads(line)["_aws"] for line in said.splitlines() if '"_aws"' in line]
            self.metrics |= {
                one["Name"] for blob in blobs for one in blob["CloudWatchMetrics"][0]["Metrics"]
            }
            self._said.seek(0)
            self._said.truncate()

    @contextmanager
    def _counting(self, name: str) -> Iterator[None]:
        with redirect_stdout(self._said), self.meter.function(name):
            yield


@contextmanager
def deployed(at: datetime, *stand_ins: Any) -> Iterator[Deployment]:
    """A stage, for as long as it is needed, with what stands in for Stripe: patches that are begun
    before anything is built.
    """
    moment = Moment(at)
    made = Deployment(moment)
    # what another function of this process noted would be counted as told by these
    logger.clear_state()
    with ExitStack() as stack:
        stack.enter_context(patch.dict("os.environ", ENVIRONMENT))
        stack.enter_context(patch.dict("os.environ", {"FUNCTIONS": f"{WEBHOOK_FUNCTION}=webhooks"}))
        os.environ.pop("AWS_ENDPOINT_URL", None)
        stack.enter_context(mocked_aws())
        boto3.client("dynamodb").create_table(**table_definition(TABLE))
        for name, variable in {
            "events": "EVENTS",
            "dead": "DEAD_LETTERS",
            "act": "ACT",
            "mail": "MAIL",
        }.items():
            url = boto3.client("sqs").create_queue(
                QueueName=name, Attributes={"MaximumMessageSize": "1048576"}
            )["QueueUrl"]
            stack.enter_context(patch.dict("os.environ", {f"{variable}_QUEUE_URL": url}))
            made.urls[name] = url
        made.urls["deliveries"] = boto3.client("sqs").create_queue(
            QueueName="deliveries.fifo", Attributes={"FifoQueue": "true"}
        )["QueueUrl"]
        stack.enter_context(
            patch.dict("os.environ", {"DELIVERIES_QUEUE_URL": made.urls["deliveries"]})
        )
        for name, value in PARAMETERS.items():
            boto3.client("ssm").put_parameter(
                Name=f"{ENVIRONMENT['PARAMETERS_PATH']}/{name}", Value=value, Type="SecureString"
            )
        for identity in ("mail.acme.example", *_senders()):
            boto3.client("sesv2").create_email_identity(EmailIdentity=identity)
        ses = mailer.client()
        # moto does not have it.
        ses.get_account = lambda: {"SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": 0.0}}
        for one in (
            *stand_ins,
            patch.object(Clock, "now", lambda _: moment.at),
            patch.object(mailer, "client", lambda: ses),
            # By the wall clock, which these counts must not depend on.
            patch.object(webhooks, "REMEMBERED_SECONDS", float("inf")),
        ):
            stack.enter_context(one)
        for handler in logger._logger.handlers:
            stack.enter_context(patch.object(handler, "stream", made._said))
        _forget()
        stack.callback(_forget)
        # What a function reads once in its life is no cost of a call: the secrets, the last walk,
        # SES's quota.
        assert clock.now() == at
        _warm_up(made)
        stack.enter_context(made.meter.watching())
        yield made


def _warm_up(made: Deployment) -> None:
    services = wiring.services()
    for _ in range(3):
        schedules.sweep_due(TICK, LambdaContext("sweep_due", 60))
    services.stores.endpoints.remembered()
    wiring.mail_services().wait_for_capacity()
    wiring.signup_guard(), wiring.events_queue(), services.policy
    for name in PARAMETERS:
        getattr(wiring.secrets(), name.replace("-", "_"))
    made._said.seek(0)
    made._said.truncate()


def _forget() -> None:
    for cached in CACHES:
        cached.cache_clear()
    metrics.clear_metrics()


def _senders() -> list[str]:
    mail = wiring.policy().mail
    return (
        sorted({sender.rpartition("<")[2].rstrip(">") for sender in mail.senders.values()})
        if mail
        else []
    )
