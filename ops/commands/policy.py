"""python -m ops check: read billing.toml and name every mistake."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command

if TYPE_CHECKING:
    from chalicelib.domain.policy import Policy

POLICY = Path(__file__).parents[2] / "chalicelib" / "billing.toml"


def read_checked(file: Path) -> "Policy":
    """The policy in a file, its messages held against every kind of reader.

    Raises PolicyMistakes, BrokenMessage, UnknownMessage; InvalidInput for a file that cannot be
    read.
    """
    from chalicelib.domain.policy_file import read_policy
    from chalicelib.outreach.check import check_messages
    from chalicelib.outreach.rendering import messages

    try:
        policy = read_policy(file.read_text(), messages())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", "file") from error
    check_messages(policy)
    return policy


def _check(options: argparse.Namespace) -> int:
    policy = read_checked(options.file)
    print(f"{options.file.name} is fine: policy {policy.hash}, plans {', '.join(policy.plans)}.")
    return 0


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=POLICY,
        help="a policy file (default: chalicelib/billing.toml)",
    )


COMMANDS = (Command("check", "Check billing.toml and report every mistake", _check, (_file,)),)
