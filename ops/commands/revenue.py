"""python -m ops revenue: the figures, counted again."""

import argparse

from ops.command_line import Command
from ops.stage.stages import add_stage, find_stage, stage_name

SHOWN = 20
"""Differences that are printed one by one."""


def _recount(options: argparse.Namespace) -> int:
    from chalicelib.runtime import wiring
    from chalicelib.usecases.reconciliation.recount import recount
    from ops.stage.services import enter

    enter(find_stage(stage_name(options)))
    found = recount(wiring.services(), options.apply)
    print(f"{found.accounts} accounts were counted: {len(found.differences)} differences.")
    for one in found.differences[:SHOWN]:
        whose = f"account {one.account}" if one.account else "the sums"
        print(f"{one.key}, {whose}: {one.kept or 'nothing'} instead of {one.counted or 'nothing'}")
    if len(found.differences) > SHOWN:
        print(f"and {len(found.differences) - SHOWN} more")
    if found.unpriced:
        print(f"Counted as 0, tiered or custom: {' '.join(found.unpriced)}")
    if found.differences and options.apply:
        print("They were written as they were counted.")
        return 0
    if found.differences:
        print("Nothing was changed. With --apply they are written as they were counted.")
    return 1 if found.differences else 0


def _apply(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--apply", action="store_true", help="write what differs")


COMMANDS = (
    Command(
        "revenue recount",
        "Count revenue and trials again from the accounts, and compare",
        _recount,
        (_apply, add_stage),
    ),
)
