"""Scripts of the sites in billing.toml may read every answer to a signup, errors included."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.entry.http.responses import LARGEST_BODY
from chalicelib.entry.http.signups import form
from chalicelib.runtime import wiring
from tests.http.signups.test_signups import (  # noqa: F401 - one is a fixture
    ADA,
    FORM,
    Captcha,
    Front,
    Page,
    front,
)
from tests.http.triggers.test_mail_queue import office  # noqa: F401 - a fixture

SITES = ("https://acme.example", "https://www.acme.example")
JSON = "application/json"
Ask = Callable[..., Page]


def posts(body: bytes, kind: str = JSON, method: str = "POST") -> Ask:
    return lambda front, **sent: front.call(method, "/signups", body, Content_Type=kind, **sent)


WELL = json.dumps(ADA).encode()
ANSWERS: dict[str, tuple[int, Ask]] = {
    "a new account": (201, posts(WELL)),
    "a form": (303, posts(b"email=ada%40example.com", FORM)),
    "an address that is none": (400, posts(b'{"email": "none"}')),
    "a form without an address": (400, posts(b"email=", FORM)),
    "an unknown field": (400, posts(b'{"email": "ada@example.com", "colour": "red"}')),
    "no JSON": (400, posts(b"{")),
    "not UTF-8": (400, posts(b"\xff\xfe")),
    "an empty body": (400, posts(b"")),
    "more than a signup has": (413, posts(b"x" * (form.LARGEST_BODY + 1))),
    "a form of more than a signup has": (413, posts(b"x" * (form.LARGEST_BODY + 1), FORM)),
    "more than any call has": (413, posts(b"x" * (LARGEST_BODY + 1))),
    "a type that is not taken": (415, posts(WELL, "text/plain")),
    "a method that is not taken": (405, posts(WELL, method="PUT")),
}


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("origin", SITES)
def test_a_listed_site_reads_every_answer(front: Front, what: str, origin: str) -> None:
    status, ask = ANSWERS[what]
    page = ask(front, Origin=origin)
    assert page.status == status, page.text
    assert page.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in page.headers["Vary"].split(", ")


@pytest.mark.parametrize("what", ANSWERS)
def test_a_site_that_is_not_listed_reads_none(front: Front, what: str) -> None:
    for origin in (
        "https://evil.example",
        "http://acme.example",
        "https://acme.example:8443",
        "https://acme.example.evil.example",
        "null",
    ):
        page = ANSWERS[what][1](front, Origin=origin)
        assert not [name for name in page.headers if name.startswith("Access-Control-")], origin
        assert "Origin" in page.headers["Vary"].split(", ")


def down(*_: Any) -> None:
    raise Unavailable("DynamoDB gives no answer.")


def broken(*_: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("kind", [JSON, FORM])
@pytest.mark.parametrize(("failure", "status"), [(down, 503), (broken, 500)])
def test_a_listed_site_reads_that_something_failed(
    front: Front, monkeypatch: pytest.MonkeyPatch, kind: str, failure: Any, status: int
) -> None:
    monkeypatch.setattr(wiring.accounts(), "save", failure)
    body = WELL if kind == JSON else b"email=ada%40example.com"
    page = posts(body, kind)(front, Origin=SITES[0])
    assert page.status == status
    assert page.headers["Access-Control-Allow-Origin"] == SITES[0]


def under(monkeypatch: pytest.MonkeyPatch, **signup: Any) -> None:
    """From now on with another policy for signups, of the same sites."""
    policy = SignupPolicy("pro", "month", sites=SITES, **signup)
    changed = replace(wiring.policy(), signup=policy)
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    wiring.services.cache_clear()
    wiring.signup_guard.cache_clear()


def test_a_listed_site_reads_that_there_were_too_many(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    under(monkeypatch, an_hour=1)
    assert front.signs_up().status == 201
    page = front.signs_up({"email": "bob@example.com"}, Origin=SITES[1])
    assert (page.status, page.headers["Access-Control-Allow-Origin"]) == (429, SITES[1])


def test_a_listed_site_reads_that_the_captcha_was_not_solved(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = replace(wiring.signup_guard(), captcha=Captcha())
    monkeypatch.setattr(wiring, "signup_guard", lambda: guard)
    page = front.signs_up(Origin=SITES[0])
    assert (page.status, page.headers["Access-Control-Allow-Origin"]) == (403, SITES[0])


def test_a_preflight_of_a_listed_site_is_kept_for_an_hour(front: Front) -> None:
    page = front.call("OPTIONS", "/signups", Origin=SITES[0])
    assert (page.status, page.text) == (204, "")
    assert {name: page.headers[name] for name in page.headers if name.startswith("Access-")} == {
        "Access-Control-Allow-Origin": SITES[0],
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "3600",
    }


def test_our_own_pages_are_a_listed_site_below_api_gateway_s_stage_too(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "https://abc.execute-api.eu-west-1.amazonaws.com"
    changed = replace(wiring.policy(), base_url=f"{own}/api")
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    assert front.signs_up(Origin=own).headers["Access-Control-Allow-Origin"] == own


def test_no_other_route_may_be_read_by_another_site(front: Front) -> None:
    for method, path in (("GET", "/healthz"), ("POST", "/sign-in"), ("OPTIONS", "/sign-in")):
        page = front.call(method, path, Origin=SITES[0], Content_Type=FORM)
        assert not [name for name in page.headers if name.startswith("Access-Control-")], path
