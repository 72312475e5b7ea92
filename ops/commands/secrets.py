"""python -m ops secrets: what a stage keeps in the Parameter Store."""

import argparse
import getpass
import sys
from typing import Any

from chalicelib.domain.errors import InvalidInput
from ops.asking import agreed
from ops.stages import add_stage, stack_name, stage_name


def add_to(commands: Any) -> None:
    """Make the commands known."""
    secrets = commands.add_parser(
        "secrets", help="what a stage keeps in the Parameter Store"
    ).add_subparsers(required=True, metavar="action")
    listing = secrets.add_parser("list", help="which there are and since when; none is shown")
    listing.set_defaults(run=_list)
    setting = secrets.add_parser(
        "set", help="put one, typed without being shown, or read from a pipe"
    )
    setting.add_argument("name")
    setting.add_argument("--yes", action="store_true", help="do not ask")
    setting.set_defaults(run=_set)
    rotating = secrets.add_parser(
        "rotate-links", help="sign links with a new key; old links go on opening"
    )
    rotating.set_defaults(run=_rotate)
    for action in (listing, setting, rotating):
        add_stage(action)


def _list(options: argparse.Namespace) -> int:
    from ops.secrets import SECRETS

    parameters = _parameters(options)
    for secret in SECRETS:
        held = parameters.get(secret.name)
        state = f"{held.type} of {held.changed_at:%Y-%m-%d %H:%M}" if held else "missing"
        print(f"{secret.name:<24}{state}")
    return 0


def _set(options: argparse.Namespace) -> int:
    from ops.secrets import put, secret

    wanted, parameters = secret(options.name), _parameters(options)
    overwrites = parameters.get(wanted.name) is not None
    if (
        overwrites
        and wanted.careful
        and not (
            options.yes or agreed(f"{wanted.name} is there, and {wanted.careful}. Put another?")
        )
    ):
        print("Nothing was changed.")
        return 1
    put(
        parameters,
        wanted.name,
        _typed(f"{wanted.described}{f', from {wanted.source}' if wanted.source else ''}: "),
    )
    print(f"{parameters.name(wanted.name)} is put; every function knows it within five minutes.")
    return 0


def _rotate(options: argparse.Namespace) -> int:
    from ops.secrets import add_link_key

    add_link_key(_parameters(options))
    print(
        "Links are signed with a new key within five minutes. The old keys stay: links in mails"
        " already sent go on opening."
    )
    return 0


def _parameters(options: argparse.Namespace) -> Any:
    from ops.parameters import Parameters

    # By the stack's name, so that secrets may be there before the stack is.
    return Parameters(f"/{stack_name(stage_name(options))}")


def _typed(prompt: str) -> str:
    try:
        return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.read()
    except EOFError:
        raise InvalidInput("Nothing was typed.", "value") from None
