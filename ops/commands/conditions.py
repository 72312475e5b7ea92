"""python -m ops conditions: what needs a person at a stage."""

import argparse
from typing import TYPE_CHECKING

from ops.command_line import Command
from ops.stage.stages import add_stage, find_stage, stage_name

if TYPE_CHECKING:
    from chalicelib.domain.schedule.watch.open_conditions import OpenCondition

RUNBOOK = "docs/operations.md"


def lines(conditions: tuple["OpenCondition", ...]) -> list[str]:
    """The open conditions, what each means and where to read what to do, the newest first."""
    from chalicelib.domain.schedule.watch.conditions import CONDITIONS

    found: list[str] = []
    for one in sorted(conditions, key=lambda one: one.seen_at, reverse=True):
        row = CONDITIONS.get(one.name)
        told = f"told {one.told_at:%Y-%m-%d %H:%M}" if one.told_at else "not told yet"
        details = f"  ({one.details})" if one.details else ""
        found += [
            f"{one.name}{details}",
            f"  since {one.since:%Y-%m-%d %H:%M}, last seen {one.seen_at:%Y-%m-%d %H:%M}, {told}",
            f"  {row.means if row else 'A newer release noticed it.'} → {RUNBOOK}, {one.name}",
        ]
    return found or ["Nothing needs a person."]


def _conditions(options: argparse.Namespace) -> int:
    from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
    from chalicelib.runtime import wiring
    from ops.stage.services import enter

    enter(find_stage(stage_name(options)))
    known = wiring.services().stores.job_states.load(OpenConditions) or OpenConditions()
    print(*lines(known.entries), sep="\n")
    looked = f"{known.looked_at:%Y-%m-%d %H:%M}" if known.looked_at else "never"
    print(f"The stage was last looked at: {looked} (UTC). Occurrences stay for a week.")
    return 0


COMMANDS = (
    Command(
        "conditions",
        "List what needs a person: the conditions that the alarm NeedsYou is about",
        _conditions,
        (add_stage,),
    ),
)
