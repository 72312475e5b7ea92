"""A small HTTP server on loopback: HTTP/1.1, a thread for each connection, a limit for bodies."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BODY_LIMIT = 10 * 1024 * 1024
IDLE_SECONDS = 60
LAST_ANSWERS_SECONDS = 1
"""How long the end of a server waits for requests that are being answered."""

log = logging.getLogger("billhook.local")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `query` is decoded, `path` is not."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Message
    body: bytes
    source_ip: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


class NoAnswer(Exception):
    """Raised by a handler to close the connection without a response, as in a time-out."""


Handle = Callable[[Request], Answer]
OwnError = Callable[[str, Answer], Answer]
"""Of a path and an error that the server answers by itself: the error to send."""


def json_answer(content: Any, status: int = 200) -> Answer:
    """`content` as JSON."""
    return Answer(status, json.dumps(content).encode(), [("Content-Type", "application/json")])


def error_answer(status: int, code: str, message: str, field: str | None = None) -> Answer:
    """A refusal in Billhook's own shape."""
    return json_answer(
        {"error": {"code": code, "message": message} | ({"field": field} if field else {})}, status
    )


class Server:
    """Answers every request with what `handle` returns; `own_error` changes the errors of the
    server itself. Port 0 takes a free one; `port` says which. Raises OSError if the port is taken.
    """

    def __init__(
        self, port: int, handle: Handle, own_error: OwnError = lambda path, answer: answer
    ) -> None:
        functions = {
            "handle_request": staticmethod(handle),
            "own_error": staticmethod(own_error),
        }
        self._server = _Listener(("127.0.0.1", port), type("Handler", (_Handler,), functions))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name=f"http-{self.port}",
            daemon=True,
        )

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop taking requests, free the port, and wait a moment for requests in progress."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        with self._server.idle:
            self._server.idle.wait_for(lambda: not self._server.busy, LAST_ANSWERS_SECONDS)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    # Connections kept alive by clients must not hold up the end.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.busy = 0
        self.idle = threading.Condition()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request as in progress."""
        with self.idle:
            self.busy += 1
        try:
            yield
        finally:
            with self.idle:
                self.busy -= 1
                self.idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to report."""
        log.debug("connection of %s ended early", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    handle_request: Handle
    own_error: OwnError
    protocol_version = "HTTP/1.1"
    server_version = "billhook-local"
    sys_version = ""
    timeout = IDLE_SECONDS
    # Otherwise the answer's last part waits for the client's delayed acknowledgement: 40 ms each.
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        with self.server.answering():
            self._answer_request()

    def _answer_request(self) -> None:
        parts = urlsplit(self.path)
        body = self._body()
        if isinstance(body, Answer):
            self.close_connection = True
            self._send(self.own_error(parts.path, body))
            return
        query = parse_qsl(parts.query, keep_blank_values=True)
        try:
            answer = self.handle_request(
                Request(self.command, parts.path, query, self.headers, body, self.client_address[0])
            )
        except NoAnswer:
            self.close_connection = True
            return
        except Exception:
            log.exception("%s %s failed", self.command, parts.path)
            answer = self.own_error(
                parts.path,
                error_answer(
                    502, "internal_error", "Something went wrong on our side. Please try again."
                ),
            )
        self._send(answer)

    def _body(self) -> bytes | Answer:
        """The body, or a refusal if it is too large or has no valid length."""
        if "Transfer-Encoding" in self.headers:
            return error_answer(411, "length_required", "Please send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            return error_answer(400, "bad_request", "The Content-Length is no number.")
        if int(length) <= BODY_LIMIT:
            return self.rfile.read(int(length))
        # Read on for a while: a client that is still sending would lose our answer with the
        # connection.
        self.connection.settimeout(5)
        left = min(int(length), 4 * BODY_LIMIT)
        while left > 0 and (chunk := self.rfile.read(min(left, 1 << 16))):
            left -= len(chunk)
        return error_answer(413, "too_large", "The request is too large.")

    def _send(self, answer: Answer) -> None:
        if any(name == "Date" for name, _ in answer.headers):  # of a clock that is not this one
            self.send_response_only(answer.status)
            self.send_header("Server", self.version_string())
        else:
            self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the path of a request may hold a token."""
