"""Records as CSV and as JSON Lines. Much of them was typed by customers: no cell is a formula in a
spreadsheet, and no letter controls the terminal that shows the file.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib.domain.security.visible_text import visible

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What a cell begins with that spreadsheets calculate (OWASP, CSV Injection)."""

_WITHIN = re.compile(f"(; *)(?=[{re.escape(''.join(_FORMULA))}])")
"""Where a cell begins for a spreadsheet that takes semicolons for separators, as Excel does in much
of Europe: it heeds no quotes that stand behind a comma.
"""

Record = Mapping[str, Any]
Write = Callable[[Record, Sequence[str]], str]


def cell(value: Any) -> str:
    """A value as the text of a cell. A text that would be a formula gets an apostrophe in front,
    which spreadsheets take for "this is text", and so does one behind a semicolon; numbers stay
    numbers.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    formula = text.lstrip(" ").startswith(_FORMULA)
    return ("'" if formula else "") + visible(_WITHIN.sub(r"\1'", text), kept="")


def csv_line(record: Record, columns: Sequence[str]) -> str:
    """A record as one line of CSV, each cell within quotes (RFC 4180, but for the line's end)."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(
        [cell(record.get(column)) for column in columns]
    )
    return line.getvalue()


def json_line(record: Record, columns: Sequence[str]) -> str:
    """A record as one line of JSON, with the columns in their order."""
    named = {column: record.get(column) for column in columns}
    return visible(json.dumps(named, ensure_ascii=False, separators=(",", ":")), kept="") + "\n"


def csv_head(columns: Sequence[str]) -> str:
    """The first line of a file of CSV."""
    return csv_line({column: column for column in columns}, columns)


FORMATS: Mapping[str, tuple[Write, Callable[[Sequence[str]], str]]] = {
    "csv": (csv_line, csv_head),
    "jsonl": (json_line, lambda columns: ""),
}
"""Format, and ending of its files → how a record is written, and what stands above the first."""
