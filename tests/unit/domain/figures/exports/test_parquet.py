"""Parquet files: the same values come out, and the bytes are those that readers have read."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chalicelib.domain.figures.exports.parquet import KINDS, Column, written
from tests.unit.domain.figures.exports.parquet_reading import read

COLUMNS = tuple(Column(kind, kind) for kind in KINDS)
READ_ELSEWHERE = [
    {
        "text": f"a{at}é",
        "number": at * 10**12 if at % 3 else None,
        "flag": bool(at % 2) if at % 5 else None,
        "day": date(2026, 1, 1) + timedelta(days=at),
        "moment": datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(milliseconds=at),
    }
    for at in range(100)
]
VALUES: dict[str, some.SearchStrategy[Any]] = {
    "text": some.text(),
    "number": some.integers(-(2**63), 2**63 - 1),
    "flag": some.booleans(),
    "day": some.dates(),
    "moment": some.datetimes(
        min_value=datetime(1900, 1, 1), timezones=some.just(UTC), allow_imaginary=False
    ).map(lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000)),
}


@given(
    some.lists(
        some.fixed_dictionaries({kind: some.none() | VALUES[kind] for kind in KINDS}), max_size=40
    )
)
def test_rows_are_read_as_they_were_written(rows: list[dict[str, Any]]) -> None:
    types, found = read(written(COLUMNS, rows))
    assert types == {kind: kind for kind in KINDS}
    assert found == rows


def test_a_value_that_is_missing_is_null() -> None:
    assert read(written(COLUMNS, [{}]))[1] == [dict.fromkeys(KINDS)]


def test_a_moment_is_kept_to_the_millisecond_in_utc() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 123456, timezone(timedelta(hours=2)))
    ((found,),) = [
        row.values() for row in read(written([Column("m", "moment")], [{"m": moment}]))[1]
    ]
    assert found == datetime(2026, 3, 1, 10, 0, 0, 123000, UTC)


def test_a_table_of_many_columns_and_rows_is_read_again() -> None:
    columns = [Column(f"c{number}", "number") for number in range(20)]
    rows = [{one.name: at * 1000 for one in columns} for at in range(3000)]
    assert read(written(columns, rows))[1] == rows


def test_a_file_that_other_readers_have_read_is_what_is_written_today() -> None:
    """DuckDB 2.0.1, pyarrow 26.0.1 and fastparquet 2026.9.0 found these values in the file beside
    this test. If the format changes on purpose, write it again and have them read it.
    """
    file = (Path(__file__).parent / "read_elsewhere.parquet").read_bytes()
    assert read(file) == read(written(COLUMNS, READ_ELSEWHERE))
    assert read(file)[1] == READ_ELSEWHERE


def test_the_same_rows_are_the_same_bytes() -> None:
    assert written(COLUMNS, READ_ELSEWHERE) == written(COLUMNS, READ_ELSEWHERE)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_a_number_of_more_than_64_bits_is_refused(number: int) -> None:
    with pytest.raises(struct.error):
        written([Column("n", "number")], [{"n": number}])
