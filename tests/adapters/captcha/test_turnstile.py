"""Turnstile over loopback."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from chalicelib.captcha.turnstile import Turnstile
from chalicelib.domain.errors import Refused, Unavailable
from local.http_server import Answer, Request, Server


class Cloudflare:
    """Gives the answers that a test sets."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.answer: tuple[int, Any] = (200, {"success": True})
        self.server = Server(0, self._handle)

    def _handle(self, request: Request) -> Answer:
        assert (request.method, request.path) == ("POST", "/turnstile/v0/siteverify")
        self.asked.append(parse_qs(request.body.decode()))
        status, body = self.answer
        return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.fixture
def cloudflare() -> Iterator[Cloudflare]:
    made = Cloudflare()
    made.server.start()
    yield made
    made.server.close()


def turnstile(cloudflare: Cloudflare) -> Turnstile:
    return Turnstile(lambda: "secret", cloudflare.server.base)


def test_a_token_is_checked_with_the_secret_and_the_visitors_address(
    cloudflare: Cloudflare,
) -> None:
    assert turnstile(cloudflare).solved("token", "203.0.113.7")
    assert cloudflare.asked == [
        {"secret": ["secret"], "response": ["token"], "remoteip": ["203.0.113.7"]}
    ]


def test_a_token_that_is_forged_used_or_missing_is_refused(cloudflare: Cloudflare) -> None:
    for code in ("invalid-input-response", "timeout-or-duplicate"):
        cloudflare.answer = (200, {"success": False, "error-codes": [code]})
        assert not turnstile(cloudflare).solved("token", "203.0.113.7")
    assert not turnstile(cloudflare).solved("", "203.0.113.7")
    assert not turnstile(cloudflare).solved("x" * 3000, "203.0.113.7")
    assert len(cloudflare.asked) == 2, "nothing is asked about what can be no token"


def test_a_wrong_secret_is_an_error_of_the_settings(cloudflare: Cloudflare) -> None:
    cloudflare.answer = (200, {"success": False, "error-codes": ["invalid-input-secret"]})
    with pytest.raises(Refused):
        turnstile(cloudflare).solved("token", "203.0.113.7")


@pytest.mark.parametrize("answer", [(500, {"success": False}), (200, b"<html>"), (200, [])])
def test_an_unreadable_answer_is_unavailable(
    cloudflare: Cloudflare, answer: tuple[int, Any]
) -> None:
    cloudflare.answer = answer
    with pytest.raises(Unavailable):
        turnstile(cloudflare).solved("token", "203.0.113.7")


def test_a_service_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        Turnstile(lambda: "secret", "http://127.0.0.1:9").solved("token", "203.0.113.7")
