"""The wire: real processes and the product's own clients, and what goes wrong between them."""

import io
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest import mock

import boto3
import urllib3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from chalicelib.aws.json_protocol.client import JsonClient
from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from chalicelib.aws.json_protocol.retries import ATTEMPTS
from chalicelib.aws.json_protocol.sqs import Sqs
from chalicelib.aws.mail import mailer
from local.aws.emulator import Emulator, die_with_parent, free_port
from local.client import Client, Unreachable
from local.stripe_sim.api.api import ApiRequest
from local.stripe_sim.api.simulator import StripeSimulator
from tests.adapters.aws.conftest import table_definition

ON_THE_WIRE = {
    "reset": "The connection is reset, once.",
    "unreachable": "There is no connection, or each one is reset, until the run is over.",
    "reply lost": "The call takes effect, and the connection ends without a reply, once.",
    "replies lost": "The same at every retry of the SDK.",
    "timed out": "The call has no effect, and no attempt gets a reply in time.",
    "throttled once": "The other side refuses once because of the rate.",
    "throttled for good": "It refuses until the run after the next.",
    "conflict": "DynamoDB: another transaction was under way. Stripe: the object is locked (409).",
    "fails": "Stripe answers 500, and again under the same key.",
    "fails after": "The same after the call has taken effect.",
    "rejected": "SES will not send this message.",
}
"""The faults of the lines, in the order of the page's columns."""

MICROBURST = Path(".emulator/bin/microburst")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
ALWAYS = 1_000
LASTING = "throttled for good"


class WatchedClient(JsonClient):
    """A client of the product. `made` names its calls; the next so many attempts at an operation
    meet the fault that `faults` has for it.
    """

    made: list[str]
    faults: dict[str, tuple[int, "Fault"]]

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.made, self.faults = [], {}

    def call(self, operation: str, parameters: Any) -> Any:
        """As the product's."""
        self.made.append(f"{self.service}.{operation}")
        return super().call(operation, parameters)

    def _post(self, operation: str, body: bytes) -> urllib3.BaseHTTPResponse:
        left, fault = self.faults.get(operation, (0, None))
        if not left or fault is None:
            return super()._post(operation, body)
        self.faults[operation] = (left - 1, fault)
        return fault()


Fault = Callable[[], urllib3.BaseHTTPResponse]
"""Answers, or raises, in place of an attempt."""


class WatchedDynamoDb(WatchedClient, DynamoDb):
    """DynamoDB's."""


class WatchedSqs(WatchedClient, Sqs):
    """SQS's."""


class Wire:
    """The emulator, with a proxy before it that injects faults. `dynamodb` and `sqs` are the
    product's clients by way of the proxy; `beside(service)` gives boto3's that goes around it.
    """

    def __init__(self, emulator: Emulator, proxy: Client) -> None:
        self.emulator, self.proxy, self._numbers = emulator, proxy, count()
        self._beside: dict[str, Any] = {}
        self._definition = table_definition()
        self.dynamodb: Any = WatchedDynamoDb(proxy.base)
        self.sqs: Any = WatchedSqs(proxy.base)

    def beside(self, service: str) -> Any:
        if service not in self._beside:
            client: Any = boto3.client  # the stubs know literal names of services only
            self._beside[service] = client(service, endpoint_url=self.emulator.endpoint)
        return self._beside[service]

    def table(self) -> str:
        """A new table, as the deployed one is."""
        name = f"billing-{next(self._numbers)}"
        self.beside("dynamodb").create_table(**{**self._definition, "TableName": name})
        return name

    def queue(self) -> str:
        """The URL of a new queue."""
        return str(
            self.beside("sqs").create_queue(QueueName=f"queue-{next(self._numbers)}")["QueueUrl"]
        )

    def inside(self, url: str) -> set[str]:
        """The bodies of what is in a queue."""
        sqs, found = self.beside("sqs"), set()
        while some := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30
        ).get("Messages"):
            found |= {one["Body"] for one in some}
            for one in some:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found


@contextmanager
def wired() -> Iterator[Wire]:
    """The emulator and the proxy, for as long as this lasts. No client waits before
    it tries again."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, CREDENTIALS))
        for module in ("botocore.endpoint", "chalicelib.aws.json_protocol.client"):
            stack.enter_context(
                mock.patch(f"{module}.time", SimpleNamespace(sleep=lambda seconds: None))
            )
        stack.enter_context(
            mock.patch("stripe._http_client.HTTPClient._sleep_time_seconds", return_value=0)
        )
        emulator = stack.enter_context(Emulator())
        yield Wire(emulator, stack.enter_context(_proxied(emulator)))


@contextmanager
def _proxied(emulator: Emulator) -> Iterator[Client]:
    port = free_port()
    process = subprocess.Popen(
        [
            MICROBURST.resolve(),
            "--upstream",
            emulator.endpoint,
            "--port",
            str(port),
            "--host",
            "127.0.0.1",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent(),
    )
    proxy = Client(f"http://127.0.0.1:{port}")
    try:
        while True:
            assert process.poll() is None, "the proxy ended while it started"
            try:
                proxy.call("GET", "/_microburst/rules")
                break
            except Unreachable:
                time.sleep(0.05)
        # The first request through it is slow, since it reads all of AWS's models then: too slow
        # for the product's own patience.
        boto3.client("dynamodb", endpoint_url=proxy.base).list_tables()
        yield proxy
    finally:
        process.kill()  # told to end, it would first wait for the connections that our clients keep
        process.wait()


def hook(client: Any, event: str, times: int, fault: Callable[[Any], Any]) -> list[str]:
    """Have the next so many requests meet a fault; gives what met it. `fault` gives the answer, or
    raises.
    """
    met: list[str] = []

    def meet(request: Any, **_: Any) -> Any:
        if len(met) >= times:
            return None
        met.append(request.url)
        return fault(request)

    client.meta.events.register_first(f"before-send.{event}", meet, unique_id=f"fault-{event}")
    return met


def answers(code: str, status: int) -> Callable[[Any], Any]:
    """An error of AWS's, in its JSON envelope."""

    class Raw(io.BytesIO):
        def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
            yield self.read()

    body = json.dumps({"message": code, "__type": code}).encode()
    return lambda request: AWSResponse(
        request.url,
        status,
        {"x-amzn-errortype": code, "content-type": "application/json"},
        Raw(body),
    )  # type: ignore[no-untyped-call]


def times_out(request: Any) -> Any:
    """Not sent, and no reply."""
    raise ReadTimeoutError(endpoint_url=request.url)


def unreachable(request: Any) -> Any:
    """There is no connection."""
    raise EndpointConnectionError(endpoint_url=request.url)


def sent_without_reply(client: Any) -> Callable[[Any], Any]:
    """Sent, and the reply is lost."""

    def send(request: Any) -> Any:
        client._endpoint.http_session.send(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    return send


@dataclass
class AwsLine:
    """DynamoDB and SQS by way of the proxy. Calls are named as `dynamodb.GetItem`."""

    wire: Wire

    @contextmanager
    def watching(self, story: Any) -> Iterator[list[str]]:
        calls: list[str] = []
        self.wire.dynamodb.made = self.wire.sqs.made = calls
        yield calls
        self.wire.dynamodb.made = self.wire.sqs.made = []

    def arm(self, fault: str, name: str, story: Any) -> Callable[[], bool] | None:
        """Have the first calls of that name meet the fault; what then says whether one did. None
        where it cannot be.
        """
        service, operation = name.split(".")
        here: dict[str, tuple[int, Fault]] = {"timed out": (ATTEMPTS, _times_out)}
        if service == "sqs":
            here |= {"throttled once": (1, _throttles), LASTING: (ALWAYS, _throttles)}
        if fault in here:
            times, _ = here[fault]
            faults = getattr(self.wire, service).faults
            faults[operation] = here[fault]
            return lambda: faults[operation][0] < times
        rule = _rule(fault, service, operation)
        if rule is None:
            return None
        status, _ = self.wire.proxy.post(
            "/_microburst/rules", [{"service": service, "operation": operation, **rule}]
        )
        assert status == 200
        return lambda: any(one["fired_count"] for one in self._rules())

    def _rules(self) -> Any:
        return self.wire.proxy.call("GET", "/_microburst/rules")[1]

    def lift(self, story: Any) -> None:
        """The line is well again."""
        self.wire.proxy.post("/_microburst/rules", [])
        for client in (self.wire.dynamodb, self.wire.sqs):
            client.faults.clear()


def _times_out() -> urllib3.BaseHTTPResponse:
    """Not sent, and no reply."""
    raise ReadTimeoutError(endpoint_url="https://a.aws.example")


def _throttles() -> urllib3.BaseHTTPResponse:
    """SQS refuses because of the rate."""
    body = json.dumps({"__type": "com.amazonaws.sqs#RequestThrottled", "message": "Too fast."})
    return urllib3.HTTPResponse(body.encode(), status=403)


def _unhook(client: Any, names: list[str]) -> None:
    for name in names:
        client.meta.events.unregister(f"before-send.{name}", unique_id=f"fault-{name}")


_CANCELED = {
    "code": "TransactionCanceledException",
    "message": (
        "Transaction cancelled, please refer cancellation reasons for specific reasons"
        " [TransactionConflict]"
    ),
    "fields": {
        "CancellationReasons": [
            {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
        ]
    },
}


def _rule(fault: str, service: str, operation: str) -> dict[str, Any] | None:
    """The proxy's rule; None where there is none."""
    conflicts = {
        "TransactWriteItems": _CANCELED,
        "PutItem": {"code": "TransactionConflictException"},
    }
    if fault == "conflict":
        return {"times": 1, "error": conflicts[operation]} if operation in conflicts else None
    throttled = {"error": {"code": "ProvisionedThroughputExceededException"}}
    return {
        "reset": {"times": 1, "reset": True},
        "unreachable": {"times": ALWAYS, "reset": True},
        "reply lost": {"times": 1, "response": {"abort_frac": 0.0}},
        "replies lost": {"times": ATTEMPTS, "response": {"abort_frac": 0.0}},
        "throttled once": {"times": 1, **throttled},
        LASTING: {"times": ALWAYS, **throttled},
    }.get(fault)


class SesLine:
    """SES as the emulator plays it, by the product's own client, with a hook for
    what it answers."""

    def __init__(self, wire: Wire) -> None:
        self.hooked: list[str] = []
        self.ses = boto3.client(
            "sesv2", endpoint_url=wire.emulator.endpoint, config=mailer.client().meta.config
        )
        self.ses.meta.events.register("before-send.sesv2.*", mailer._close_after)

    @contextmanager
    def watching(self, story: Any) -> Iterator[list[str]]:
        calls: list[str] = []
        self.ses.meta.events.register(
            "before-call", lambda model, **_: calls.append(f"sesv2.{model.name}"), unique_id="calls"
        )
        yield calls
        self.ses.meta.events.unregister("before-call", unique_id="calls")

    def arm(self, fault: str, name: str, story: Any) -> Callable[[], bool] | None:
        """See AwsLine."""
        faults: dict[str, tuple[int, Callable[[Any], Any]]] = {
            "unreachable": (1, unreachable),
            "reply lost": (1, sent_without_reply(self.ses)),
            "timed out": (1, times_out),
            "throttled once": (1, answers("TooManyRequestsException", 429)),
            LASTING: (ALWAYS, answers("TooManyRequestsException", 429)),
        } | (
            {"rejected": (1, answers("MessageRejected", 400))} if name == "sesv2.SendEmail" else {}
        )
        if fault not in faults:
            return None
        self.hooked.append(name)
        met = hook(self.ses, name, *faults[fault])
        return lambda: bool(met)

    def lift(self, story: Any) -> None:
        """See AwsLine."""
        _unhook(self.ses, self.hooked)
        self.hooked.clear()


class StripeLine:
    """The simulated Stripe over HTTP. `story.simulator` is the one that it is about."""

    faults: ClassVar = {
        "reply lost": ("timeout_after", 1),
        "replies lost": ("timeout_after", 2),
        "timed out": ("timeout_before", 2),
        "throttled once": ("429", 1),
        LASTING: ("429", ALWAYS),
        "conflict": ("409", 2),
        "fails": ("500", 1),
        "fails after": ("500_after", 1),
    }

    @contextmanager
    def watching(self, story: Any) -> Iterator[list[str]]:
        calls: list[str] = []
        before = len(story.simulator.api.calls)
        yield calls
        calls += [_named(asked) for asked in story.simulator.api.calls[before:]]

    def arm(self, fault: str, name: str, story: Any) -> Callable[[], bool] | None:
        """See AwsLine."""
        if fault not in self.faults:
            return None
        how, times = self.faults[fault]
        simulator: StripeSimulator = story.simulator
        left = [times]

        def meet(asked: ApiRequest) -> str | None:
            if _named(asked) != name or not left[0]:
                return None
            left[0] -= 1
            return how

        simulator.api._fault = meet  # type: ignore[method-assign]
        return lambda: left[0] < times

    def lift(self, story: Any) -> None:
        """See AwsLine."""
        story.simulator.api._fault = lambda asked: None


def _named(asked: ApiRequest) -> str:
    return (
        f"{asked.method}"
        f" {re.sub(r'/(?:cus|sub|in|cs_test|cs|price)_[A-Za-z0-9_]+', '/{id}', asked.path)}"
    )
