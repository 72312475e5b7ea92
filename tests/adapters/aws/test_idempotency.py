"""Answers under an Idempotency-Key: the first is kept, for its account only, until that is
erased.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.aws.idempotency import StoredResponses
from chalicelib.aws.partition import Partition
from chalicelib.domain.account.operations import Charge, Charged
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.billing.idempotency import Outcome, StoredResponse
from tests.adapters.aws.conftest import TABLE

STANDING = Standing(
    "active", "full", "active", "pro", ("reports",), 3, datetime(2026, 4, 2, tzinfo=UTC)
)
CHARGED = Charged(Charge("chg_1", 1500, "jpy", "Import", "now"), "paid", "in_1")
KEPT = StoredResponse(
    "acc_1",
    "key 1",
    "charges 12ab",
    datetime(2026, 3, 2, 9, tzinfo=UTC),
    Outcome(STANDING, charged=CHARGED),
)


def test_of_two_answers_under_a_key_the_first_is_kept_and_returned(dynamodb: Any) -> None:
    calls = StoredResponses(TABLE, dynamodb)
    assert calls.load("acc_1", "key 1") is None
    assert calls.keep(KEPT) == KEPT
    assert calls.keep(replace(KEPT, asked="another")) == KEPT
    assert calls.load("acc_1", "key 1") == KEPT
    assert calls.load("acc_2", "key 1") is None
    assert Partition(TABLE, dynamodb).clear("acc_1") == 1
    assert calls.load("acc_1", "key 1") is None
