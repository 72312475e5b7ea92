"""python -m ops mail broadcast: one message, once to many."""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.messaging.broadcasts import AUDIENCES, TOLERANCE
from ops.command_line import Command
from ops.commands.mail.report import moment_before
from ops.stage.confirm import typed
from ops.stage.stages import add_stage, find_stage, stage_name
from ops.terminal import outcome_lines, print_count, print_lines

if TYPE_CHECKING:
    from chalicelib.domain.policy.policy import Policy
    from ops.mail.broadcast.recipients import RecipientList


def _broadcast(options: argparse.Namespace) -> int:
    from chalicelib.aws.dynamo import client
    from chalicelib.runtime import wiring
    from ops.mail.broadcast.recipients import Aim, listed
    from ops.mail.broadcast.sending import OUTCOMES, claimed, pages, record_broadcast
    from ops.stage.services import enter, services_of_stage

    now = datetime.now(UTC)
    aim = Aim(
        options.name or options.message,
        options.to,
        moment_before(now, options.since, "since") if options.since else None,
    )
    stage = find_stage(stage_name(options))
    enter(stage)
    policy, table = wiring.policy(), stage.outputs["TableName"]
    check(aim.name, options.message, policy)
    services = services_of_stage()
    print("Reading the accounts …", flush=True)
    found = listed(
        pages(services), aim, policy, now, lambda ids: claimed(client(), table, ids, aim.name)
    )
    print_lines(recipient_lines(found))
    if options.dry_run or not found.ids:
        print("Nothing was written." if options.dry_run else "There are no recipients left.")
        return 0
    if not agreed(len(found.ids), options):
        print("This is another number: nothing was done.", file=sys.stderr)
        return 1
    outcomes: Counter[str] = Counter()
    try:
        for _, outcome in record_broadcast(found.ids, aim, options.message, services):
            outcomes[outcome] += 1
            print_count(sum(outcomes.values()), len(found.ids))
    finally:
        print(*outcome_lines(outcomes, OUTCOMES), sep="\n")
    print(
        f"It goes out within their hours and caps, in {TOLERANCE.days} days at most; python -m ops"
        f" mail report counts it as broadcast@{aim.name}."
    )
    return 1 if outcomes["failed"] else 0


def check(name: str, message: str, policy: "Policy") -> None:
    """Return if the message can be rendered under this policy. Raises InvalidInput, UnknownMessage,
    BrokenMessage.
    """
    from chalicelib.domain.account.messages import Broadcast
    from chalicelib.domain.account.state import Account
    from chalicelib.domain.messaging.broadcasts import steps_of
    from chalicelib.outreach.check import check_messages
    from chalicelib.outreach.rendering import missing

    if policy.mail is None:
        raise InvalidInput("billing.toml has no table [mail], so no mail is sent.", "mail")
    if not re.fullmatch(r"[a-z0-9_]{1,64}", name):
        raise InvalidInput("--name must be made of a-z, 0-9 and _.", "name")
    check_messages(
        replace(
            policy,
            steps=tuple(
                steps_of(
                    Account(
                        "", broadcasts={name: Broadcast(message, "everyone", datetime.now(UTC))}
                    )
                )
            ),
        )
    )
    if "news" in missing(message, {}, policy.mail.language) and not policy.mail.news:
        raise InvalidInput(
            f"The message {message} tells what is new, and billing.toml says nothing of that."
            ' Example: [mail] news = "…"',
            "news",
        )


def agreed(number: int, options: argparse.Namespace) -> bool:
    """Whether the operator confirms the number of recipients."""
    if options.confirm is not None:
        return bool(options.confirm == number)
    return typed(
        f"They will be written to. Type their number to have it done (stage {options.stage}): "
    ) == str(number)


def recipient_lines(found: "RecipientList") -> Iterator[str]:
    """How many get it, the first of them, and who is left out."""
    from ops.mail.broadcast.recipients import LEFT_OUT

    yield f"{len(found.ids)} {'account gets' if len(found.ids) == 1 else 'accounts get'} it" + (
        ", the first of them:" if found.first else "."
    )
    for account in found.first:
        yield f"  {account.id}  {account.email}" + (f"  ({account.name})" if account.name else "")
    for why, number in found.left_out.most_common():
        yield f"{number:>7}  {LEFT_OUT[why]}"
    if found.ids:
        yield "Addresses that bounced or complained are left out when it is sent."


def _message(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        required=True,
        choices=AUDIENCES,
        help=" ".join(f"{name}: {words}" for name, words in AUDIENCES.items()),
    )
    parser.add_argument(
        "--message",
        required=True,
        help="the message, by the name of its source in chalicelib/outreach/sources",
    )
    parser.add_argument(
        "--name",
        help="an account gets only one broadcast with this name (default: the message's name)",
    )
    parser.add_argument(
        "--since",
        metavar="LENGTH",
        help="only accounts that left (or else signed up) in this last length of time, such as 90d",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="send nothing: only count the accounts, and name the first ones",
    )
    parser.add_argument(
        "--confirm",
        type=int,
        metavar="NUMBER",
        help="the number of accounts, instead of a prompt for it",
    )


COMMANDS = (
    Command(
        "mail broadcast",
        "Send one message once to many accounts; run it again to resume",
        _broadcast,
        (_message, add_stage),
    ),
)
