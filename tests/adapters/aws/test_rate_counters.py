"""Rate counters in windows of time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws.rate_counters import RateCounters
from tests.adapters.aws.conftest import TABLE

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def limits(dynamodb: Any) -> RateCounters:
    return RateCounters(TABLE, lambda: "key")


def test_counters_are_kept_by_kind_value_and_window(limits: RateCounters) -> None:
    assert [limits.count("from", "203.0.113.7", HOUR, NOW) for _ in range(3)] == [1, 2, 3]
    assert limits.count("from", "203.0.113.8", HOUR, NOW) == 1
    assert limits.count("of", "203.0.113.7", HOUR, NOW) == 1
    assert limits.count("from", "203.0.113.7", HOUR, NOW + HOUR) == 1
    assert limits.count("from", "203.0.113.7", timedelta(days=1), NOW) == 1


def test_no_key_contains_an_address_and_every_counter_expires(limits: RateCounters) -> None:
    limits.count("of", "ada@example.com", HOUR, NOW)
    (item,) = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert "ada" not in str(item)
    assert int(item["ttl"]["N"]) > (NOW + HOUR).timestamp()
