"""python -m ops accounts: single accounts."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountNotFound, InvalidInput
from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.confirm import typed
from ops.stage.policy import POLICY
from ops.stage.stages import add_stage, add_table, find_stage, stage_name, table_of
from ops.terminal import print_lines

if TYPE_CHECKING:
    from chalicelib.aws.accounts import Accounts


def _accounts(options: argparse.Namespace) -> "Accounts":
    from chalicelib.aws.accounts import Accounts

    # No address changes here, so no hash key is needed.
    return Accounts(table_of(options), lambda: "")


def _found(accounts: "Accounts", id: str) -> Account:
    account = accounts.load(id)
    if account is None:
        raise AccountNotFound(f"There is no account {id}.", "id")
    return account


def _show(options: argparse.Namespace) -> int:
    from chalicelib.aws.events.timeline import Timelines
    from chalicelib.domain.policy.read import read_policy
    from ops.account_report import account_lines

    account, now = _found(_accounts(options), options.id), datetime.now(UTC)
    entries, _ = Timelines(table_of(options)).page(account.id, None, now)
    print_lines(account_lines(account, entries, read_policy(POLICY.read_text()), now))
    return 0


def _export(options: argparse.Namespace) -> int:
    from chalicelib.aws.partition import Partition
    from ops.account_report import person

    account = _found(_accounts(options), options.id)
    note("accounts export", options)
    text = json.dumps(
        person(account, Partition(table_of(options)).items(account.id)),
        ensure_ascii=False,
        indent=1,
    )
    if options.file is None:
        print(text)
        return 0
    try:
        with options.file.open("x", encoding="utf-8") as file:
            options.file.chmod(0o600)
            file.write(text + "\n")
    except OSError as error:
        raise InvalidInput(
            f"{options.file} cannot be written: {error.strerror}.", "file"
        ) from error
    print(f"All data of account {account.id} is in {options.file}.")
    return 0


def _erase(options: argparse.Namespace) -> int:
    from chalicelib.aws.partition import Partition
    from chalicelib.usecases.accounts.erase import UNDER_WAY_SECONDS, erase
    from ops.stage.services import enter, services_of_stage

    stage = find_stage(stage_name(options))
    if not (
        options.yes
        or typed(f"This erases account {options.id} of stage {stage.name} for good. Type its id: ")
        == options.id
    ):
        print("This is another id: nothing was erased.", file=sys.stderr)
        return 1
    print(
        f"Erasing, and again after {UNDER_WAY_SECONDS:.0f} seconds, for writes that are under way …"
    )
    enter(stage)
    gone = erase(
        options.id, options.stripe, services_of_stage(), Partition(stage.outputs["TableName"])
    )
    if gone.waits:
        print(
            f"Account {options.id} has an instance, which is deleted first. Then the account is"
            " erased by itself, after three days at the latest."
        )
        return 0
    print(
        f"Account {options.id} {'is erased' if gone.account else 'was erased before'};"
        f" {gone.beside} notes and claims beside it are."
    )
    if gone.customers:
        print(f"Deleted at Stripe: {', '.join(gone.customers)}.")
    print("Backups, logs and queues expire by themselves: docs/privacy.md says when.")
    return 0


def _revive(options: argparse.Namespace) -> int:
    from chalicelib.domain.policy.read import read_policy
    from chalicelib.domain.schedule.versions import next_version

    accounts = _accounts(options)
    account = _found(accounts, options.id)
    mended = replace(account, failures=0, resting_until=None)
    accounts.save(
        account, next_version(account, mended, read_policy(POLICY.read_text()), datetime.now(UTC))
    )
    print(f"Account {options.id} is tried again.")
    return 0


def _end_links(options: argparse.Namespace) -> int:
    from chalicelib.domain.account.facts import LinksEnded
    from chalicelib.domain.account.rules.apply import apply
    from chalicelib.domain.policy.read import read_policy
    from chalicelib.domain.schedule.versions import next_version
    from chalicelib.domain.security.openings import LinkEnded

    accounts, now = _accounts(options), datetime.now(UTC)
    account = _found(accounts, options.id)
    if options.link and options.link not in {one.link for one in account.openings}:
        raise InvalidInput("That link is not among the account's last openings.", "link")
    ended = apply(account, LinkEnded(options.link, now) if options.link else LinksEnded(now))
    accounts.save(account, next_version(account, ended, read_policy(POLICY.read_text()), now))
    print(
        f"The link {options.link} of account {options.id} opens nothing any more."
        if options.link
        else f"No link or session of account {options.id} from before now opens anything any more."
    )
    return 0


def _joins(options: argparse.Namespace) -> int:
    from chalicelib.aws.partition import Partition
    from chalicelib.runtime import wiring
    from chalicelib.usecases.accounts.erase import UNDER_WAY_SECONDS
    from chalicelib.usecases.accounts.joins import dismiss, join
    from ops.stage.services import enter, services_of_stage

    stage = find_stage(stage_name(options))
    enter(stage)
    if options.dismiss:
        account = dismiss(options.dismiss, services_of_stage())
        print(f"Account {account.id} stays as it is, and is not listed any more.")
        return 0
    if options.join:
        print(f"Joining, and again after {UNDER_WAY_SECONDS:.0f} seconds, for writes under way …")
        joined = join(options.join, services_of_stage(), Partition(stage.outputs["TableName"]))
        print(f"Account {options.join} is now a part of account {joined}.")
        return 0
    print_lines(waiting_joins(wiring.accounts().with_waiting_join()))
    return 0


def waiting_joins(accounts: Iterable[Account]) -> Iterator[str]:
    """The customers that named an account without its proof, a line for each."""
    found = False
    for account in accounts:
        if account.refused_join:
            found = True
            yield (
                f"{account.refused_join.at:%Y-%m-%d %H:%M}  {account.id}"
                f"  {account.origin}  {account.email or 'no address'}"
                f"  names {account.refused_join.account_id}"
            )
    yield (
        "--join ACCOUNT makes one of these a part of the account that it names, --dismiss ACCOUNT"
        " leaves it as it is."
        if found
        else "No customer names an account without its proof."
    )


def _decision(parser: argparse.ArgumentParser) -> None:
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--join", metavar="ACCOUNT", help="make this account a part of the one that it names"
    )
    either.add_argument(
        "--dismiss", metavar="ACCOUNT", help="leave this account apart, and list it no more"
    )


def _id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the account's id")


def _link(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--link", help="end this one only, by its mark in accounts show")


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, help="a new file (default: standard output)")


def _erasure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stripe",
        action="store_true",
        help="also delete the customer at Stripe, which ends its subscriptions immediately",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask for the id again")


COMMANDS = (
    Command(
        "accounts show",
        "Show an account: access, subscriptions, mail, due work, latest entries",
        _show,
        (_id, add_table),
    ),
    Command(
        "accounts export",
        "Export all data about one person as one JSON file",
        _export,
        (_id, _file, add_table),
    ),
    Command(
        "accounts erase",
        "Erase all data about one person; only keyed hashes stay (docs/privacy.md)",
        _erase,
        (_id, _erasure, add_stage),
    ),
    Command(
        "accounts end-links",
        "End every link that was mailed to a customer, and every session; or one link",
        _end_links,
        (_id, _link, add_table),
    ),
    Command(
        "accounts joins",
        "List customers that name an account without its proof; join or dismiss one",
        _joins,
        (_decision, add_stage),
    ),
    Command(
        "accounts revive",
        "Process an account again that failed too often",
        _revive,
        (_id, add_table),
    ),
)
