"""Exports for spreadsheets and queries: no cell is a formula, no letter controls a terminal."""

import csv
import io
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.figures.exports.parquet import KINDS
from chalicelib.domain.figures.exports.tables import TABLES
from ops.export.athena import TYPES, create_table
from ops.export.cells import cell, csv_head, csv_line, json_line
from ops.export.progress import WIDTH, bar
from ops.export.records import COLUMNS
from ops.export.writing import write_records
from tests.adapters.aws.conftest import TABLE
from tests.tooling.ops.conftest import Deployed

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
PAGE = (Path(__file__).parents[3] / "docs" / "exports.md").read_text()


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "－1", "=cmd|' /C calc'!A0"],
)
def test_a_text_that_a_spreadsheet_would_calculate_is_marked_as_text(text: str) -> None:
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["Ada;=1+1;", "Ada; @SUM(A1)", "a;+b", "a;＝1"])
def test_nor_does_one_calculate_that_takes_semicolons_for_separators(text: str) -> None:
    line = csv_line({"id": "acc_1", "name": text}, ["id", "name"])
    assert not any(part.lstrip(" ").startswith(FORMULA) for part in line.split(";"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-1, "-1"),
        (None, ""),
        (True, "true"),
        ("Ada", "Ada"),
        ("a=b", "a=b"),
        ("Ada; Bob", "Ada; Bob"),
        ({"name": "=1"}, '{"name": "=1"}'),
    ],
)
def test_numbers_and_other_values_stay_as_they_are(value: Any, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize("letter", ["\x1b", "\x9b", "\u202e", "\x00", "\n", "\r", "\u2028"])
def test_no_letter_that_controls_a_terminal_is_written(letter: str) -> None:
    record = {"name": f"Ada{letter}[2J"}
    for line in (csv_line(record, ["name"]), json_line(record, ["name"])):
        assert letter not in line.removesuffix("\n")
    assert json.loads(json_line(record, ["name"])) == record


def test_a_line_of_csv_is_read_as_it_was_written() -> None:
    columns = ["name", "plan", "amount"]
    text = csv_head(columns) + csv_line({"name": 'A "b", c;d', "amount": 5}, columns)
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"name": 'A "b", c;d', "plan": "", "amount": "5"}
    ]


def test_the_bar_fills_as_far_as_it_is_known() -> None:
    assert bar(5, 0) == bar(5, 3) == "5 items"
    assert bar(500, 1000).startswith(f"[{'#' * (WIDTH // 2)}{' ' * (WIDTH // 2)}] 500 items")
    assert bar(7, 7).count("#") == WIDTH


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_the_records_of_a_stage_are_in_files_for_its_owner_alone(
    deployed: Deployed, ops: Any, tmp_path: Path, format: str
) -> None:
    deployed.fill()
    folder = tmp_path / "out"
    said = ops("export", "--stage", "dev", "--format", format, str(folder))
    assert said.status == 0, said.err
    assert {path.name for path in folder.iterdir()} == {f"{name}.{format}" for name in COLUMNS}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    text = (folder / f"customers.{format}").read_text()
    found: list[Any] = (
        list(csv.DictReader(io.StringIO(text)))
        if format == "csv"
        else [json.loads(line) for line in text.splitlines()]
    )
    assert sorted(one["email"] for one in found) == ["ada@example.com", "eve@example.com"]
    assert set(found[0]) == set(COLUMNS["customers"])
    assert "2 customers are in" in said.out
    audit = (folder / f"audit.{format}").read_text()
    assert "accounts.exported" in audit


def test_an_export_that_breaks_off_leaves_no_file_that_looks_whole(tmp_path: Path) -> None:
    def found() -> Iterator[tuple[str, dict[str, Any]]]:
        yield "customers", {"account_id": "acc_1"}
        raise Unavailable("DynamoDB cannot be reached: EndpointConnectionError.")

    with pytest.raises(Unavailable):
        write_records(found(), tmp_path / "out", "csv")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted(f"{name}.csv.part" for name in COLUMNS)


def test_records_need_a_stage_and_a_new_folder(
    deployed: Deployed, ops: Any, tmp_path: Path
) -> None:
    said = ops("export", "--table", TABLE, "--format", "csv", str(tmp_path / "out"))
    assert (said.status, said.err.startswith("Which stage?")) == (1, True)
    (tmp_path / "mine.txt").write_text("mine")
    said = ops("export", "--stage", "dev", "--format", "csv", str(tmp_path))
    assert (said.status, "is not empty" in said.err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("table", TABLES)
def test_the_page_has_each_table_as_it_is_written(table: str) -> None:
    assert create_table(table) in PAGE


def test_every_kind_of_value_has_a_type() -> None:
    assert TYPES.keys() == KINDS.keys()


def test_the_queries_name_columns_that_there_are() -> None:
    found = re.findall(r"SELECT (\w+), count\(\*\) FROM read_parquet\('s3://BUCKET/(\w+)/", PAGE)
    assert len(found) == 2
    for column, table in found:
        assert column in {one.name for one in TABLES[table]}
