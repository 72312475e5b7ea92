"""python -m ops rehearse: who gets what when, for typical customers under billing.toml. Nothing is
sent, and no service is needed.
"""

import argparse
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.policy import POLICY, read_checked

SIGNS_UP_AT = time(10)
"""By the policy's clock."""

LONGEST = 730


def _rehearse(options: argparse.Namespace) -> int:
    from ops.rehearsal.calendar import calendar_lines, rehearse
    from ops.rehearsal.page import page

    if not 1 <= options.days <= LONGEST:
        raise InvalidInput(f"--days must be from 1 to {LONGEST}.", "days")
    policy = read_checked(options.policy)
    zone = ZoneInfo(policy.mail.timezone if policy.mail else "UTC")
    try:
        first = (
            datetime.fromisoformat(options.first).date()
            if options.first
            else datetime.now(zone).date()
        )
    except ValueError:
        raise InvalidInput(
            f"--from must be a date such as 2026-03-02, not {options.first}.", "from"
        ) from None
    calendars = rehearse(
        policy, datetime.combine(first, SIGNS_UP_AT, zone).astimezone(UTC), options.days
    )
    if options.html is None:
        print(*calendar_lines(calendars, policy, options.days), sep="\n")
        return 0
    try:
        options.html.write_text(page(calendars, policy, options.days), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{options.html} cannot be written: {error.strerror}.", "html"
        ) from error
    print(f"Open {options.html} in a browser.")
    return 0


def _choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--days", type=int, default=60, help="how many days to follow each customer (default: 60)"
    )
    parser.add_argument(
        "--from",
        dest="first",
        metavar="DATE",
        help="the day on which they sign up, such as 2026-03-02 (default: today)",
    )
    parser.add_argument(
        "--policy",
        type=Path,
        default=POLICY,
        metavar="FILE",
        help="a policy file (default: chalicelib/billing.toml)",
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write an HTML page instead of text"
    )


COMMANDS = (
    Command(
        "rehearse",
        "Show which mail typical customers would get and when; sends nothing",
        _rehearse,
        (_choice,),
    ),
)
