"""python -m ops secrets: the secrets of a stage, in the Parameter Store."""

import argparse
import getpass
import sys
import time
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.confirm import agreed
from ops.stage.stages import add_stage, stack_name, stage_name

if TYPE_CHECKING:
    from ops.stage.parameters import Parameters


def _list(options: argparse.Namespace) -> int:
    from ops.stage.secrets import SECRETS

    parameters = _parameters(options)
    for secret in SECRETS:
        held = parameters.get(secret.name)
        state = f"{held.type} of {held.changed_at:%Y-%m-%d %H:%M}" if held else "missing"
        print(f"{secret.name:<24}{state}")
    return 0


def _set(options: argparse.Namespace) -> int:
    from ops.stage.secrets import put, secret

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
    value = _typed(f"{wanted.described}{f', from {wanted.source}' if wanted.source else ''}: ")
    note("secrets set", options)
    put(parameters, wanted.name, value)
    print(f"{parameters.name(wanted.name)} is set; every function uses it within five minutes.")
    return 0


def _rotate(options: argparse.Namespace) -> int:
    from ops.stage.secrets import rotate_link_keys

    note("secrets rotate-links", options)
    rotate_link_keys(_parameters(options), time.sleep, print)
    print(
        "Links are signed with the new key from now on. The old keys stay: links in mails already"
        " sent go on opening."
    )
    return 0


def _parameters(options: argparse.Namespace) -> "Parameters":
    from ops.stage.parameters import Parameters

    # By the stack's name, so that secrets may be there before the stack is.
    return Parameters(f"/{stack_name(stage_name(options))}")


def _typed(prompt: str) -> str:
    try:
        return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.read()
    except EOFError:
        raise InvalidInput("No value was given.", "value") from None


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the secret's name, as the list shows it")
    parser.add_argument("--yes", action="store_true", help="do not ask")


COMMANDS = (
    Command(
        "secrets list",
        "List the secrets of a stage and when each was set, without their values",
        _list,
        (add_stage,),
    ),
    Command(
        "secrets set",
        "Set a secret, typed at a prompt that hides it or read from a pipe",
        _set,
        (_named, add_stage),
    ),
    Command(
        "secrets rotate-links",
        "Sign links with a new key; links signed with older keys still open",
        _rotate,
        (add_stage,),
    ),
)
