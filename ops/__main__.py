"""The operator's command line: python -m ops <what> …. It acts on a deployed stage with the operator's own AWS credentials."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.api_keys import SCOPES
from chalicelib.domain.errors import BillhookError, InvalidInput

if TYPE_CHECKING:
    from chalicelib.aws.api_keys import ApiKeys

POLICY = Path(__file__).parents[1] / "chalicelib" / "billing.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it did what it was asked, 1 with a sentence on stderr if it could not."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BillhookError as error:
        print(error.message, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops", description="Look after a stage of Billhook.")
    commands = parser.add_subparsers(required=True, metavar="command")

    check = commands.add_parser("check", help="read billing.toml and name every mistake")
    check.add_argument("file", nargs="?", type=Path, default=POLICY, help="another file than the package's")
    check.set_defaults(run=_check)

    mail = commands.add_parser("mail", help="the messages").add_subparsers(required=True, metavar="action")
    preview = mail.add_parser("preview", help="write a page that shows every message to every kind of reader")
    preview.add_argument("folder", nargs="?", type=Path, default=Path("out/mail"), help="where to (default: out/mail)")
    preview.set_defaults(run=_preview_mail)
    compiling = mail.add_parser("compile", help="compile the MJML sources, as make mail does")
    compiling.set_defaults(run=_compile_mail)

    keys = commands.add_parser("keys", help="API keys of the product's calls").add_subparsers(required=True, metavar="action")
    create = keys.add_parser("create", help="make a key; it is shown this once")
    create.add_argument("name", help="what the key is for")
    create.add_argument("--scope", choices=SCOPES, default="access", help="; ".join(f"{scope}: {what}" for scope, what in SCOPES.items()))
    create.set_defaults(run=_create_key)
    listing = keys.add_parser("list", help="all keys, revoked ones too")
    listing.set_defaults(run=_list_keys)
    revoke = keys.add_parser("revoke", help="end a key: within a minute it opens nothing any more")
    revoke.add_argument("id", help="the first part of the key after bh_, as the list shows it")
    revoke.set_defaults(run=_revoke_key)
    accounts = commands.add_parser("accounts", help="single accounts").add_subparsers(required=True, metavar="action")
    revive = accounts.add_parser("revive", help="act again on an account that failed so often that nothing more was tried")
    revive.add_argument("id")
    revive.set_defaults(run=_revive)
    for action in (create, listing, revoke, revive):
        action.add_argument("--table", default=os.environ.get("TABLE_NAME"), help="the stage's table (default: $TABLE_NAME)")
    return parser


def _check(options: argparse.Namespace) -> int:
    from chalicelib.domain.policy_file import read_policy
    from chalicelib.outreach.check import check_messages
    from chalicelib.outreach.rendering import messages

    try:
        policy = read_policy(options.file.read_text(), messages())
    except OSError as error:
        print(f"{options.file} cannot be read: {error.strerror}.", file=sys.stderr)
        return 1
    check_messages(policy.steps)
    print(f"{options.file.name} is fine: policy {policy.hash}, plans {', '.join(policy.plans)}.")
    return 0


def _preview_mail(options: argparse.Namespace) -> int:
    from ops.mail import preview

    print(f"Open {preview(options.folder)} in a browser.")
    return 0


def _compile_mail(options: argparse.Namespace) -> int:
    from ops.mail import compile_all

    print(f"{len(compile_all())} messages are compiled.")
    return 0


def _create_key(options: argparse.Namespace) -> int:
    from chalicelib.usecases.keys import create_key

    print(create_key(_store(options), options.scope, options.name, datetime.now(UTC)))
    return 0


def _list_keys(options: argparse.Namespace) -> int:
    for key in _store(options).all():
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "alive"
        print(f"{key.id}  {key.scope:<6}  {key.created_at:%Y-%m-%d %H:%M}  {state:<24}  {key.name}")
    return 0


def _revoke_key(options: argparse.Namespace) -> int:
    if _store(options).revoke(options.id, datetime.now(UTC)):
        print(f"Key {options.id} is revoked; it opens nothing any more within a minute.")
        return 0
    print(f"There is no key {options.id}: python -m ops keys list shows them.", file=sys.stderr)
    return 1


def _revive(options: argparse.Namespace) -> int:
    from chalicelib.aws.accounts import Accounts
    from chalicelib.domain.agenda import next_version
    from chalicelib.domain.policy_file import read_policy

    accounts = Accounts(_table(options), lambda: "")  # no address changes here, so nothing is hashed
    account = accounts.load(options.id)
    if account is None:
        print(f"There is no account {options.id}.", file=sys.stderr)
        return 1
    mended = replace(account, failures=0, resting_until=None)
    accounts.save(account, next_version(account, mended, read_policy(POLICY.read_text()), datetime.now(UTC)))
    print(f"Account {options.id} is tried again.")
    return 0


def _store(options: argparse.Namespace) -> "ApiKeys":
    from chalicelib.aws.api_keys import ApiKeys

    return ApiKeys(_table(options))


def _table(options: argparse.Namespace) -> str:
    if not options.table:
        raise InvalidInput("Which stage? Give its table by --table or in $TABLE_NAME.", "table")
    return str(options.table)


if __name__ == "__main__":
    sys.exit(main())
