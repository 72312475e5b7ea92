"""What answers in place of AWS and Stripe where their requests would leave, and the stopwatch that
keeps its cost out of the figures.
"""

import hashlib
import io
import json
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import process_time
from typing import Any
from zlib import crc32

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from chalicelib.aws import dynamo
from tests.fakes.stripe.reader import FakeReader

TABLE = "billing"
SECRET = "whsec_of_the_bench_0123456789abcdef"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "STAGE": "bench",
    "LIVEMODE": "false",
    "TABLE_NAME": TABLE,
    "EVENTS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/events",
    "DEAD_LETTERS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/dead",
    "ACT_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/act",
    "MAIL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/mail",
    "DELIVERIES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/deliveries.fifo",
    "WEBHOOKS": "true",
    "PARAMETERS_PATH": "/billhook",
}


class Stopwatch:
    """Adds up the CPU seconds that are spent inside it."""

    def __init__(self) -> None:
        self.cpu = 0.0

    def __enter__(self) -> None:
        self._began = process_time()

    def __exit__(self, *_: object) -> None:
        self.cpu += process_time() - self._began


ANSWERING_FOR_AWS, ANSWERING_FOR_STRIPE, INSIDE_CLIENT = Stopwatch(), Stopwatch(), Stopwatch()


def our_cpu() -> float:
    """The CPU seconds of this process so far, without those of the stand-ins."""
    return process_time() - ANSWERING_FOR_AWS.cpu - ANSWERING_FOR_STRIPE.cpu


# --- what stands in for AWS and for Stripe ---


Answering = Callable[[str, Any], Any]
"""Gets an operation and its parameters, as JSON has them; what it gives is AWS's answer."""

ERROR_STATUS = 400


class StandInPool:
    """Stands in for the connections of our own client."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def urlopen(
        self, method: str, url: str, *, body: bytes, headers: dict[str, str], **_: Any
    ) -> urllib3.HTTPResponse:
        """The answer to one request."""
        with ANSWERING_FOR_AWS:
            operation = headers["X-Amz-Target"].rpartition(".")[2]
            told, content = _told(self._answering(operation, json.loads(body)))
            status = ERROR_STATUS if b'"__type"' in content else 200
            return urllib3.HTTPResponse(content, told, status)


class Raw(io.BytesIO):
    """A body as botocore reads it off a connection."""

    def stream(self) -> Iterator[bytes]:
        """All of it, at once."""
        yield self.read()


def answered_in_boto3(client: Any, answering: Answering) -> None:
    """Have `answering` answer a client of boto3's."""

    def answer(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        with ANSWERING_FOR_AWS:
            assert isinstance(request.body, str | bytes)
            operation = event_name.rpartition(".")[2]
            told, content = _told(answering(operation, json.loads(request.body)))
            return AWSResponse(request.url, 200, HTTPHeaders.from_dict(told), Raw(content))

    client.meta.events.register("before-send", answer)


def _told(content: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body in AWS's JSON protocol 1.0, with the checksum that DynamoDB sends."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return {
        "Server": "Server",
        "Date": "Mon, 23 Nov 2026 09:00:00 GMT",
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(len(body)),
        "Connection": "keep-alive",
        "x-amzn-RequestId": "6D2Q3V5J2M1B0SQ7V3PN1A8K4JVV4KQNSO5AEMVJF66Q9ASUAAJG",
        "x-amz-crc32": str(crc32(body)),
    }, body


def sent_message(operation: str, call: Any) -> Any:
    """SQS's answer to SendMessage. The MD5 is the body's, though no client here checks it."""
    body = call["MessageBody"].encode()
    return {"MessageId": str(uuid.uuid4()), "MD5OfMessageBody": hashlib.md5(body).hexdigest()}


@dataclass
class MemoryDynamo:
    """DynamoDB in a dict, as far as taking in needs it; `calls` counts by operation."""

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def __call__(self, operation: str, call: Any) -> Any:
        self.calls[operation] += 1
        operations = {
            "GetItem": self._get,
            "BatchGetItem": self._batch_get,
            "Query": self._query,
            "PutItem": self._put,
            "BatchWriteItem": self._batch_write,
            "TransactWriteItems": self._transact,
        }
        return operations[operation](call)

    def _get(self, call: Any) -> Any:
        item = self.items.get(_key(call["Key"]))
        return {"Item": item} if item else {}

    def _batch_get(self, call: Any) -> Any:
        wanted = {table: map(_key, asked["Keys"]) for table, asked in call["RequestItems"].items()}
        return {
            "Responses": {
                table: [self.items[key] for key in keys if key in self.items]
                for table, keys in wanted.items()
            },
            "UnprocessedKeys": {},
        }

    def _query(self, call: Any) -> Any:
        """The items of one partition, in the order of their sort keys."""
        values = call["ExpressionAttributeValues"]
        first = values.get(":first", {"S": ""})["S"]
        found = sorted(
            (key, item)
            for key, item in self.items.items()
            if key[0] == values[":pk"]["S"] and key[1] >= first
        )
        if not call.get("ScanIndexForward", True):
            found.reverse()
        return {"Items": [item for _, item in found[: call.get("Limit")]]}

    def _put(self, call: Any) -> Any:
        if not self._allows(call):
            return {
                "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                "message": "The conditional request failed",
            }
        self.items[_key(call["Item"])] = call["Item"]
        return {}

    def _batch_write(self, call: Any) -> Any:
        for writes in call["RequestItems"].values():
            self.items |= {
                _key(write["PutRequest"]["Item"]): write["PutRequest"]["Item"] for write in writes
            }
        return {"UnprocessedItems": {}}

    def _transact(self, call: Any) -> Any:
        allowed = [
            "Put" not in write or self._allows(write["Put"]) for write in call["TransactItems"]
        ]
        if not all(allowed):
            reasons = [{"Code": "None" if one else "ConditionalCheckFailed"} for one in allowed]
            return {
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "CancellationReasons": reasons,
            }
        for write in call["TransactItems"]:
            if "Put" in write:
                self.items[_key(write["Put"]["Item"])] = write["Put"]["Item"]
            else:
                self.items.pop(_key(write["Delete"]["Key"]), None)
        return {}

    def _allows(self, put: Any) -> bool:
        stored, values = self.items.get(_key(put["Item"])), put.get("ExpressionAttributeValues", {})
        match put.get("ConditionExpression"):
            case None:
                return True
            case "attribute_not_exists(pk)":
                return stored is None
            case "version = :version":
                return stored is not None and stored["version"] == values[":version"]
            case "attribute_not_exists(pk) OR account_id IN (:id, :before)":
                return stored is None or stored["account_id"] in values.values()
            case other:
                raise ValueError(f"no stand-in for the condition {other}")


def _key(item: Any) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


class TimedReader(FakeReader):
    """Stripe in memory, whose own work is not ours."""

    def _answer(self, question: str, found: Any) -> Any:
        with ANSWERING_FOR_STRIPE:
            return super()._answer(question, found)


class GivenSecrets:
    """The secrets, without the Parameter Store."""

    stripe_webhook_secrets = (SECRET,)
    hash_key = "hash-key"


def wired_dynamo(table: MemoryDynamo) -> Any:
    """The client of the functions, answered by `table`, with a stopwatch on all that happens inside
    it.
    """
    client: Any = dynamo.client()
    client._pool, call = StandInPool(table), client.call

    def timed(operation: str, parameters: Any) -> Any:
        with INSIDE_CLIENT:
            return call(operation, parameters)

    client.call = timed
    return client
