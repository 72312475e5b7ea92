"""The control room's answers: JSON for programs, and the way back to its page for forms."""

import json
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any
from unittest.mock import MagicMock

import pytest

from local.aws.queue_drain import NotSettled
from local.control_room.control import Control, Facts
from local.control_room.overview import Customer
from local.durations import distance
from local.http_server import Answer, Request
from local.shutdown import Stopped

BROWSER = "text/html,application/xhtml+xml"
FORM = "application/x-www-form-urlencoded"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FACTS = Facts("key", "whsec_secret", "http://127.0.0.1:9", "http://127.0.0.1:8", True)


@pytest.fixture
def parts() -> Any:
    parts = MagicMock()
    parts.rest.depths.return_value = {"events": 1, "act": 0, "mail": 0, "dead_letters": 2}
    parts.rest.next_due.return_value = None
    parts.clock_control.stuck = []
    parts.customers.all.return_value = []
    parts.mailbox.all.return_value = []
    parts.outgoing.calls.return_value = []
    return parts


def asked(
    parts: Any, method: str, path: str, body: bytes = b"", kind: str = "", accept: str = "*/*"
) -> Answer:
    headers = Message()
    headers["Host"] = "127.0.0.1:8000"
    headers["Accept"] = accept
    if kind:
        headers["Content-Type"] = kind
    address, _, query = path.partition("?")
    pairs = [(name, value) for name, _, value in [query.partition("=")] if name]
    return Control(FACTS, parts)(Request(method, address, pairs, headers, body, "127.0.0.1"))


@pytest.mark.parametrize("kind", ["application/json", FORM, ""])
def test_a_program_gets_the_state_as_json_whatever_it_calls_its_json(parts: Any, kind: str) -> None:
    for path, body in (
        ("clock", b'{"advance": "400d"}'),
        ("stream", b' {"on": false}'),
        ("settle", b""),
    ):
        answer = asked(parts, "POST", f"/_local/{path}", body, kind)
        assert (answer.status, json.loads(answer.body)["queues"]["events"]) == (200, 1)
    parts.stream.switch.assert_called_once_with(False)


@pytest.mark.parametrize(
    ("path", "body"),
    [("clock", b"advance=1d"), ("stream", b"on=true"), ("settle", b""), ("settle", b"x=")],
)
def test_a_form_leads_back_to_the_page(parts: Any, path: str, body: bytes) -> None:
    answer = asked(parts, "POST", f"/_local/{path}", body, FORM, BROWSER)
    assert (answer.status, dict(answer.headers)["Location"]) == (303, f"/_local?done={path}")
    page = asked(parts, "GET", f"/_local?done={path}").body.decode()
    assert 'id="notice"' in page


def test_a_form_moves_the_clock_to_a_moment_or_by_an_amount(parts: Any) -> None:
    asked(parts, "POST", "/_local/clock", b"to=2999-03-02T09%3A00%3A00%2B00%3A00", FORM)
    assert parts.clock_control.move_to.call_args.args == (datetime(2999, 3, 2, 9, tzinfo=UTC),)


@pytest.mark.parametrize("body", [b"advance=", b"advance=soon", b"to=2020-01-01", b"on=maybe"])
def test_a_mistake_in_a_form_is_told_on_the_page(parts: Any, body: bytes) -> None:
    path = "stream" if body.startswith(b"on") else "clock"
    answer = asked(parts, "POST", f"/_local/{path}", body, FORM, BROWSER)
    assert answer.status == 400
    assert 'role="alert"' in answer.body.decode()
    assert not parts.clock_control.move_to.called
    assert not parts.stream.switch.called


def test_a_program_is_refused_words_where_it_must_say_true_or_false(parts: Any) -> None:
    answer = asked(parts, "POST", "/_local/stream", b'{"on": "true"}')
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(NotSettled("2 left"), 504, "not_settled"), (Stopped(), 503, "stopping")],
)
def test_a_move_that_does_not_end_says_why(
    parts: Any, failure: Exception, status: int, code: str
) -> None:
    parts.clock_control.move_to.side_effect = failure
    answer = asked(parts, "POST", "/_local/clock", b'{"advance": "1d"}')
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (status, code)


@pytest.mark.parametrize("body", [b"", b"[]", b'"aws.partner/stripe.com/ed_1"', b"{", b"source=x"])
def test_what_is_no_event_is_not_put_on_the_bus(parts: Any, body: bytes) -> None:
    kind = FORM if body.startswith(b"source") else "application/json"
    assert asked(parts, "POST", "/_local/eventbridge", body, kind).status == 400
    assert not parts.partner_bus.put.called


@pytest.mark.parametrize("matched", [True, False])
def test_an_event_over_the_bus_is_answered_200_whether_or_not_the_rule_matched(
    parts: Any, matched: bool
) -> None:
    parts.partner_bus.put.return_value = matched
    body = b'{"source": "aws.partner/stripe.com/ed_1", "detail": {}}'
    answer = asked(parts, "POST", "/_local/eventbridge", body)
    assert (answer.status, json.loads(answer.body)) == (200, {"matched": matched})
    assert parts.partner_bus.put.call_args.args == (json.loads(body),)


def test_an_empty_system_says_where_to_begin(parts: Any) -> None:
    page = asked(parts, "GET", "/_local").body.decode()
    assert "No customers yet." in page
    assert "No mail yet." in page
    assert "No trial is running." in page
    assert 'href="/_local/site/"' in page


def test_the_page_shows_customers_escaped_and_offers_the_end_of_the_next_trials(parts: Any) -> None:
    now = datetime.now(UTC)
    parts.customers.all.return_value = [
        Customer(
            "acc_1", "<b>Ada", "a@b.example", "full", "trialing", "", "Pro", end, end, ("cus",)
        )
        for end in (now + timedelta(days=number) for number in (9, 5, 5.01, -1))
    ]
    page = asked(parts, "GET", "/_local").body.decode()
    assert "<b>Ada" not in page
    assert "&lt;b&gt;Ada" in page
    assert f'value="{(now + timedelta(days=5.01)).isoformat()}"' in page
    assert 'href="http://127.0.0.1:9/customers/cus"' in page


def test_only_a_browser_gets_sent_requests_and_a_timeline_as_pages(parts: Any) -> None:
    parts.app.return_value = Answer(200, b'{"entries": [], "cursor": null}')
    for path in ("/_local/outgoing", "/_local/accounts/acc_1/timeline"):
        assert asked(parts, "GET", path).body in (b"[]", parts.app.return_value.body)
        assert b"<!doctype html>" in asked(parts, "GET", path, accept=BROWSER).body


def test_a_billing_page_opens_with_the_cookie_of_a_mailed_link(parts: Any) -> None:
    parts.customers.billing_cookie.return_value = "name=value"
    answer = asked(parts, "GET", "/_local/accounts/acc_1/billing")
    assert answer.status == 303
    assert dict(answer.headers) == {"Location": "/billing", "Set-Cookie": "name=value"}
    parts.customers.billing_cookie.return_value = None
    assert asked(parts, "GET", "/_local/accounts/acc_2/billing").status == 404


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=13, hours=23, minutes=59), "in 14 days"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(hours=-2), "2 hours ago"),
        (timedelta(minutes=5), "in 5 minutes"),
        (timedelta(seconds=20), "now"),
    ],
)
def test_a_distance_is_told_in_its_largest_unit(ahead: timedelta, words: str) -> None:
    assert distance(NOW + ahead, NOW) == words
