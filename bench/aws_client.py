"""What one call of AWS costs: CPU milliseconds of our own client beside boto3, over loopback.

Both are as the functions use them: they encode, sign, send, receive and decode. A process of its
own answers, and its CPU is not in the figures; nor is TLS, which costs both the same.
"""

import argparse
import os
import platform
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any
from zlib import crc32

sys.path.insert(0, str(Path(__file__).parents[1]))

import boto3
from botocore.config import Config

from bench.stubs import ENVIRONMENT, TABLE
from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from chalicelib.aws.json_protocol.sqs import Sqs

ROUNDS, CALLS = 15, 100
BODY = '{"subscriptions": {"sub_1": {"status": "active"}}}' * 40
"""2 KB, as an account of some months."""

KEY = {"pk": {"S": "ACCOUNT#acc_1"}, "sk": {"S": "ACCOUNT"}}
ITEM: dict[str, Any] = {**KEY, "body": {"S": BODY}, "version": {"N": "3"}}
CONDITION = {
    "ConditionExpression": "version = :version",
    "ExpressionAttributeValues": {":version": {"N": "2"}},
}
PUT = {"TableName": TABLE, "Item": ITEM, **CONDITION}
ROWS = [
    {"PutRequest": {"Item": {**KEY, "sk": {"S": f"LOG#{number}"}, "body": {"S": BODY[:470]}}}}
    for number in range(10)
]
POINTER = {"pk": {"S": "CUSTOMER#cus_1"}, "sk": {"S": "CUSTOMER"}}
WRITES = [{"Put": PUT}, {"Put": {"TableName": TABLE, "Item": POINTER}}]

CALLED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "get_item": ("dynamodb", "get_item", {"TableName": TABLE, "Key": KEY, "ConsistentRead": True}),
    "batch_get_item, one": (
        "dynamodb",
        "batch_get_item",
        {"RequestItems": {TABLE: {"Keys": [KEY], "ConsistentRead": True}}},
    ),
    "put_item, condition, 2 KB": ("dynamodb", "put_item", PUT),
    "transact_write_items, two": ("dynamodb", "transact_write_items", {"TransactItems": WRITES}),
    "batch_write_item, ten rows": (
        "dynamodb",
        "batch_write_item",
        {"RequestItems": {TABLE: ROWS}},
    ),
    "send_message, 4 KB": (
        "sqs",
        "send_message",
        {"QueueUrl": ENVIRONMENT["EVENTS_QUEUE_URL"], "MessageBody": "m" * 4096},
    ),
}
"""What is measured: service, method, parameters."""

ANSWERS = {
    b"GetItem": b'{"Item":%s}',
    b"BatchGetItem": b'{"Responses":{"billing":[%s]},"UnprocessedKeys":{}}',
    b"SendMessage": b'{"MessageId":"1"}',
}


def answer(target: bytes) -> bytes:
    """What AWS sends back, with the headers that it sends."""
    import json

    item = json.dumps(ITEM, separators=(",", ":")).encode()
    body = ANSWERS.get(target, b"{}")
    body = body % item if b"%s" in body else body
    head = (
        "HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Mon, 23 Nov 2026 09:00:00 GMT\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n"
        "Connection: keep-alive\r\n"
        "x-amzn-RequestId: 6D2Q3V5J2M1B0SQ7V3PN1A8K4JVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
        f"x-amz-crc32: {crc32(body)}\r\n\r\n"
    )
    return head.encode() + body


def serve() -> None:
    """Answer until killed; the port is printed first."""
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_answer_all, args=(connection,), daemon=True).start()


def _answer_all(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as incoming:
        while incoming.readline():
            headers = dict(_headers(incoming))
            incoming.read(int(headers[b"content-length"]))
            connection.sendall(answer(headers[b"x-amz-target"].rpartition(b".")[2]))


def _headers(incoming: Any) -> Iterator[tuple[bytes, bytes]]:
    while line := incoming.readline().strip():
        name, _, value = line.partition(b":")
        yield name.lower(), value.strip()


@contextmanager
def served() -> Iterator[str]:
    """The address of a process that answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.aws_client", "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def calls(endpoint: str) -> dict[tuple[str, str], Callable[[], object]]:
    """Each call by each client."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    any_client: Any = boto3.client
    clients = {
        "boto3": {
            service: any_client(service, endpoint_url=endpoint, config=config)
            for service in ("dynamodb", "sqs")
        },
        "ours": {"dynamodb": DynamoDb(endpoint), "sqs": Sqs(endpoint)},
    }
    return {
        (name, client): _bound(getattr(services[service], method), parameters)
        for name, (service, method, parameters) in CALLED.items()
        for client, services in clients.items()
    }


def _bound(method: Any, parameters: dict[str, Any]) -> Callable[[], object]:
    return lambda: method(**parameters)


def measured(acts: dict[tuple[str, str], Callable[[], object]]) -> dict[tuple[str, str], float]:
    """The least CPU milliseconds of one call, of samples taken in turn: what disturbs a machine
    only adds.
    """
    samples = defaultdict(list)
    for _ in range(ROUNDS):
        for name, act in acts.items():
            began = process_time()
            for _ in range(CALLS):
                act()
            samples[name].append(1000 * (process_time() - began) / CALLS)
    return {name: min(some) for name, some in samples.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    if parser.parse_args().serve:
        serve()
    os.environ.update(ENVIRONMENT)
    os.environ["AWS_SESSION_TOKEN"] = "t" * 700  # as long as a function's
    with served() as endpoint:
        found = measured(calls(endpoint))
    print(
        f"CPU milliseconds of a call over loopback, the least of {ROUNDS} rounds of {CALLS}. Python"
        f" {platform.python_version()}, boto3 {version('boto3')}.\n"
    )
    print(f"{'':28} {'boto3':>7} {'ours':>7} {'saved':>7}")
    for name in CALLED:
        theirs, ours = found[name, "boto3"], found[name, "ours"]
        print(f"{name:28} {theirs:7.3f} {ours:7.3f} {1 - ours / theirs:7.0%}")


if __name__ == "__main__":
    main()
