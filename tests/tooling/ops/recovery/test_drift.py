"""python -m ops drift, as it is typed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.jobs.job_states import JobStates
from chalicelib.aws.reconciliation import ReconciliationState
from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison, Drift
from tests.adapters.aws.conftest import TABLE
from tests.adapters.aws.conftest import boto3_table as dynamodb  # noqa: F401 - the fixture
from tests.tooling.ops.test_ops import run


@pytest.fixture
def table(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for room in ("reconciliation", "jobs.job_states"):
        monkeypatch.setattr(f"chalicelib.aws.{room}.client", lambda: dynamodb)
    monkeypatch.setenv("TABLE_NAME", TABLE)
    return dynamodb


def test_before_the_first_comparison_the_report_says_so(
    table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "drift")[:2] == (
        0,
        (
            "0 found in 30 days, 0 of them not healed.\nNo comparison was made yet.\n"
            "The first round of fetching undelivered events is not complete.\n"
        ),
    )


def test_the_report_has_each_difference_its_age_and_whether_it_was_corrected(
    table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    healed = Drift(
        "acc_1",
        "cus_1",
        "sub_1",
        ("status", "customer.card"),
        now - timedelta(hours=30),
        now - timedelta(hours=2),
        "healed",
    )
    for drift in (
        healed,
        replace(healed, subscription="sub_2", became="left"),
        replace(healed, compared=now - timedelta(days=40)),
    ):
        ReconciliationState(TABLE, table).put_drift(drift)
    done = Comparison(
        now - timedelta(hours=2), listed=7, version=1, ended_at=now - timedelta(hours=1)
    )
    JobStates(TABLE, table).save(Comparison(now), done)
    JobStates(TABLE, table).save(Undelivered(), Undelivered(now, version=1))
    status, out, _ = run(capsys, "drift")
    assert status == 0
    first, second, count, comparison, undelivered = out.splitlines()
    assert "healed       acc_1  sub_1" in first
    assert first.endswith(
        f"since {now - timedelta(hours=30):%Y-%m-%d %H:%M}: status, customer.card"
    )
    assert "NOT HEALED   acc_1  sub_2" in second
    assert count == "2 found in 30 days, 1 of them not healed."
    assert comparison.endswith("7 subscriptions.")
    assert undelivered == f"Undelivered events were fetched up to {now:%Y-%m-%d %H:%M}."
    JobStates(TABLE, table).save(done, replace(done, phase="held", ended_at=None, version=2))
    assert "part 3 of 4, 7 subscriptions so far" in run(capsys, "drift")[1]
    assert run(capsys, "drift", "--days", "60")[1].startswith(
        f"{now - timedelta(days=40):%Y-%m-%d}"
    )
