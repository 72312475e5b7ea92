"""python -m ops check: read billing.toml and name every mistake."""

import argparse
from pathlib import Path

from chalicelib.domain.policy.warnings import warnings_of
from ops.command_line import Command
from ops.stage.policy import POLICY, read_checked


def _check(options: argparse.Namespace) -> int:
    policy = read_checked(options.file)
    print(f"{options.file.name} is fine: policy {policy.hash}, plans {', '.join(policy.plans)}.")
    for warning in warnings_of(policy):
        print(f"Warning: {warning}")
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
