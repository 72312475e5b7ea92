"""Serves ministack over HTTP. It runs in the emulator's environment, as a program:
`.emulator/bin/python local/aws/emulator_server.py`.

ministack's own server takes more than half of the emulator's processor time: it checks and takes
apart each message for every protocol there is. Here are SDKs on loopback, which speak HTTP/1.1.
Each request is read whole before ministack gets it.
"""

import asyncio
import importlib
import logging
import os
import resource
import signal
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

Message = dict[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]

log = logging.getLogger("billhook.emulator")

HEAD_AT_MOST = 1 << 16
WITHOUT_BODY = (204, 304)
END_OF_HEAD = b"\r\n\r\n"


class Refused(Exception):
    """A request that cannot be read; the message says why."""


class Connection(asyncio.Protocol):
    """One connection: its requests are answered one after another."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._received = bytearray()
        self._answering: asyncio.Task[None] | None = None
        self._was_told_to_go_on = False
        self.transport: asyncio.WriteTransport
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._answering is None:
            self._next()

    def _next(self) -> None:
        """Answer the next request, if all of it is there."""
        try:
            found = self._request()
        except (Refused, ValueError) as error:
            self.transport.write(_head(400, [(b"connection", b"close")]) + str(error).encode())
            self.transport.close()
            return
        if found:
            self._answering = asyncio.get_running_loop().create_task(self._answer(*found))

    def _request(self) -> tuple[Message, bytes] | None:
        """The next request with its body; None while some of it is missing."""
        end = self._received.find(END_OF_HEAD)
        if end < 0:
            if len(self._received) > HEAD_AT_MOST:
                raise Refused("the head of the request is too long")
            return None
        scope = _scope(bytes(self._received[:end]))
        names = dict(scope["headers"])
        start = end + len(END_OF_HEAD)
        if names.get(b"transfer-encoding", b"").lower() == b"chunked":
            chunked = _unchunked(self._received, start)
        else:
            length = int(names.get(b"content-length", b"0"))
            after = start + length
            chunked = (bytes(self._received[start:after]), after)
            if len(self._received) < after:
                chunked = None
        if chunked is None:
            if names.get(b"expect", b"").lower() == b"100-continue" and not self._was_told_to_go_on:
                self._was_told_to_go_on = True
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body, after = chunked
        del self._received[:after]
        self._was_told_to_go_on = False
        return scope, body

    async def _answer(self, scope: Message, body: bytes) -> None:
        answer = Answer(self, scope, body)
        try:
            await self._app(scope, answer.receive, answer.send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
        self._answering = None
        if not answer.is_whole or answer.ends_connection:
            self.transport.close()
        elif not self.closed.is_set():
            self._next()


class Answer:
    """What ministack reads of a request, and how it sends the answer."""

    def __init__(self, connection: Connection, scope: Message, body: bytes) -> None:
        self._connection, self._is_head = connection, scope["method"] == "HEAD"
        self._body: bytes | None = body
        self._head = b""
        self._is_chunked = self.is_whole = False
        asked = dict(scope["headers"]).get(b"connection", b"").lower()
        is_old = scope["http_version"] == "1.0" and asked != b"keep-alive"
        self.ends_connection = is_old or asked == b"close"

    async def receive(self) -> Message:
        """The body; after that the end of the connection."""
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._connection.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Sends the head with the first part of the body: an answer in one piece is one write."""
        if message["type"] == "http.response.start":
            self._start(message["status"], list(message["headers"]))
        elif message["type"] == "http.response.body":
            self._go_on(bytes(message.get("body", b"")), message.get("more_body", False))

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        names = {name.lower() for name, _ in headers}
        has_body = not self._is_head and status not in WITHOUT_BODY
        self._is_chunked = has_body and b"content-length" not in names
        if self._is_chunked and b"transfer-encoding" not in names:
            headers.append((b"transfer-encoding", b"chunked"))
        self._is_head = not has_body
        if self.ends_connection:  # unsaid, the client would send its next request into the end
            headers.append((b"connection", b"close"))
        self._head = _head(status, headers)

    def _go_on(self, part: bytes, has_more: bool) -> None:
        if self._is_head:
            part = b""
        elif self._is_chunked:
            part = (b"%x\r\n%b\r\n" % (len(part), part) if part else b"") + (
                b"" if has_more else b"0\r\n\r\n"
            )
        if not self._connection.closed.is_set():
            self._connection.transport.write(self._head + part)
        self._head = b""
        self.is_whole = not has_more


def _scope(head: bytes) -> Message:
    """ASGI's scope of a request. Raises Refused for what is no HTTP/1."""
    first, *lines = head.split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        raise Refused("the first line is none of HTTP/1")
    method, target, version = words
    path, _, query = target.partition(b"?")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise Refused("a header has no colon")
        headers.append((name.lower(), value.strip()))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": version[5:].decode(),
        "method": method.decode(),
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
        "extensions": {},
    }


def _unchunked(received: bytearray, start: int) -> tuple[bytes, int] | None:
    """A body in chunks, and where it ends; None while some of it is missing."""
    parts: list[bytes] = []
    while (end := received.find(b"\r\n", start)) >= 0:
        size = int(received[start:end].split(b";")[0], 16)
        start = end + 2 + size + 2
        if len(received) < start:
            return None
        if not size:
            return b"".join(parts), start
        parts.append(bytes(received[end + 2 : start - 2]))
    return None


def _head(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    lines = [b"HTTP/1.1 %d %b" % (status, reason.encode())]
    lines += [b"%b: %b" % (name, value) for name, value in headers]
    return b"\r\n".join(lines) + END_OF_HEAD


async def serve(app: App, host: str, port: int) -> None:
    """Serve an ASGI app until SIGTERM or SIGINT. Raises OSError if the port is taken."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
    life = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    started = await from_app.get()
    if started["type"] != "lifespan.startup.complete":
        raise OSError(f"ministack does not start: {started}")
    server = await loop.create_server(lambda: Connection(app), host, port, backlog=512)
    await stopping.wait()
    server.close()
    await to_app.put({"type": "lifespan.shutdown"})
    await life


def main() -> None:
    """Serve ministack where its variables say, with as many connections as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    app = importlib.import_module("ministack.app").app
    asyncio.run(serve(app, os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])))


if __name__ == "__main__":
    main()
