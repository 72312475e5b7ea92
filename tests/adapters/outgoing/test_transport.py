"""Calls to receivers that behave well and badly, on this machine."""

import socket
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.outgoing.transport import Transport, trusted
from tests.adapters.outgoing.receivers import (
    Respond,
    answer,
    certificate,
    drip,
    hang,
    hang_up,
    receiving,
)

SOON = 0.5
"""Seconds that a call may take in these tests."""


def call(respond: Respond, seconds: float = SOON) -> CallAnswer:
    with receiving(respond) as receiver:
        return Transport(seconds, loopback=True).post(receiver.url(), {}, b"{}")


def test_the_very_bytes_arrive_with_the_headers_and_the_hosts_name() -> None:
    with receiving(answer(200, b"thanks")) as receiver:
        url = receiver.url("localhost", "/hooks?a=1")
        told = Transport(loopback=True).post(url, {"webhook-id": "e1"}, b'{"a":1}')
    assert told == CallAnswer(200, None, "thanks", None, b"thanks")
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hooks?a=1 HTTP/1.1\r\n")
    assert f"Host: localhost:{receiver.port}".encode() in head
    assert b"webhook-id: e1" in head
    assert body == b'{"a":1}'


@pytest.mark.parametrize("secret", ["s3cret\n", "s3cret\r\nX-Other: 1", "s3cr\u201cet"])
def test_a_secret_that_no_header_may_hold_is_in_no_failure(secret: str) -> None:
    with receiving(answer(200)) as receiver:
        headers = {"Authorization": f"Bearer {secret}"}
        told = Transport(SOON, loopback=True).post(receiver.url(), headers, b"{}")
    assert told.code is None
    assert "s3cr" not in str(told)
    assert receiver.requests in ([], [b""]), "nothing of it was sent"


@pytest.mark.parametrize("status", [204, 400, 410, 500])
def test_any_status_is_an_answer(status: int) -> None:
    assert call(answer(status)).code == status


def test_a_redirect_is_not_followed() -> None:
    with receiving(answer(200)) as elsewhere:
        told = call(answer(302, b"", f"Location: {elsewhere.url()}"))
    assert (told.code, elsewhere.requests) == (302, [])


def test_the_header_that_asks_for_time_is_told() -> None:
    assert call(answer(429, b"", "Retry-After: 7")).retry_after == "7"


def test_of_ten_megabytes_a_part_is_read_and_the_beginning_kept() -> None:
    told = call(answer(500, b"x" * 10_000_000), 20)
    assert (told.code, told.head) == (500, "x" * 200)


def test_a_receiver_that_hangs_is_left_after_the_time() -> None:
    told = call(hang)
    assert (told.code, told.error) == (None, "No answer came within 0.5 seconds.")


def test_a_head_that_never_ends_is_left_after_the_time() -> None:
    told = call(drip(b"HTTP/1.1 200 OK\r\nX: "))
    assert (told.code, told.error) == (None, "No answer came within 0.5 seconds.")


def test_a_body_that_never_ends_is_left_after_the_time_and_its_status_counts() -> None:
    told = call(drip(b"HTTP/1.1 200 OK\r\n\r\n"))
    assert (told.code, told.is_cut) == (200, True)


@pytest.mark.parametrize(
    "beginning",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"half"',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"half"\r\n',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{"half"',
    ],
)
def test_a_body_that_ends_early_is_told_from_a_whole_one(beginning: bytes) -> None:
    told = call(lambda connection: connection.sendall(beginning))
    assert (told.code, told.is_cut) == (200, True)
    assert b'{"half"'.startswith(told.body)
    whole = call(answer(200, b'{"whole"}'))
    assert (whole.code, whole.body, whole.is_cut) == (200, b'{"whole"}', False)


@pytest.mark.parametrize(
    "respond",
    [hang_up, answer(200, b"", *(f"X-{n}: 1" for n in range(200))), drip(b"x" * 70_000)],
)
def test_what_is_no_answer_is_a_failure(respond: Respond) -> None:
    told = call(respond)
    assert told.code is None
    assert told.error


def test_where_nobody_listens_there_is_no_answer() -> None:
    with socket.socket() as taken:  # a port that nobody else gets, and nobody listens at
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/hooks"
        told = Transport(SOON, loopback=True).post(url, {}, b"{}")
    assert told.error == "No answer: Connection refused."


def test_a_private_address_is_not_called() -> None:
    with receiving(answer(200)) as receiver:
        for url in (receiver.url(), receiver.url("localhost"), "http://169.254.169.254/latest"):
            told = Transport(SOON).post(url, {}, b"{}")
            assert "Not called" in (told.error or "")
    assert receiver.requests == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "10.0.0.8"],
        ["169.254.169.254"],
        ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:a9fe:a9fe::1"],
    ],
)
def test_a_name_with_any_private_address_is_not_called(addresses: list[str]) -> None:
    transport = Transport(SOON, resolve=lambda host, port: addresses)
    told = transport.post("https://example.com:8443/hooks", {}, b"{}")
    assert told.error == "Not called: the host has an address that is not public."


def test_the_local_system_does_not_call_the_metadata_either() -> None:
    transport = Transport(SOON, loopback=True, resolve=lambda host, port: ["169.254.169.254"])
    assert "Not called" in (transport.post("https://example.com/", {}, b"{}").error or "")


def test_a_name_is_resolved_once_and_that_very_address_is_called() -> None:
    """A name that is public at the first look and private at the second leads nowhere private."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with receiving(answer(200)) as receiver:
        url = f"http://localhost:{receiver.port}/"
        told = Transport(SOON, loopback=True, resolve=resolve).post(url, {}, b"{}")
    assert (told.code, asked) == (200, ["localhost"])


def test_a_host_without_an_address_is_a_failure() -> None:
    transport = Transport(SOON, resolve=lambda host, port: [])
    assert transport.post("https://example.com/", {}, b"{}").code is None
    told = Transport(SOON).post("https://nothing.invalid/", {}, b"{}")
    assert told.code is None
    assert told.error


def test_an_untrusted_certificate_is_a_failure(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, "localhost", "127.0.0.1")
    with receiving(answer(200), context) as receiver:
        told = Transport(5, loopback=True).post(receiver.url("localhost"), {}, b"{}")
    assert (told.code, receiver.requests) == (None, [])
    assert (told.error or "").startswith("TLS: self-signed certificate")


def test_a_certificate_is_checked_against_the_hosts_name(tmp_path: Path) -> None:
    context, file = certificate(tmp_path, "localhost")
    trust = ssl.create_default_context(cafile=str(file))
    with receiving(answer(200), context) as receiver:
        transport = Transport(5, loopback=True, trust=trust)
        assert transport.post(receiver.url("localhost"), {}, b"{}").code == 200
        wrong = transport.post(receiver.url("127.0.0.1"), {}, b"{}")
    assert (wrong.error or "").startswith("TLS: IP address mismatch")


def test_whether_a_host_can_be_reached_is_found_without_a_request(tmp_path: Path) -> None:
    context, file = certificate(tmp_path, "localhost")
    trust = ssl.create_default_context(cafile=str(file))
    with receiving(answer(200), context) as receiver:
        transport = Transport(5, loopback=True, trust=trust)
        assert transport.reach(receiver.url("localhost")) is None
        assert (transport.reach(receiver.url("127.0.0.1")) or "").startswith("TLS: IP address")
        assert "Not called" in (Transport(5).reach(receiver.url("localhost")) or "")
        assert receiver.requests in ([], [b""])
    private = Transport(5, resolve=lambda host, port: ["10.0.0.8"])
    assert "not public" in (private.reach("https://example.com/") or "")
    nowhere = Transport(5, resolve=lambda host, port: [])
    assert "no address" in (nowhere.reach("https://example.com/") or "")


def test_certificates_of_the_public_authorities_are_trusted_and_checked() -> None:
    context = trusted()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) > 50


def test_calls_at_once_do_not_disturb_each_other() -> None:
    answers: list[CallAnswer] = []
    with receiving(answer(200)) as well, receiving(hang) as ill:
        transport = Transport(SOON, loopback=True)
        threads = [
            threading.Thread(target=lambda url=url: answers.append(transport.post(url, {}, b"{}")))
            for url in [well.url(), ill.url()] * 5
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(str(one.code) for one in answers) == ["200"] * 5 + ["None"] * 5
