"""`python -m ops revenue recount`, as it is typed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.figures import Figures
from chalicelib.domain.figures.contributions import TRIALS, FigureKey, contributions
from chalicelib.domain.figures.trials import week_of
from tests.adapters.aws.conftest import TABLE
from tests.fakes.services import QUIET
from tests.tooling.ops.conftest import HASH_KEY, Deployed

NOW = datetime.now(UTC).replace(microsecond=0)
WEEK = FigureKey(TRIALS, week_of(NOW))


@pytest.fixture(autouse=True)
def few_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks for contributions in a week only, instead of a year: each day is a query."""
    monkeypatch.setattr("chalicelib.usecases.reconciliation.recount.BEFORE", timedelta(days=7))


@pytest.fixture
def figures(deployed: Deployed) -> Figures:
    return Figures(TABLE, lambda: HASH_KEY, deployed.dynamodb)


def test_a_recount_without_accounts_finds_nothing(deployed: Deployed, ops: Any) -> None:
    said = ops("revenue", "recount", "--stage", "dev")
    assert (said.status, said.out, said.err) == (
        0,
        "0 accounts were counted: 0 differences.\n",
        "",
    )


def test_a_dry_run_tells_each_difference_and_changes_nothing(
    deployed: Deployed, ops: Any, figures: Figures
) -> None:
    ada = deployed.signs_up("acc_ada", "ada@example.com", NOW)
    deployed.signs_up("acc_eve", "eve@example.com", NOW)
    figures.put(WEEK, "acc_ada", "2020-01-01T00:00:00+00:00,2020-01-15T00:00:00+00:00,", 0)
    before = deployed.items()
    said = ops("revenue", "recount", "--stage", "dev")
    assert (said.status, said.err) == (1, "")
    assert deployed.items() == before
    right = contributions(ada, QUIET)[WEEK]
    assert said.out.splitlines() == [
        "2 accounts were counted: 2 differences.",
        f"{WEEK}, account acc_ada: 2020-01-01T00:00:00+00:00,2020-01-15T00:00:00+00:00, instead of"
        f" {right}",
        f"{WEEK}, account acc_eve: nothing instead of {right}",
        "Nothing was changed. With --apply they are written as they were counted.",
    ]


def test_with_apply_the_differences_are_written_and_a_second_run_finds_none(
    deployed: Deployed, ops: Any, figures: Figures
) -> None:
    ada = deployed.signs_up("acc_ada", "ada@example.com", NOW)
    figures.put(WEEK, "acc_gone", "2020-01-01T00:00:00+00:00,2020-01-15T00:00:00+00:00,", 0)
    said = ops("revenue", "recount", "--apply", "--stage", "dev")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("1 accounts were counted: 2 differences.\n")
    assert said.out.endswith("They were written as they were counted.\n")
    assert figures.by_hash(WEEK) == {figures.hash_of("acc_ada"): contributions(ada, QUIET)[WEEK]}
    again = ops("revenue", "recount", "--stage", "dev")
    assert (again.status, again.out) == (0, "1 accounts were counted: 0 differences.\n")


def test_many_differences_are_told_by_their_number(deployed: Deployed, ops: Any) -> None:
    for number in range(23):
        deployed.signs_up(f"acc_{number:02}", f"ada{number}@example.com", NOW)
    lines = ops("revenue", "recount", "--stage", "dev").out.splitlines()
    assert lines[0] == "23 accounts were counted: 23 differences."
    assert len([line for line in lines if line.startswith(str(WEEK))]) == 20
    assert lines[-2] == "and 3 more"
