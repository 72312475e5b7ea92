"""The operator's command line: python -m ops <what> …. It acts on a deployed stage with the
operator's own AWS credentials.
"""

import argparse
import sys
from collections.abc import Sequence

from chalicelib.domain.errors import BillhookError
from ops.commands import (
    accounts,
    dead,
    deploy,
    doctor,
    drift,
    events,
    export,
    importing,
    keys,
    mail,
    policy,
    rehearse,
    restore,
    secrets,
    stripe,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it did what it was asked, 1 with a sentence on stderr
    if it could not."""
    parser = argparse.ArgumentParser(
        prog="python -m ops", description="Look after a stage of Billhook."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for room in (
        policy,
        deploy,
        doctor,
        secrets,
        stripe,
        keys,
        accounts,
        mail,
        rehearse,
        drift,
        dead,
        events,
        importing,
        export,
        restore,
    ):
        room.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except BillhookError as error:
        print(error.message, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
