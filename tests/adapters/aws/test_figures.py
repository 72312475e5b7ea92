"""The rows of figures in the table, on moto."""

from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.aws.figures import Figures
from chalicelib.domain.figures.contributions import REVENUE, TRIALS
from tests.adapters.aws.conftest import TABLE

FIRST = date(2026, 1, 1)


def on(number: int) -> date:
    return FIRST + timedelta(days=number)


@pytest.fixture
def figures(dynamodb: Any) -> Figures:
    found = Figures(TABLE, lambda: "key", dynamodb)
    found.put_rows(REVENUE, {on(number): f"row {number}" for number in range(0, 40, 2)})
    found.put_rows(TRIALS, {on(11): "a week"})
    return found


@pytest.mark.parametrize(
    ("first", "last", "before", "rows"),
    [
        (10, 13, 8, [10, 12]),
        (11, 12, 10, [12]),
        (11, 11, 10, []),
        (0, 3, None, [0, 2]),
        (36, 90, 34, [36, 38]),
        (60, 90, 38, []),
    ],
)
def test_the_rows_of_a_span_come_with_the_one_before_them(
    figures: Figures, first: int, last: int, before: int | None, rows: list[int]
) -> None:
    opening, found = figures.rows_behind(REVENUE, on(first), on(last))
    assert opening == (None if before is None else (on(before), f"row {before}"))
    assert list(found.items()) == [(on(number), f"row {number}") for number in rows]
    assert found == figures.rows(REVENUE, on(first), on(last))
