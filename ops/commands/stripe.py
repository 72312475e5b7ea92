"""python -m ops stripe plan, apply: what Stripe must hold for a stage, and the making of it."""

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from ops.commands.policy import POLICY, read_checked
from ops.stages import add_stage, find_stage, stage_name

if TYPE_CHECKING:
    from ops.stripe.account import Account
    from ops.stripe.wanted import Wanted


def add_to(commands: Any) -> None:
    """Make the commands known."""
    stripe = commands.add_parser(
        "stripe", help="products, prices, portal and webhook at Stripe"
    ).add_subparsers(required=True, metavar="action")
    plan = stripe.add_parser(
        "plan", help="show what differs from billing.toml and the stage, and why"
    )
    plan.set_defaults(run=_plan)
    apply = stripe.add_parser("apply", help="change what differs")
    apply.set_defaults(run=_apply)
    for action in (plan, apply):
        action.add_argument(
            "--live",
            action="store_true",
            help="it is meant: the key is a live key, and customers are real",
        )
        add_stage(action)


def _plan(options: argparse.Namespace) -> int:
    from ops.stripe.compare import compare

    account, wanted = _opened(options)
    changes = compare(wanted, account.held(wanted))
    print(*changes, sep="\n") if changes else print(
        "Stripe holds all that billing.toml and this stage need."
    )
    return 0


def _apply(options: argparse.Namespace) -> int:
    account, wanted = _opened(options)
    left = account.apply(wanted)
    if left:
        print("Not all could be done:", *left, sep="\n", file=sys.stderr)
        return 1
    print("Stripe holds all that billing.toml and this stage need.")
    return 0


def _opened(options: argparse.Namespace) -> tuple["Account", "Wanted"]:
    from ops.parameters import Parameters
    from ops.stripe.account import Account
    from ops.stripe.opening import caller_for, checked_key, wanted_of

    stage = find_stage(stage_name(options))
    parameters = Parameters(stage.outputs["ParametersPath"])
    key = checked_key(parameters, stage, options.live)
    return Account(caller_for(key), parameters, time.sleep, print), wanted_of(
        read_checked(POLICY), stage
    )
