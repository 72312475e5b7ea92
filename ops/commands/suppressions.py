"""python -m ops suppressions: addresses that get no mail."""

import argparse
import sys
from typing import TYPE_CHECKING

from chalicelib.domain.messaging.suppression import REACHES
from chalicelib.domain.security.signup import with_ascii_domain
from ops.command_line import Command
from ops.stage.stages import add_stage, find_stage, stage_name

if TYPE_CHECKING:
    from chalicelib.aws.mail.suppressions import Suppressions


def _suppressions(options: argparse.Namespace) -> "Suppressions":
    from chalicelib.runtime import wiring
    from ops.stage.services import enter

    enter(find_stage(stage_name(options)))
    return wiring.suppressions()


def _list(options: argparse.Namespace) -> int:
    from chalicelib.aws.mail.suppressions import SesSuppressionList

    ours = _suppressions(options)
    at_ses = {ours.mark(email): email for email, _, _ in SesSuppressionList().all()}
    found = 0
    for mark, one, accounts in ours.all():
        found += 1
        who = at_ses.pop(mark, None) or "address unknown"
        print(
            f"{one.at:%Y-%m-%d %H:%M}  {one.reason:<9}  stops {one.reach:<9}  {who}"
            f"  {' '.join(accounts) or 'no account'}"
        )
    for email in sorted(at_ses.values()):
        print(f"only on SES's list: {email}")
    if found:
        print("\n".join(f"stops {reach}: {what}" for reach, what in REACHES.items()))
    else:
        print("The stage suppresses no address.")
    return 0


def _lift(options: argparse.Namespace) -> int:
    from chalicelib.aws.mail.suppressions import SesSuppressionList
    from chalicelib.usecases.messaging.lift_suppression import lift_suppression
    from ops.stage.services import services_of_stage

    ours = _suppressions(options)
    stored = ours.load(with_ascii_domain(options.email))
    if not lift_suppression(options.email, ours, SesSuppressionList(), services_of_stage()):
        print(f"{options.email} is not suppressed.", file=sys.stderr)
        return 1
    since = f" since {stored.at:%Y-%m-%d}, after a {stored.reason}" if stored else " at SES only"
    print(f"{options.email} gets mail again: it was suppressed{since}.")
    return 0


def _email(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email", help="the address, as it is written to")


COMMANDS = (
    Command(
        "suppressions list",
        "List the suppressed addresses: why, since when, and whose",
        _list,
        (add_stage,),
    ),
    Command(
        "suppressions lift",
        "Write to an address again, and take it off SES's own list",
        _lift,
        (_email, add_stage),
    ),
)
