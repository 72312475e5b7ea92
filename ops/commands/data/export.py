"""python -m ops export: writes all data of a stage to files."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.stages import add_table, table_of


def _export(options: argparse.Namespace) -> int:
    from ops.export.export import counter, export
    from ops.stage.tables import description, table_client

    description(table_client(), table_of(options))  # raises for a table that is not there
    note("export", options)
    progress = export(
        table_of(options), options.folder, table_client(), counter, lambda: datetime.now(UTC)
    )
    print(file=sys.stderr)
    print(
        f"{sum(progress.lines.values()):,} items are in {options.folder}; its README.md says what"
        " is what. They hold personal data."
    )
    return 0


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, help="a new folder, or the folder of an interrupted export to resume"
    )


COMMANDS = (
    Command(
        "export",
        "Export every item of the table as JSON Lines",
        _export,
        (_folder, add_table),
    ),
)
