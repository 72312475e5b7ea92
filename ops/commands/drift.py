"""python -m ops drift: the differences from Stripe, and whether they were corrected."""

import argparse
from datetime import UTC, datetime, timedelta

from ops.command_line import Command
from ops.stage.stages import add_table, table_of

STATES = {"healed": "healed", "left": "NOT HEALED", None: "being asked"}


def _drift(options: argparse.Namespace) -> int:
    from chalicelib.aws.jobs.job_states import JobStates
    from chalicelib.aws.reconciliation import ReconciliationState
    from chalicelib.domain.reconciliation.backfill import Undelivered
    from chalicelib.domain.reconciliation.comparison import PHASES, Comparison

    table, now = table_of(options), datetime.now(UTC)
    rounds = JobStates(table)
    comparison, undelivered = rounds.load(Comparison), rounds.load(Undelivered)
    found = ReconciliationState(table).drifts_since(now - timedelta(days=options.days))
    for drift in found:
        print(
            f"{_minute(drift.compared)}  {STATES[drift.became]:<11}  {drift.account_id} "
            f" {drift.subscription}",
            end="",
        )
        print(f"  since {_minute(drift.since)}: {', '.join(drift.what)}")
    print(
        f"{len(found)} found in {options.days} days,"
        f" {sum(drift.became == 'left' for drift in found)} of them not healed."
    )
    for customer in comparison.unpaid_credit if comparison else ():
        print(f"{customer} has more credit at Stripe than they ever paid.")
    if comparison is None:
        print("No comparison was made yet.")
    elif comparison.ended_at:
        print(
            f"The last comparison began {_minute(comparison.began)}, ended"
            f" {_minute(comparison.ended_at)}: {comparison.listed} subscriptions."
        )
    else:
        part = f"part {list(PHASES).index(comparison.phase) + 1} of {len(PHASES)}"
        print(
            f"A comparison is under way since {_minute(comparison.began)}: {part},"
            f" {comparison.listed} subscriptions so far."
        )
    reached = undelivered.reached if undelivered else None
    print(
        f"Undelivered events were fetched up to {_minute(reached)}."
        if reached
        else "The first round of fetching undelivered events is not complete."
    )
    return 0


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _days(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--days", type=int, default=30, help="how many days to look back (default: 30)"
    )


COMMANDS = (
    Command(
        "drift",
        "Show the differences that the daily comparison with Stripe found",
        _drift,
        (_days, add_table),
    ),
)
