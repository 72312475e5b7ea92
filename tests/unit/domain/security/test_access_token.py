"""What an access token says, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.security.access_token import claims, expiry

NOW = datetime(2026, 3, 2, 9, 0, 0, 400_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUARTER = int((NOW + timedelta(minutes=15)).timestamp())


@pytest.mark.parametrize(
    ("until", "ends"),
    [
        (None, QUARTER),
        (NOW + timedelta(days=3), QUARTER),
        (NOW + timedelta(minutes=15, seconds=1), QUARTER),
        (NOW.replace(microsecond=0) + timedelta(minutes=5), QUARTER - 600),
        (NOW + SECOND, int(NOW.timestamp()) + 1),
        (NOW - SECOND, QUARTER),
    ],
)
def test_a_token_ends_in_15_minutes_or_when_the_clock_changes_the_access(
    until: datetime | None, ends: int
) -> None:
    assert expiry(NOW, until) == ends


def test_a_token_never_lasts_longer_than_the_access_that_it_tells() -> None:
    until = NOW + timedelta(milliseconds=900)
    assert expiry(NOW, until) <= until.timestamp()


def test_the_claims_are_those_of_the_access_call_and_of_a_json_web_token() -> None:
    access = {
        "account_id": "acc_1",
        "access": "full",
        "reason": "trialing",
        "plan": "pro",
        "features": ["projects"],
        "quantity": 2,
        "until": "2026-03-16T09:00:00Z",
    }
    assert claims("https://b.example", access, "u-9", NOW, QUARTER, "id") == {
        "iss": "https://b.example",
        "sub": "acc_1",
        "aud": "billhook-access",
        "iat": 1772442000,
        "exp": 1772442900,
        "jti": "id",
        "access": "full",
        "reason": "trialing",
        "plan": "pro",
        "features": ["projects"],
        "quantity": 2,
        "until": "2026-03-16T09:00:00Z",
        "external_id": "u-9",
    }
