"""python -m ops keys: the API keys of the product's calls."""

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from chalicelib.aws.api_keys import ApiKeys
from chalicelib.domain.api_keys import SCOPES
from ops.stages import add_table, table_of


def add_to(commands: Any) -> None:
    """Make the commands known."""
    keys = commands.add_parser("keys", help="API keys of the product's calls").add_subparsers(
        required=True, metavar="action"
    )
    create = keys.add_parser("create", help="make a key; it is shown this once")
    create.add_argument("name", help="what the key is for")
    create.add_argument(
        "--scope",
        choices=SCOPES,
        default="access",
        help="; ".join(f"{scope}: {what}" for scope, what in SCOPES.items()),
    )
    create.set_defaults(run=_create)
    listing = keys.add_parser("list", help="all keys, revoked ones too")
    listing.set_defaults(run=_list)
    revoke = keys.add_parser("revoke", help="end a key: within a minute it opens nothing any more")
    revoke.add_argument("id", help="the first part of the key after bh_, as the list shows it")
    revoke.set_defaults(run=_revoke)
    for action in (create, listing, revoke):
        add_table(action)


def _create(options: argparse.Namespace) -> int:
    from chalicelib.usecases.keys import create_key

    print(create_key(ApiKeys(table_of(options)), options.scope, options.name, datetime.now(UTC)))
    return 0


def _list(options: argparse.Namespace) -> int:
    for key in ApiKeys(table_of(options)).all():
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "alive"
        print(f"{key.id}  {key.scope:<6}  {key.created_at:%Y-%m-%d %H:%M}  {state:<24}  {key.name}")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    if ApiKeys(table_of(options)).revoke(options.id, datetime.now(UTC)):
        print(f"Key {options.id} is revoked; it opens nothing any more within a minute.")
        return 0
    print(f"There is no key {options.id}: python -m ops keys list shows them.", file=sys.stderr)
    return 1
