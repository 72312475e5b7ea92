"""The state of periodic jobs: their progress, what Stripe has listed, the differences found;
and the scan of all accounts.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.accounts import Accounts
from chalicelib.aws.events.timeline import Timelines
from chalicelib.aws.items import account_key
from chalicelib.aws.jobs.job_states import JobStates
from chalicelib.aws.reconciliation import ReconciliationState
from chalicelib.aws.schema_versions import SHAPE
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.reconciliation.backfill import Undelivered, under_way
from chalicelib.domain.reconciliation.comparison import Comparison, Drift
from chalicelib.domain.stripe_objects.pagination import ListCursor
from tests.adapters.aws.conftest import TABLE

NOW = datetime(2026, 3, 2, 9, 30, 1, 5, tzinfo=UTC)
DRIFT = Drift("acc_1", "cus_1", "sub_1", ("status", "customer.card"), NOW - timedelta(days=1), NOW)


def test_the_state_of_each_job_is_read_as_it_was_written(dynamodb: Any) -> None:
    rounds = JobStates(TABLE, dynamodb)
    assert rounds.load(Comparison) is rounds.load(Undelivered) is None
    comparison = Comparison(
        NOW, "held", ListCursor("sub_1", NOW), 3, '{"pk": {"S": "x"}}', 250, version=1
    )
    fetched = replace(under_way(None, NOW), place=ListCursor("evt_1", NOW), group=1, version=1)
    rounds.save(Comparison(NOW), comparison)
    rounds.save(Undelivered(), fetched)
    assert (rounds.load(Comparison), rounds.load(Undelivered)) == (comparison, fetched)


def test_of_two_runs_of_a_job_one_continues(dynamodb: Any) -> None:
    rounds, old = JobStates(TABLE, dynamodb), Comparison(NOW)
    rounds.save(old, replace(old, version=1))
    for stale in (old, replace(old, version=7)):
        with pytest.raises(ConcurrentUpdate):
            rounds.save(stale, replace(old, version=stale.version + 1))
    rounds.save(replace(old, version=1), replace(old, phase="ended", version=2))
    assert rounds.load(Comparison) == replace(old, phase="ended", version=2)


def test_listed_subscriptions_belong_to_their_comparison_only(dynamodb: Any) -> None:
    comparisons = ReconciliationState(TABLE, dynamodb)
    assert comparisons.listed(NOW) == frozenset()
    for page in range(3):
        comparisons.keep_listed(NOW, page, [f"sub_{page}_{number}" for number in range(100)])
        comparisons.keep_listed(NOW, page, [f"sub_{page}_{number}" for number in range(100)])
    comparisons.keep_listed(NOW + timedelta(days=1), 0, ["sub_other"])
    comparisons.keep_listed(NOW, 3, [])
    assert len(comparisons.listed(NOW)) == 300
    assert comparisons.listed(NOW + timedelta(days=1)) == {"sub_other"}


def test_differences_are_stored_checked_and_dropped(dynamodb: Any) -> None:
    comparisons = ReconciliationState(TABLE, dynamodb)
    other, later = (
        replace(DRIFT, subscription="sub_2"),
        replace(DRIFT, compared=NOW + timedelta(days=1)),
    )
    for drift in (DRIFT, DRIFT, other, later):
        comparisons.put_drift(drift)
    assert comparisons.drifts_of(NOW) == [DRIFT, other]
    comparisons.put_drift(replace(DRIFT, became="left"))
    comparisons.drop_drift(other)
    comparisons.drop_drift(other)
    assert comparisons.drifts_of(NOW) == [replace(DRIFT, became="left")]
    assert comparisons.drifts_since(NOW) == [replace(DRIFT, became="left"), later]
    assert comparisons.drifts_since(NOW + timedelta(seconds=1)) == [later]


def test_the_scan_returns_every_account_and_nothing_else(dynamodb: Any) -> None:
    accounts, comparisons = (
        Accounts(TABLE, lambda: "key", dynamodb),
        ReconciliationState(TABLE, dynamodb),
    )
    wide = random.Random(1).randbytes(45_000).hex()  # a page of a scan is a megabyte
    for number in range(30):
        one = Account(f"acc_{number}")
        accounts.save(one, replace(one, version=1, profile=replace(one.profile, name=wide)))
    Timelines(TABLE, dynamodb).put(
        Entry("acc_1", NOW, "stripe", f"evt_{n}", "customer.updated", {}) for n in range(40)
    )
    seen: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        found, cursor = comparisons.accounts(cursor)
        seen, pages = seen + [account.id for account in found], pages + 1
    assert sorted(seen) == sorted(f"acc_{number}" for number in range(30))
    assert pages > 1


def test_the_scan_leaves_out_an_account_of_a_newer_release(
    dynamodb: Any,
) -> None:
    accounts, comparisons = (
        Accounts(TABLE, lambda: "key", dynamodb),
        ReconciliationState(TABLE, dynamodb),
    )
    for id in ("acc_1", "acc_2"):
        accounts.save(Account(id), replace(Account(id), version=1))
    younger = {
        "UpdateExpression": "SET shape = :shape",
        "ExpressionAttributeValues": {":shape": {"N": str(SHAPE + 1)}},
    }
    dynamodb.update_item(TableName=TABLE, Key=account_key("acc_1"), **younger)
    assert [account.id for account in comparisons.accounts(None)[0]] == ["acc_2"]
