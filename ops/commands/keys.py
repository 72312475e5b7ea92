"""python -m ops keys: the API keys of the product, and the keys that sign access tokens."""

import argparse
import sys
from datetime import UTC, datetime

from chalicelib.aws.keys.api_keys import ApiKeys
from chalicelib.domain.security.api_keys import SCOPES
from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.stages import add_stage, add_table, stack_name, stage_name, table_of


def _create(options: argparse.Namespace) -> int:
    from chalicelib.usecases.accounts.api_keys import create_key

    print(create_key(ApiKeys(table_of(options)), options.scope, options.name, datetime.now(UTC)))
    return 0


def _list(options: argparse.Namespace) -> int:
    for key in ApiKeys(table_of(options)).all():
        state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "alive"
        print(f"{key.id}  {key.scope:<6}  {key.created_at:%Y-%m-%d %H:%M}  {state:<24}  {key.name}")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    if ApiKeys(table_of(options)).revoke(options.id, datetime.now(UTC)):
        print(f"Key {options.id} is revoked; it stops working within a minute.")
        return 0
    print(f"There is no key {options.id}: python -m ops keys list shows them.", file=sys.stderr)
    return 1


def _rotate(options: argparse.Namespace) -> int:
    from ops.stage.parameters import Parameters
    from ops.stage.signing_keys import rotate_signing_keys

    parameters = Parameters(f"/{stack_name(stage_name(options))}")
    note("keys rotate-signing", options)
    rotate_signing_keys(parameters, datetime.now(UTC), print, options.leaked)
    return 0


def _leaked(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--leaked",
        action="store_true",
        help="the key of now is known to others: sign with a new one at once, drop all before",
    )


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what the key is for")
    parser.add_argument(
        "--scope",
        choices=SCOPES,
        default="access",
        help=" ".join(f"{scope}: {what}" for scope, what in SCOPES.items()) + " (default: access)",
    )


def _id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the part of the key after bh_, as the list shows it")


COMMANDS = (
    Command(
        "keys create",
        "Create an API key for your product; it is shown only once",
        _create,
        (_new, add_table),
    ),
    Command("keys list", "List all API keys, revoked ones too", _list, (add_table,)),
    Command(
        "keys revoke",
        "Revoke an API key; it stops working within a minute",
        _revoke,
        (_id, add_table),
    ),
    Command(
        "keys rotate-signing",
        "Publish the next key of access tokens; it signs 24 hours later",
        _rotate,
        (_leaked, add_stage),
    ),
)
