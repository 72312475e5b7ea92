"""python -m ops check: read billing.toml and name every mistake."""

import argparse
import sys
from pathlib import Path
from typing import Any

POLICY = Path(__file__).parents[2] / "chalicelib" / "billing.toml"


def add_to(commands: Any) -> None:
    """Make the command known."""
    check = commands.add_parser("check", help="read billing.toml and name every mistake")
    check.add_argument("file", nargs="?", type=Path, default=POLICY, help="another file than the package's")
    check.set_defaults(run=_check)


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
