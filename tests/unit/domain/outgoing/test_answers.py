"""What an answer means: success, failure with its reason, and how long to wait."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.outgoing.answers import CallAnswer, readable, wait_until

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("code", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(code: int) -> None:
    assert CallAnswer(code).succeeded
    assert CallAnswer(code).error is None


@pytest.mark.parametrize("code", [None, 100, 199, 300, 301, 302, 307, 400, 404, 410, 429, 500])
def test_everything_else_is_a_failure_with_a_reason(code: int | None) -> None:
    assert not CallAnswer(code).succeeded
    assert CallAnswer(code).error


def test_the_reason_names_the_status_and_the_beginning_of_the_answer() -> None:
    assert CallAnswer(500, head="oops").error == "The answer was 500: oops"
    assert CallAnswer(302).error == "The answer was 302; redirects are not followed."
    assert CallAnswer(None, "TLS: self-signed certificate.").error == (
        "TLS: self-signed certificate."
    )


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("999999999999", 86400),
        ("Mon, 02 Mar 2026 09:02:00 GMT", 120),
        ("Mon, 02 Mar 2026 10:02:00 +0100", 120),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0),
        ("Mon, 02 Mar 2037 08:00:00 GMT", 86400),
    ],
)
def test_a_receiver_may_ask_for_time_by_seconds_or_by_a_date(told: str, seconds: int) -> None:
    for code in (429, 502, 503, 504):
        assert wait_until(CallAnswer(code, retry_after=told), NOW) == NOW + timedelta(
            seconds=seconds
        )


@pytest.mark.parametrize(
    "told",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "١٢",
        "Mon, 99 Mar 2026 09:02:00 GMT",
        "Mon, 02 Mar 99999999999999999999 09:02:00 GMT",
        "Mon, 02 Mar 2026 99999999999:02:00 GMT",
        "Mon, 02 Mar 2026 09:02:00 +99999999999999999",
    ],
)
def test_what_nobody_can_read_asks_for_nothing(told: str) -> None:
    assert wait_until(CallAnswer(429, retry_after=told), NOW) is None
    assert CallAnswer(429, headers={"date": told}).sent_at is None


def test_a_date_without_a_zone_is_of_utc() -> None:
    assert CallAnswer(200, headers={"date": "Mon, 02 Mar 2026 09:00:00 -0000"}).sent_at == NOW


def test_only_those_statuses_ask_for_time() -> None:
    for code in (None, 200, 302, 400, 410, 500):
        assert wait_until(CallAnswer(code, retry_after="120"), NOW) is None


@given(st.text(max_size=50))
def test_no_header_breaks_it(told: str) -> None:
    until = wait_until(CallAnswer(503, retry_after=told), NOW)
    assert until is None or NOW <= until <= NOW + timedelta(days=1)


@given(st.binary(max_size=2000))
def test_the_kept_part_of_a_body_is_one_short_line(body: bytes) -> None:
    head = readable(body)
    assert len(head) <= 200
    assert head.isprintable()
