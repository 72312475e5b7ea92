"""A server on loopback that answers as AWS does, or as a test says."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chalicelib.aws.json_protocol import client
from chalicelib.aws.json_protocol.dynamodb import DynamoDb

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One connection, kept until somebody closes it."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_POST(self) -> None:
        """Note the request, and give the next answer."""
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.headers, self.body))
        answer = self.server.answers.pop(0) if self.server.answers else self.server.usual
        answer(self)

    def log_message(self, *_: Any) -> None:
        """The requests are noted."""


class Server(ThreadingHTTPServer):
    """`requests` are the headers and bodies so far; `answers` those to come, then `usual`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[Message, bytes]] = []
        self.answers: list[Answer] = []
        self.usual: Answer = says()


def says(body: str = "{}", status: int = 200, **headers: str) -> Answer:
    """An answer. Underscores in names of headers are hyphens."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body.encode())))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


def fails_with(code: str, status: int = 400, **headers: str) -> Answer:
    """An error in DynamoDB's envelope."""
    body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "No."}}'
    return says(body, status, **headers)


def hangs_up(handler: Handler) -> None:
    """The request was read, and the connection ends without an answer."""
    handler.close_connection = True


def hangs_up_later(handler: Handler) -> None:
    """The answer is complete, and the connection ends after it without a word of that."""
    says()(handler)
    handler.close_connection = True


@dataclass
class Wire:
    """The client, and the server that it calls. Nothing waits: `pauses` has the seconds."""

    server: Server
    dynamodb: DynamoDb
    pauses: list[float] = field(default_factory=list)

    def answers(self, *answers: Answer) -> None:
        """Give these answers, one after the other."""
        self.server.answers += answers


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with all that a function has in its own, and nothing of this machine's."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith(("_proxy", "_ca_bundle")):
            monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def wire(environment: pytest.MonkeyPatch) -> Iterator[Wire]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made = Wire(server, DynamoDb(f"http://127.0.0.1:{server.server_port}"))
    environment.setattr(client.time, "sleep", made.pauses.append)
    yield made
    server.shutdown()
    server.server_close()
    thread.join()
