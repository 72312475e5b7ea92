"""Sends one request to a URL that somebody named.

The host is resolved once. If any of its addresses is not of the public internet, nothing is called;
else the connection goes to the very address that was looked at, with the host's name for TLS and
for the Host header. Resolving again for the connection would let a name that changes its address
lead into a private network (DNS rebinding). Redirects are not followed, and proxies not used.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
)
from typing import Any

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.outgoing.answers import NAMED_HEADERS, CallAnswer, readable
from chalicelib.domain.outgoing.targets import Target, is_callable, read_target

MOST_READ = 64 * 1024
"""How many bytes of an answer are read, if nobody asks for more."""

CONNECT_SECONDS = 5
"""How long one address may take to connect, so that another one still gets its turn."""

MOST_ADDRESSES = 4

USER_AGENT = "Billhook-Webhooks/1"

Resolve = Callable[[str, int], Sequence[str]]
"""The IP addresses of a host and port. Raises OSError."""


class Transport:
    """Calls URLs. `seconds` is the time that a whole call may take, from the connection to the end
    of the answer; `loopback` allows this machine itself, for the local system.
    `most_read` is how many bytes of an answer are read.
    """

    def __init__(
        self,
        seconds: float = 20,
        loopback: bool = False,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
        most_read: int = MOST_READ,
    ) -> None:
        self._most_read = most_read
        self._seconds, self._loopback = seconds, loopback
        self._resolve, self._trust = resolve or resolve_host, trust

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """What came of one POST request; as `call`."""
        return self.call("POST", url, headers, body)

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """What came of one request with these bytes. Failures are answers too: this raises nothing.
        May be called by several threads at once.
        """
        try:
            target = read_target(url, self._loopback)
            return self._call(method, target, self._addresses(target), headers, body)
        except _FAILURES as failure:
            return CallAnswer(None, self._reason(failure))

    def reach(self, url: str) -> str | None:
        """Why a URL could not be called now, for people; None if a connection to its host can be
        made. Nothing is sent.
        """
        try:
            target = read_target(url, self._loopback)
            ends = time.monotonic() + self._seconds
            connection = self._connection(target, self._addresses(target), ends)
            connection.connect()
        except _FAILURES as failure:
            return self._reason(failure)
        connection.close()
        return None

    def _reason(self, failure: Exception) -> str:
        """Why there was no answer, as a sentence for people."""
        if isinstance(failure, InvalidInput):
            return f"Not called: {failure.message}"
        if isinstance(failure, TimeoutError | _TimeIsUp):
            return f"No answer came within {self._seconds:g} seconds."
        if isinstance(failure, ssl.SSLError):
            reason = getattr(failure, "verify_message", "") or failure.reason or "it failed"
            return f"TLS: {reason}."
        if isinstance(failure, ValueError):
            return "Not called: a header has what none may have. Is there a line end in a secret?"
        known = failure.strerror if isinstance(failure, OSError) else None
        return f"No answer: {known or type(failure).__name__}."

    def _addresses(self, target: Target) -> Sequence[str]:
        """The addresses of the host, all of which were looked at. Raises InvalidInput, OSError."""
        addresses = self._resolve(target.host, target.port)
        if not addresses:
            raise OSError(0, "the host has no address")
        if not all(is_callable(address, self._loopback) for address in addresses):
            raise InvalidInput("the host has an address that is not public.")
        # IPv4 first: a function outside of a VPC has no way to IPv6.
        return sorted(dict.fromkeys(addresses), key=lambda address: ":" in address)

    def _call(
        self,
        method: str,
        target: Target,
        addresses: Sequence[str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> CallAnswer:
        ends = time.monotonic() + self._seconds
        connection = self._connection(target, addresses, ends)
        try:
            connection.connect()
            with _ended_at(ends, connection.sock) as is_up:
                shown = {**headers, "User-Agent": USER_AGENT, "Connection": "close"}
                connection.request(method, target.path, body or None, shown)
                answer = connection.getresponse()
                if is_up.is_set():  # the end of the connection also ends a head
                    raise _TimeIsUp
                body, is_cut = _body_of(answer, self._most_read)
                return CallAnswer(
                    answer.status,
                    None,
                    readable(body),
                    answer.getheader("Retry-After"),
                    body,
                    {name: value for name in NAMED_HEADERS if (value := answer.getheader(name))},
                    is_cut or is_up.is_set(),
                )
        finally:
            connection.close()

    def _connection(self, target: Target, addresses: Sequence[str], ends: float) -> HTTPConnection:
        connection: HTTPConnection
        if target.is_secure:
            trust = self._trust or trusted()
            connection = HTTPSConnection(target.host, target.port, context=trust)
        else:
            connection = HTTPConnection(target.host, target.port)
        # What http.client calls in place of socket.create_connection, which resolves the name.
        connection._create_connection = _to_one_of(addresses, ends)  # type: ignore[attr-defined]
        return connection


def _body_of(answer: HTTPResponse, most: int) -> tuple[bytes, bool]:
    """The body, so many bytes at most, and whether it ended before its end. That is no failure of
    the call, since the status has come: who needs the body looks.
    """
    try:
        body = answer.read(most)
    except IncompleteRead as ended:
        return ended.partial, True
    except (OSError, HTTPException, ValueError):
        return b"", True
    return body, len(body) < most and bool(answer.length)


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system resolves them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@cache
def trusted() -> ssl.SSLContext:
    """The certificates that are trusted: those of botocore, which every environment has."""
    from botocore.httpsession import get_cert_path

    return ssl.create_default_context(cafile=get_cert_path(True))


def _to_one_of(addresses: Sequence[str], ends: float) -> Callable[..., socket.socket]:
    """Connects to the first of the addresses that takes the connection, until a time of the
    monotonic clock.
    """

    def connect(address: tuple[str, int], *_: Any) -> socket.socket:
        failure: OSError = TimeoutError("no time is left")
        for one in addresses[:MOST_ADDRESSES]:
            if (left := ends - time.monotonic()) <= 0:
                break
            try:
                made = socket.create_connection((one, address[1]), min(left, CONNECT_SECONDS))
            except OSError as error:
                failure = error
            else:
                made.settimeout(max(ends - time.monotonic(), 0.001))
                return made
        raise failure

    return connect


class _TimeIsUp(Exception):
    """The whole call took too long, though something came again and again."""


_FAILURES = (InvalidInput, _TimeIsUp, OSError, HTTPException, ValueError)
"""What a call may end with; SSLError and TimeoutError are OSErrors. A ValueError is about a header,
and its text holds that header, which may be a secret.
"""


@contextmanager
def _ended_at(ends: float, made: socket.socket) -> Iterator[threading.Event]:
    """Shut the socket at a time of the monotonic clock: its own timeout counts anew with each byte.
    Gives the event that says so, and raises _TimeIsUp for what fails then.
    """
    is_up = threading.Event()

    def end() -> None:
        is_up.set()
        with suppress(OSError):  # closed meanwhile
            made.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(ends - time.monotonic(), 0), end)
    timer.daemon = True
    timer.start()
    try:
        yield is_up
    except (OSError, HTTPException, ValueError) as error:
        if is_up.is_set():
            raise _TimeIsUp from error
        raise
    finally:
        timer.cancel()
