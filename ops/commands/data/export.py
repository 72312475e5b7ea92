"""python -m ops export: writes the data of a stage to files."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.stages import add_table, find_stage, stage_name, table_of


def _export(options: argparse.Namespace) -> int:
    return _records(options) if options.format else _everything(options)


def _everything(options: argparse.Namespace) -> int:
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


def _records(options: argparse.Namespace) -> int:
    from chalicelib.runtime import wiring
    from ops.export.export import counter
    from ops.export.progress import Bar
    from ops.export.records import Source, records
    from ops.export.writing import write_records
    from ops.stage.services import enter, services_of_stage
    from ops.stage.tables import description, table_client

    stage = find_stage(stage_name(options))
    enter(stage)
    services, table = services_of_stage(), stage.outputs["TableName"]
    bar = Bar(description(table_client(), table).get("ItemCount", 0), counter)
    note("export", options, format=options.format)
    found = records(Source(services, wiring.audit_log(), table_client(), table, bar.add))
    counts = write_records(found, options.folder, options.format)
    print(file=sys.stderr)
    for name, count in counts.items():
        print(f"{count:,} {name} are in {options.folder / name}.{options.format}")
    print("They hold personal data.")
    return 0


def _format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl"),
        help="customers, subscriptions, revenue, events and the audit log of a stage, as records"
        " for a spreadsheet or a query, instead of every item",
    )


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, help="a new folder, or the folder of an interrupted export to resume"
    )


COMMANDS = (
    Command(
        "export",
        "Export every item of the table, or records as CSV or JSON Lines",
        _export,
        (_folder, _format, add_table),
    ),
)
