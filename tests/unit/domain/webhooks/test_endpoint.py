"""Endpoints: which events they get, their secrets, and when they are disabled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import InvalidInput, TooMany
from chalicelib.domain.webhooks.endpoint import (
    FAILING_AFTER,
    MOST,
    OVERLAP,
    Endpoint,
    Endpoints,
    Secret,
    after_failure,
    after_success,
    checked_types,
    enabled,
    key_from,
    rotated,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENDPOINT = Endpoint("we_1", "https://example.com/", NOW, (Secret("a"),))


def test_an_endpoint_without_types_gets_all() -> None:
    assert ENDPOINT.wants("trial.started")
    chosen = replace(ENDPOINT, events=("payment.failed",))
    assert (chosen.wants("payment.failed"), chosen.wants("trial.started")) == (True, False)


def test_an_unknown_type_is_refused_with_its_name() -> None:
    known = {"trial.started", "payment.failed"}
    twice = ["trial.started", "trial.started"]
    assert checked_types(twice, known, "events") == ("trial.started",)
    with pytest.raises(InvalidInput, match=r"trial\.begun") as refused:
        checked_types(["trial.begun"], known, "events")
    assert refused.value.field == "events"


def test_at_most_twenty_endpoints_fit() -> None:
    full = Endpoints(tuple(replace(ENDPOINT, id=f"we_{number}") for number in range(MOST)))
    with pytest.raises(TooMany):
        full.with_new(ENDPOINT)
    assert len(full.without("we_3").with_new(ENDPOINT).all) == MOST


def test_the_secret_before_a_rotation_signs_for_a_day() -> None:
    new = rotated(ENDPOINT, "b", NOW)
    a, b = (key_from(salt, "we_1", "hash key") for salt in ("a", "b"))
    assert new.keys("hash key", NOW) == [b, a]
    assert new.keys("hash key", NOW + OVERLAP - timedelta(seconds=1)) == [b, a]
    assert new.keys("hash key", NOW + OVERLAP) == [b]


def test_a_second_rotation_drops_the_oldest_secret() -> None:
    twice = rotated(rotated(ENDPOINT, "b", NOW), "c", NOW + timedelta(hours=1))
    keys = [key_from(salt, "we_1", "hash key") for salt in ("c", "b")]
    assert twice.keys("hash key", NOW + timedelta(hours=2)) == keys


def test_a_secret_depends_on_its_salt_its_endpoint_and_the_stages_key() -> None:
    keys = {key_from("a", "we_1", "k"), key_from("b", "we_1", "k"), key_from("a", "we_2", "k")}
    keys.add(key_from("a", "we_1", "other"))
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


def test_an_answer_of_410_disables_at_once() -> None:
    gone = after_failure(ENDPOINT, "e1", 410, NOW)
    assert (gone.status, gone.disabled_reason, gone.notice_due) == ("disabled", "gone", True)


def test_five_days_of_failures_of_two_events_disable() -> None:
    failing = after_failure(ENDPOINT, "e1", 500, NOW)
    failing = after_failure(failing, "e2", None, NOW + timedelta(days=1))
    almost = NOW + FAILING_AFTER - timedelta(seconds=1)
    assert after_failure(failing, "e3", 500, almost).is_enabled
    assert after_failure(failing, "e1", 500, NOW + FAILING_AFTER).disabled_reason == "failing"


def test_one_event_alone_disables_nothing_however_long_it_fails() -> None:
    failing = ENDPOINT
    for day in range(30):
        failing = after_failure(failing, "e1", 500, NOW + timedelta(days=day))
    assert failing.is_enabled
    assert not after_failure(failing, "e2", 500, NOW + timedelta(days=30)).is_enabled


def test_a_success_in_between_starts_the_five_days_anew() -> None:
    failing = after_failure(after_failure(ENDPOINT, "e1", 500, NOW), "e2", 500, NOW)
    healed = after_success(failing)
    assert healed == ENDPOINT
    again = after_failure(healed, "e3", 500, NOW + timedelta(days=6))
    assert after_failure(again, "e4", 500, NOW + timedelta(days=7)).is_enabled


def test_enabling_forgets_the_failures_and_listens_from_then_on() -> None:
    later = NOW + timedelta(days=6)
    gone = after_failure(after_failure(ENDPOINT, "e1", 500, NOW), "e2", 410, NOW)
    assert enabled(gone, later) == replace(ENDPOINT, hears_from=later, resumed_at=later)
    assert enabled(ENDPOINT, later) is ENDPOINT


ATTEMPTS = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 60)), min_size=1, max_size=40
)


@given(ATTEMPTS)
def test_an_endpoint_is_disabled_exactly_when_the_rule_says_so(
    attempts: list[tuple[int, bool, int]],
) -> None:
    """Against the rule as a sentence, over any history of (event, success, hours since)."""
    endpoint, at = ENDPOINT, NOW
    failures: list[tuple[datetime, int]] = []
    for event, succeeded, hours in attempts:
        at += timedelta(hours=hours)
        if succeeded:
            endpoint, failures = after_success(endpoint), []
        else:
            failures.append((at, event))
            endpoint = after_failure(endpoint, f"e{event}", 500, at)
        failing = bool(failures) and at - failures[0][0] >= timedelta(days=5)
        expected = failing and len({event for _, event in failures}) >= 2
        assert (not endpoint.is_enabled) == expected
        if expected:
            return


def test_a_disabled_endpoint_does_not_change_with_what_still_fails() -> None:
    gone = after_failure(ENDPOINT, "e1", 410, NOW)
    assert after_failure(gone, "e2", 500, NOW + timedelta(days=9)) is gone
