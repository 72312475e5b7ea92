"""python -m ops mail report: conversions after each message, and without it (by the holdout)."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.keys import duration
from ops.command_line import Command
from ops.stage.stages import add_table, table_of
from ops.terminal import print_progress

if TYPE_CHECKING:
    from ops.report.counting import Line

HEADS = (
    "step",
    "sent",
    "delivered",
    "unsubscribed",
    "converted",
    "held out",
    "converted",
    "difference (95 %)",
)


def moment_before(now: datetime, length: str, option: str) -> datetime:
    """The time that is a duration before now. Raises InvalidInput."""
    span = duration(length)
    if not span:
        raise InvalidInput(
            f"--{option} must be a length of time such as 90d or 12h, not {length}.", option
        )
    return now - span


def _report(options: argparse.Namespace) -> int:
    from ops.report.counting import WITHIN, Counting
    from ops.report.reading import DOLLARS_A_MILLION, pages

    now = datetime.now(UTC)
    since = moment_before(now, options.since, "since")
    counting, read, units = Counting(), 0, 0.0
    for page in pages(table_of(options), since):
        counting.add(page.entries)
        read, units = read + len(page.entries), units + page.units
        if sys.stderr.isatty():
            print_progress(f"{read} entries", sys.stderr)
    lines = counting.lines(now)
    if options.json:
        print(
            json.dumps(
                {
                    "since": since.isoformat(),
                    "until": now.isoformat(),
                    "within_days": WITHIN.days,
                    "steps": list(map(as_json, lines)),
                },
                indent=1,
            )
        )
        return 0
    print(
        f"Since {since:%d %B %Y, %H:%M} UTC. A conversion counts if it came within {WITHIN.days}"
        " days.",
        *table(lines),
        sep="\n",
    )
    if young := sum(line.young for line in lines):
        print(
            f"Of all these, {young} are younger than {WITHIN.days} days: who got or missed them may"
            " still convert."
        )
    print(
        f"{read} entries were counted; to read the table took {units:,.0f} read units,"
        f" {units * DOLLARS_A_MILLION / 1e6:.4f} dollars."
    )
    return 0


def as_json(line: "Line") -> dict[str, Any]:
    """A line with its difference, as JSON has it."""
    found = line.difference
    counts = {name: getattr(line, name) for name in line.__dataclass_fields__}
    return counts | {
        "difference": (
            None if found is None else dict(zip(("is", "low", "high"), found, strict=True))
        )
    }


def table(lines: Iterable["Line"]) -> Iterator[str]:
    """The lines under their heads."""
    rows = [HEADS, *map(_cells, lines)]
    if len(rows) == 1:
        yield "Nothing was sent or held out."
        return
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    for row in rows:
        first, *others = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((first, *others)).rstrip()


def _cells(line: "Line") -> tuple[str, ...]:
    found = line.difference
    told = "{:+.1%} ({:+.1%} to {:+.1%})".format(*found) if found else "-"
    held = (
        (str(line.held_out), _share(line.held_out_converted, line.held_out))
        if line.held_out
        else ("-", "-")
    )
    return (
        line.step,
        str(line.sent),
        str(line.delivered),
        str(line.unsubscribed),
        _share(line.converted, line.sent),
        *held,
        told,
    )


def _share(hits: int, of: int) -> str:
    return f"{hits} ({hits / of:.1%})" if of else "-"


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since",
        default="90d",
        metavar="LENGTH",
        help="count messages of this last length of time (default: 90d)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


COMMANDS = (
    Command(
        "mail report",
        "Count who converted after each message, and who did without it",
        _report,
        (_output, add_table),
    ),
)
