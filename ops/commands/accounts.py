"""python -m ops accounts: single accounts."""

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ops.commands.policy import POLICY
from ops.stages import add_table, table_of


def add_to(commands: Any) -> None:
    """Make the commands known."""
    accounts = commands.add_parser("accounts", help="single accounts").add_subparsers(required=True, metavar="action")
    revive = accounts.add_parser("revive", help="act again on an account that failed so often that nothing more was tried")
    revive.add_argument("id")
    revive.set_defaults(run=_revive)
    add_table(revive)


def _revive(options: argparse.Namespace) -> int:
    from chalicelib.aws.accounts import Accounts
    from chalicelib.domain.agenda import next_version
    from chalicelib.domain.policy_file import read_policy

    accounts = Accounts(table_of(options), lambda: "")  # no address changes here, so nothing is hashed
    account = accounts.load(options.id)
    if account is None:
        print(f"There is no account {options.id}.", file=sys.stderr)
        return 1
    mended = replace(account, failures=0, resting_until=None)
    accounts.save(account, next_version(account, mended, read_policy(POLICY.read_text()), datetime.now(UTC)))
    print(f"Account {options.id} is tried again.")
    return 0
