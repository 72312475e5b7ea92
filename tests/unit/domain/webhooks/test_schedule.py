"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.webhooks.schedule import DELAYS, JITTER, next_attempt

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FAILED = CallAnswer(500)


def test_the_delays_are_those_of_the_specification() -> None:
    assert [delay.total_seconds() for delay in DELAYS] == [
        0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400,
    ]  # fmt: skip
    assert sum(DELAYS, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)


@given(
    st.text(max_size=20),
    st.integers(1, 9),
    st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1)),
)
def test_each_attempt_comes_at_its_delay_or_a_little_earlier(
    delivery: str, made: int, at: datetime
) -> None:
    planned = next_attempt(delivery, made, FAILED, at := at.replace(tzinfo=UTC))
    assert planned
    assert DELAYS[made] * (1 - JITTER) <= planned - at <= DELAYS[made]
    assert planned == next_attempt(delivery, made, FAILED, at), "a repeat decides the same"


@given(st.text(max_size=20), st.integers(10, 30))
def test_after_the_tenth_attempt_there_is_none(delivery: str, made: int) -> None:
    assert next_attempt(delivery, made, FAILED, NOW) is None


@given(st.integers(1, 9), st.integers(0, 10**7))
def test_a_receiver_that_asks_for_time_gets_it_and_never_less(made: int, seconds: int) -> None:
    planned = next_attempt("dlv_1", made, CallAnswer(429, retry_after=str(seconds)), NOW)
    usual = next_attempt("dlv_1", made, FAILED, NOW)
    assert planned
    assert usual
    asked = NOW + min(timedelta(seconds=seconds), timedelta(days=1))
    assert planned == max(usual, asked)


def test_deliveries_that_failed_together_come_back_spread() -> None:
    times = {next_attempt(f"dlv_{number}", 3, FAILED, NOW) for number in range(100)}
    assert len(times) == 100
