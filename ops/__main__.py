"""The operator's command line, python -m ops. Commands work on a deployed stage with the operator's
own AWS credentials.
"""

import sys
from collections.abc import Sequence

from ops.command_line import Subjects, execute
from ops.commands import (
    accounts,
    conditions,
    dead,
    deploy,
    doctor,
    drift,
    events,
    instances,
    keys,
    mcp,
    people,
    policy,
    rehearse,
    revenue,
    secrets,
    stripe,
    suppressions,
    webhooks,
)
from ops.commands.data import export, importing, restore
from ops.commands.mail import mail
from ops.stage.audit import audited
from ops.terminal import visible_output

SUBJECTS: Subjects = {
    "Set up and deploy a stage": (
        *policy.COMMANDS,
        *deploy.COMMANDS,
        *secrets.COMMANDS,
        *stripe.COMMANDS,
        *doctor.COMMANDS,
        *conditions.COMMANDS,
        *keys.COMMANDS,
    ),
    "Accounts": (*accounts.COMMANDS, *importing.COMMANDS, *instances.COMMANDS),
    "Mail": (*rehearse.COMMANDS, *mail.COMMANDS, *suppressions.COMMANDS),
    "Events that failed or were lost": (*dead.COMMANDS, *events.COMMANDS, *drift.COMMANDS),
    "Events that go out": (*webhooks.COMMANDS, *people.COMMANDS),
    "Assistants": mcp.COMMANDS,
    "All data of a stage": (*export.COMMANDS, *restore.COMMANDS, *revenue.COMMANDS),
}
"""All commands, as python -m ops lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, or list them. Returns the exit status: 0 if it succeeded, 1 if it failed,
    with a sentence on stderr, 2 if there is no such command.
    """
    with visible_output():
        return execute(SUBJECTS, sys.argv[1:] if arguments is None else arguments, around=audited)


if __name__ == "__main__":
    sys.exit(main())
