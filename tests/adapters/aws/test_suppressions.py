"""Suppressed addresses: whichever case they are written in, for ever, and nowhere in the table to
be read.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.aws.suppressions import Suppressions
from tests.adapters.aws.conftest import TABLE

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def suppressions(dynamodb: Any) -> Suppressions:
    return Suppressions(TABLE, lambda: "a key", dynamodb)


def test_an_address_is_held_in_any_case_and_no_other_is(suppressions: Suppressions) -> None:
    suppressions.add("Ada@Example.com", "bounce", T)
    assert all(
        suppressions.holds(email)
        for email in ("Ada@Example.com", "ada@example.com", " ADA@EXAMPLE.COM ")
    )
    assert not any(
        suppressions.holds(email) for email in ("ada@example.org", "grace@example.com", "")
    )


def test_the_same_again_does_no_harm(suppressions: Suppressions, dynamodb: Any) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    suppressions.add("ADA@example.com", "complaint", T)
    assert len(dynamodb.scan(TableName=TABLE)["Items"]) == 1


def test_the_table_holds_why_and_when_but_no_address(
    suppressions: Suppressions, dynamodb: Any
) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert (item["reason"], item["at"]) == ({"S": "bounce"}, {"S": "2026-03-02T09:00:00.000000Z"})
    assert "ada" not in str(item)


def test_another_key_is_another_hash(suppressions: Suppressions, dynamodb: Any) -> None:
    suppressions.add("ada@example.com", "bounce", T)
    assert not Suppressions(TABLE, lambda: "another key", dynamodb).holds("ada@example.com")
