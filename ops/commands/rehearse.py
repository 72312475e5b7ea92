"""python -m ops rehearse: who gets what when, for typical customers under billing.toml. Nothing is
sent, and no service is needed.
"""

import argparse
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.domain.errors import InvalidInput
from ops.commands.policy import POLICY, read_checked

SIGNS_UP_AT = time(10)
"""By the policy's clock."""

LONGEST = 730


def add_to(commands: Any) -> None:
    """Make the command known."""
    rehearse = commands.add_parser(
        "rehearse", help="show who gets what when under billing.toml; nothing is sent"
    )
    rehearse.add_argument(
        "--days", type=int, default=60, help="how long each customer is watched (default: 60)"
    )
    rehearse.add_argument(
        "--from",
        dest="first",
        metavar="DATE",
        help="the day on which they sign up, such as 2026-03-02 (default: today)",
    )
    rehearse.add_argument(
        "--policy",
        type=Path,
        default=POLICY,
        metavar="FILE",
        help="another billing.toml than the package's",
    )
    rehearse.add_argument("--html", type=Path, metavar="FILE", help="write a page instead")
    rehearse.set_defaults(run=_rehearse)


def _rehearse(options: argparse.Namespace) -> int:
    from ops.rehearsal.calendar import rehearse, told
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
        print(*told(calendars, policy, options.days), sep="\n")
        return 0
    try:
        options.html.write_text(page(calendars, policy, options.days), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{options.html} cannot be written: {error.strerror}.", "html"
        ) from error
    print(f"Open {options.html} in a browser.")
    return 0
