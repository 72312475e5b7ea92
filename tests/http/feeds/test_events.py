"""The events API: what happened, from where the reader stopped, byte by byte as it was kept."""

import json
from datetime import timedelta
from email.message import Message as Headers
from typing import Any
from urllib.parse import urlencode

import pytest

from app import app
from chalicelib.domain.changes.event_feed import segment_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from local.aws.api_gateway import ApiGateway
from local.http_server import Request
from tests.fakes.memory.timeline import conforms
from tests.fakes.services import RECORDINGS
from tests.http.conftest import Answer, Stage

HISTORY = RECORDINGS["trial_converts"]


@pytest.fixture
def busy(stage: Stage) -> Stage:
    """A stage on which a trial has become a paying customer."""
    moved = HISTORY.moved_to(int(clock.now().timestamp()) - 5)
    for known in (5, len(moved.events)):
        stage.stripe.truth = moved.truth(known)
        for event in moved.events[:known]:
            assert stage.webhook(event).status == 200
        assert stage.work() == set()
    return stage


def asked(stage: Stage, **query: Any) -> Answer:
    return stage.get(f"/events?{urlencode(query, doseq=True)}", stage.key("read"))


def read(stage: Stage, **query: Any) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    while True:
        answer = asked(stage, **query, **({"cursor": cursor} if cursor else {}))
        assert answer.status == 200
        found += answer.body["events"]
        if answer.body["cursor"] == cursor:
            return found
        cursor = answer.body["cursor"]


def test_events_are_read_once_and_in_order_whatever_the_limit(busy: Stage) -> None:
    whole = read(busy)
    assert [one["sequence"] for one in whole] == list(range(1, len(whole) + 1))
    assert {one["type"] for one in whole} >= {"trial.started", "trial.converted"}
    for limit in (1, 2, 3, 100):
        assert read(busy, limit=limit) == whole
    for one in whole:
        conforms(json.dumps(one))


def test_an_event_says_who_it_is_about_and_what_may_be_used(busy: Stage) -> None:
    started = next(one for one in read(busy) if one["type"] == "trial.started")
    data = started["data"]
    assert (data["account_id"], data["external_id"], data["livemode"]) == ("acct_demo", None, False)
    assert (data["access"]["access"], data["access"]["reason"]) == ("full", "trialing")
    granted = next(one for one in read(busy) if one["type"] == "access.granted")
    assert {"access", "reason"} & (granted["data"].keys() - {"access"}) == set()


def test_an_answer_has_the_bytes_that_are_kept(busy: Stage) -> None:
    stores = wiring.services().stores
    row = stores.feed.rows(segment_of(clock.now()), 1)[0]
    kept = stores.timeline.events(row.pointers)[row.pointers[0]]
    headers = Headers()
    headers["Authorization"] = f"Bearer {busy.key('read')}"
    request = Request("GET", "/events", [("limit", "1")], headers, b"", "127.0.0.1")
    body = ApiGateway(app)(request).body
    assert body.startswith(b'{"events":[' + kept.document.encode() + b"]")


def test_filters_choose_types_and_an_account(busy: Stage) -> None:
    whole = read(busy)
    types = ["trial.started", "trial.converted"]
    wanted = [one for one in whole if one["type"] in types]
    assert read(busy, types=",".join(types)) == wanted
    assert read(busy, account_id="acct_demo", limit=2) == whole
    assert read(busy, account_id="acc_nobody") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"cursor": "nonsense"}, "cursor"),
        ({"types": "trial.begun"}, "types"),
        ({"types": "trial.started,"}, "types"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"account_id": "a.b"}, "account_id"),
        ({"type": "trial.started"}, "type"),
        ({"types": ["trial.started", "trial.expired"]}, "types"),
        ({"limit": [1, 1]}, "limit"),
    ],
)
def test_a_wrong_parameter_is_named(stage: Stage, query: Any, field: str) -> None:
    answer = asked(stage, **query)
    assert (answer.status, answer.body["error"]["field"]) == (400, field)


def test_a_cursor_goes_on_with_its_own_query_only(busy: Stage) -> None:
    cursor = asked(busy, limit=1).body["cursor"]
    assert asked(busy, cursor=cursor, limit=7).status == 200
    refused = asked(busy, cursor=cursor, types="trial.started")
    assert (refused.status, refused.body["error"]["field"]) == (400, "cursor")


def test_a_reader_who_comes_back_after_a_month_is_told_the_oldest_there_is(
    busy: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = asked(busy, limit=1).body["cursor"]
    later = clock.now() + timedelta(days=31)
    monkeypatch.setattr(clock, "now", lambda: later)
    refused = asked(busy, cursor=cursor)
    error = refused.body["error"]
    assert (refused.status, error["code"], error["field"]) == (410, "cursor_expired", "cursor")
    assert asked(busy, cursor=error["oldest"]).body["events"] == []
    assert read(busy) == [], "they are kept 30 days by our own clock"


def test_reading_takes_a_read_key(stage: Stage) -> None:
    assert stage.get("/events", None).status == 401
    assert stage.get("/events", stage.key("access")).status == 403
    empty = stage.get("/events", stage.key("write"))
    assert (empty.status, empty.body["events"]) == (200, [])
    assert asked(stage, cursor=empty.body["cursor"]).body == empty.body
