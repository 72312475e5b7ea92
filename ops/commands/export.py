"""python -m ops export: leave with all data."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.stages import add_table, table_of


def add_to(commands: Any) -> None:
    """Make the command known."""
    export = commands.add_parser(
        "export",
        help=(
            "write every item of the table into a folder, as JSON Lines that need no Billhook to be"
            " read"
        ),
    )
    export.add_argument(
        "folder",
        type=Path,
        help="a new folder; one of an export that was interrupted is gone on with",
    )
    export.set_defaults(run=_export)
    add_table(export)


def _export(options: argparse.Namespace) -> int:
    from chalicelib.aws.dynamo import client
    from ops.export.export import counter, export

    progress = export(
        table_of(options), options.folder, client(), counter, lambda: datetime.now(UTC)
    )
    print(file=sys.stderr)
    print(
        f"{sum(progress.lines.values()):,} items are in {options.folder}; its README.md says what"
        " is what. They hold personal data."
    )
    return 0
