"""python -m ops people: the accounts in Intercom, or what speaks Segment's HTTP API."""

import argparse
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.stages import add_stage, find_stage, stage_name
from ops.terminal import print_lines, print_progress

if TYPE_CHECKING:
    from chalicelib.usecases.services import Services
    from chalicelib.usecases.webhooks.people.write import People


def _entered(options: argparse.Namespace) -> "tuple[Services, People]":
    from chalicelib.runtime import wiring
    from chalicelib.usecases.webhooks.people.write import People
    from ops.stage.services import enter, services_of_stage

    enter(find_stage(stage_name(options)))
    services = services_of_stage()
    if services.policy.people is None:
        raise InvalidInput("billing.toml has no [people].", "people")
    return services, People(
        wiring.people_system(),
        services.stores.persons,
        lambda email: wiring.suppressions().holds(email, "lifecycle"),
        time.sleep,
        lambda: True,
    )


def _sync(options: argparse.Namespace) -> int:
    from chalicelib.usecases.webhooks.people.sync import sync
    from chalicelib.usecases.webhooks.people.system import SystemDown

    if not 0 < options.a_second <= 100:
        raise InvalidInput("--a-second must be more than 0, and at most 100.", "a-second")
    services, people = _entered(options)
    outcomes: Counter[str] = Counter()
    refused: list[str] = []
    try:
        for one in sync(services, people, options.a_second):
            outcomes[one.outcome] += 1
            if one.outcome == "refused":
                refused.append(f"{one.account_id}  {one.reason}")
            print_progress(f"{sum(outcomes.values()):,} accounts", sys.stderr)
    except SystemDown as failure:
        print(f"\nIt goes on where it stopped: {failure}", file=sys.stderr)
        return 1
    finally:
        print(file=sys.stderr)
        print_lines(refused)
        print(
            f"{outcomes['written']:,} written, {outcomes['same']:,} were there already,"
            f" {outcomes['refused']:,} refused."
        )
    return 1 if refused else 0


def _check(options: argparse.Namespace) -> int:
    from chalicelib.usecases.webhooks.people.check import check
    from chalicelib.usecases.webhooks.people.system import SystemDown

    if not 0 < options.pages_a_second <= 20:
        raise InvalidInput(
            "--pages-a-second must be more than 0, and at most 20.", "pages-a-second"
        )
    services, people = _entered(options)
    found = left = 0
    try:
        for one in check(services, people, options.pages_a_second, options.repair):
            found, left = found + 1, left + (not one.repaired)
            became = "repaired" if one.repaired else f"not repaired: {one.why_not}"
            end = f"  ({became})" if one.repaired or one.why_not else ""
            print_lines([f"{one.account_id}  {'; '.join(one.what)}{end}"])
    except SystemDown as failure:
        print(f"It stopped there: {failure}", file=sys.stderr)
        return 1
    print(f"{found} contacts differ from their accounts, {left} of them still do.")
    return 1 if left else 0


def _list(options: argparse.Namespace) -> int:
    services, people = _entered(options)
    found, cursor = 0, None
    while True:
        accounts, cursor = services.stores.reconciliation.accounts(cursor)
        for account in accounts:
            person = people.persons.load(account.id)
            if person and person.reason:
                found += 1
                print_lines([f"{account.id}  {person.id or 'not there'}  {person.reason}"])
        if cursor is None:
            break
    print(f"{found} accounts are refused, or differ from their contact, for these reasons.")
    return 0


def _rate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--a-second", type=float, default=10, help="accounts a second at most (default: 10)"
    )


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pages-a-second",
        type=float,
        default=2,
        help="pages of 50 contacts a second at most (default: 2)",
    )
    parser.add_argument(
        "--repair", action="store_true", help="write the contacts that differ once more"
    )


COMMANDS = (
    Command(
        "people sync",
        "Write all accounts into the people system; run it again to resume",
        _sync,
        (_rate, add_stage),
    ),
    Command(
        "people check",
        "Compare Intercom's contacts with the accounts, and name what differs",
        _check,
        (_check_options, add_stage),
    ),
    Command(
        "people list",
        "List the accounts that the people system refuses, with its reasons",
        _list,
        (add_stage,),
    ),
)
