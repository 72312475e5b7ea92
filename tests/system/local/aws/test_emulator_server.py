"""The HTTP server in front of the emulator, with a small app in ministack's place."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from local.aws.emulator_server import HEAD_AT_MOST, Connection


async def tell(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it was asked: in two parts below /parts, and not at all below /fails."""
    body = (await receive())["body"]
    if scope["path"] == "/fails":
        raise ValueError("it fails")
    told = b"%b %b %b" % (scope["method"].encode(), scope["path"].encode(), body)
    is_in_parts = scope["path"] == "/parts"
    length = [] if is_in_parts else [(b"Content-Length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    if is_in_parts:
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
    await send({"type": "http.response.body", "body": told, "more_body": False})


@pytest.fixture
def port() -> Iterator[int]:
    """Where the server listens."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: Connection(tell), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def said(port: int, *sent: bytes) -> bytes:
    """All that comes back until the server ends the connection, for parts that are sent one by
    one.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for part in sent:
            connection.sendall(part)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_a_connection_serves_one_request_after_another(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    for body in (b"one", b"", b"three"):
        connection.request("POST", "/a%20path?query=1", body)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"POST /a path " + body)
        assert not answer.will_close
    connection.close()


def test_requests_that_arrive_together_are_answered_in_their_order(port: int) -> None:
    last = b"GET /second HTTP/1.1\r\nConnection: close\r\n\r\n"
    answers = said(port, b"POST /first HTTP/1.1\r\nContent-Length: 2\r\n\r\nab" + last)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(b"POST /first ab") < answers.index(b"GET /second ")


def test_who_asks_for_the_end_of_the_connection_is_told_that_it_ends(port: int) -> None:
    for head in (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        assert b"connection: close" in said(port, head)


@pytest.mark.parametrize("cut", [1, 10, 30, 60, 70])
def test_a_request_may_arrive_in_pieces(port: int, cut: int) -> None:
    request = b"PUT /x HTTP/1.1\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123456789"
    assert said(port, request[:cut], request[cut:]).endswith(b"PUT /x 0123456789")


def test_a_body_in_chunks_is_put_together(port: int) -> None:
    head = b"PUT /x HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert said(port, head, b"3\r\nabc\r\n", b"a;k=v\r\n012345", b"6789\r\n0\r\n\r\n").endswith(
        b"PUT /x abc0123456789"
    )


def test_who_waits_for_leave_to_send_a_body_is_given_it_once(port: int) -> None:
    head = b"PUT /x HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head + b"Content-Length: 4\r\n\r\n")
        leave = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert connection.recv(len(leave), socket.MSG_WAITALL) == leave
        connection.sendall(b"ab")
        connection.sendall(b"cd")
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"PUT /x abcd")


def test_an_answer_of_unknown_length_comes_in_chunks(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/parts")
    answer = connection.getresponse()
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.read() == b"first GET /parts "
    connection.close()


def test_the_answer_to_head_has_the_length_and_no_body(port: int) -> None:
    answer = said(port, b"HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 8" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_request_that_fails_ends_its_connection_and_no_other(port: int) -> None:
    other = HTTPConnection("127.0.0.1", port, timeout=30)
    other.connect()
    assert said(port, b"GET /fails HTTP/1.1\r\n\r\n") == b""
    other.request("GET", "/still")
    assert other.getresponse().read() == b"GET /still "
    other.close()


@pytest.mark.parametrize(
    "request_sent",
    [
        b"no request\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"PUT / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"x" * (HEAD_AT_MOST + 1),
    ],
)
def test_what_is_no_request_is_refused(port: int, request_sent: bytes) -> None:
    assert said(port, request_sent).startswith(b"HTTP/1.1 400 Bad Request")
