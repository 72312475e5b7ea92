"""python -m ops stripe plan, apply: compares Stripe with billing.toml and the stage, and makes it
match.
"""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from ops.command_line import Command
from ops.stage.audit import note
from ops.stage.policy import POLICY, read_checked
from ops.stage.stages import add_stage, find_stage, stage_name

if TYPE_CHECKING:
    from ops.stripe.account import Account
    from ops.stripe.desired_state import Wanted


def _plan(options: argparse.Namespace) -> int:
    from ops.stripe.diff import compare

    account, wanted = _opened(options)
    changes = compare(wanted, account.held(wanted))
    print(*changes, sep="\n") if changes else print(
        "Stripe has everything that billing.toml and this stage need."
    )
    return 0


def _apply(options: argparse.Namespace) -> int:
    account, wanted = _opened(options)
    note("stripe apply", options)
    left = account.apply(wanted)
    if left:
        print("Not everything could be done:", *left, sep="\n", file=sys.stderr)
        return 1
    print("Stripe has everything that billing.toml and this stage need.")
    return 0


def _opened(options: argparse.Namespace) -> tuple["Account", "Wanted"]:
    import boto3

    from ops.stage.parameters import Parameters
    from ops.stripe.account import Account
    from ops.stripe.opening import bus_of, checked_key, transport_for, wanted_of

    stage = find_stage(stage_name(options))
    parameters = Parameters(stage.outputs["ParametersPath"])
    key = checked_key(parameters, stage, options.live)
    bus = bus_of(stage, boto3.Session(), options.eventbridge)
    return Account(transport_for(key), parameters, time.sleep, print), wanted_of(
        read_checked(POLICY), stage, bus
    )


def _live(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--live",
        action="store_true",
        help="confirm that the key is a live key and customers are real",
    )


def _eventbridge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--eventbridge",
        action="store_true",
        help="also an event destination at Amazon EventBridge in your AWS account and region",
    )


COMMANDS = (
    Command(
        "stripe plan",
        "Show how Stripe differs from billing.toml and the stage",
        _plan,
        (_live, _eventbridge, add_stage),
    ),
    Command(
        "stripe apply",
        "Change what Stripe has of products, prices, portal and webhooks to match",
        _apply,
        (_live, _eventbridge, add_stage),
    ),
)
