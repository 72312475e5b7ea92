"""python -m ops restore: returns a stage to a point in time."""

import argparse
import sys
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.confirm import agreed
from ops.stage.stages import add_stage, find_stage, stage_name

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def _restore(options: argparse.Namespace) -> int:
    from ops.export.export import counter
    from ops.recovery.restore.restore import restore
    from ops.recovery.restore.tables import Tables
    from ops.stage.services import enter, services_of_stage
    from ops.stage.tables import table_client

    if not options.rate > 0:
        raise InvalidInput("The rate must be more than 0 accounts a second.", "rate")
    stage = find_stage(stage_name(options))
    live = stage.outputs["TableName"]
    source = options.source or live
    question = _question(table_client(), source, live, stage.name)
    if not (options.yes or agreed(question)):
        print("Nothing was changed.")
        return 1
    enter(stage)
    note("restore", options)
    run = restore(Tables(source, live, table_client()), services_of_stage(), counter, options.rate)
    print(file=sys.stderr)
    print(
        f"Stage {stage.name} is what {source} held: {run.accounts:,} accounts, begun"
        f" {run.started_at:%Y-%m-%d %H:%M} UTC."
    )
    for why in run.left:
        print(f"Not restored: {why}.", file=sys.stderr)
    return 1 if run.left else 0


def _question(dynamodb: "DynamoDBClient", source: str, live: str, stage: str) -> str:
    """The question before a restore. Raises InvalidInput for a table that cannot be used."""
    from ops.stage.tables import description

    told = description(dynamodb, source)
    summary = told.get("RestoreSummary", {})
    if source == live and not summary:
        raise InvalidInput(
            f"{live}, which stage {stage} uses, is not a restored table: name the one that AWS"
            " restored by --from.",
            "from",
        )
    if told["TableStatus"] != "ACTIVE" or summary.get("RestoreInProgress"):
        raise InvalidInput(f"{source} is still being restored: wait until it is ACTIVE.", "from")
    of, at = (
        str(summary.get("SourceTableArn", "")).rpartition("/")[2],
        summary.get("RestoreDateTime"),
    )
    from_where = (
        f"as {of} was at {at:%Y-%m-%d %H:%M:%S %Z}"
        if of and at
        else "which AWS does not know as a restored table"
    )
    warning = "" if of == live or source == live else f" It is NOT of the table of stage {stage}."
    return f"Return every account of {live} to its state in {source}, {from_where}?{warning}"


def _source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="TABLE",
        help="the restored table (default: the stage's own, if AWS restored it)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=8,
        help="accounts per second at most; each takes three calls of Stripe's API (default: 8)",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


COMMANDS = (
    Command(
        "restore",
        "Return a stage to a point in time (docs/operations.md)",
        _restore,
        (_source, add_stage),
    ),
)
