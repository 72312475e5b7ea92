"""python -m ops doctor: checks a stage, and says how to fix what is wrong."""

import argparse

from ops.command_line import Command
from ops.stage.stages import add_stage, stage_name


def _doctor(options: argparse.Namespace) -> int:
    from ops.doctor.examination import examine
    from ops.doctor.findings import WRONG
    from ops.doctor.site import Site

    wrong = 0
    for finding in examine(Site(stage_name(options))):
        print(finding, flush=True)
        wrong += finding.state == WRONG
    print(f"{wrong} wrong." if wrong else "Nothing is wrong.")
    return 1 if wrong else 0


COMMANDS = (
    Command(
        "doctor", "Check a deployed stage, and say how to fix each fault", _doctor, (add_stage,)
    ),
)
