"""python -m ops instances: the customers' instances of the product."""

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.account.parts.instance import ORDERS, STATUSES, InstanceRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from ops.command_line import Command
from ops.stage.stages import add_stage, find_stage, stage_name
from ops.terminal import print_lines

if TYPE_CHECKING:
    from chalicelib.usecases.services import Services

MOST_A_DAY = 100_000


def _services(options: argparse.Namespace) -> "Services":
    from ops.stage.services import enter, services_of_stage

    enter(find_stage(stage_name(options)))
    return services_of_stage()


def accounts_of(services: "Services") -> Iterator[Account]:
    """Every account, as a scan of the table finds it."""
    cursor = None
    while True:
        page, cursor = services.stores.reconciliation.accounts(cursor)
        yield from page
        if cursor is None:
            return


def _list(options: argparse.Namespace) -> int:
    from chalicelib.domain.instances.lifecycle import wanted

    services = _services(options)
    now = services.clock.now()

    def lines() -> Iterator[str]:
        for account in accounts_of(services):
            instance = account.instance
            if instance is None or options.status not in (None, instance.status):
                continue
            request = instance.open_request
            words = [
                account.id,
                f"{instance.status:<10}",
                f"since {instance.since:%Y-%m-%d %H:%M}",
                f"wanted {wanted(account, services.policy, now) or 'by nobody'}",
                instance.url or "no url",
                f"last answer: {request.error}" if request and request.error else "",
                _turn_of(request, now),
            ]
            yield "  ".join(word for word in words if word)

    print_lines(lines())
    return 0


def _turn_of(request: InstanceRequest | None, now: datetime) -> str:
    """When one that waits for its turn is asked for; empty for others."""
    if request is None or not request.turn or request.call_at is None or request.call_at <= now:
        return ""
    return f"asked for at {request.call_at:%Y-%m-%d %H:%M}"


def _ordering(order: str) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        from chalicelib.usecases.instances.order import order_instance

        account = order_instance(options.id, order, _services(options))
        status = account.instance.status if account.instance else "gone"
        print(f"The instance of account {account.id} is {status}.")
        return 0

    return run


def _ready(options: argparse.Namespace) -> int:
    from chalicelib.usecases.instances.report import InstanceReport, report_instance

    report_instance(options.id, InstanceReport("ready", options.url), _services(options))
    print(f"The instance of account {options.id} is ready at {options.url}.")
    return 0


def _allow(options: argparse.Namespace) -> int:
    from chalicelib.usecases.instances.deletions import allow

    if not 0 <= options.number <= MOST_A_DAY:
        raise InvalidInput(f"NUMBER must be from 0 to {MOST_A_DAY}.", "number")
    services = _services(options)
    state = allow(options.number, services)
    most = state.most(services.clock.now())
    print(
        f"{most} instances may be deleted today (UTC); {state.begun} were. Those that wait follow"
        " within an hour."
    )
    return 0


def _drift(options: argparse.Namespace) -> int:
    from chalicelib.domain.instances.drift import differences, read_list

    services = _services(options)
    listed = read_list(_list_text(options.list, services))
    known = {account.id: account.instance for account in accounts_of(services)}
    found = [f"{id}: {what}" for id, what in differences(known, listed)]
    print_lines(found or ["Billhook and the provisioner have the same instances."])
    return 1 if found else 0


def _list_text(file: Path | None, services: "Services") -> str:
    from chalicelib.runtime import wiring
    from ops.stage.provisioner import list_of

    if file is None:
        if services.policy.instance is None:
            raise InvalidInput("billing.toml has no [instance].", "instance")
        target, secret = services.policy.instance.target, wiring.secrets().instance_secret
        return list_of(target, secret, services.clock.now())
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read.", "list") from error


def _id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the account's id")


def _url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", help="where it is: https, and on a host of billing.toml")


def _number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=int, help="how many may be deleted today")


def _status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=list(STATUSES), help="only those of this status")


def _listed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "list",
        nargs="?",
        type=Path,
        help='the provisioner\'s list: {"instances": [{"account_id": …, "status": …}]};'
        " - reads it from a pipe; left out, the provisioner is asked by a signed GET",
    )


COMMANDS = (
    Command(
        "instances list",
        "List the customers' instances, or those of a status; reads the whole table",
        _list,
        (_status, add_stage),
    ),
    *(
        Command(f"instances {order}", means, _ordering(order), (_id, add_stage))
        for order, means in ORDERS.items()
    ),
    Command(
        "instances ready",
        "Say that an account's instance is ready at a URL, made by other means",
        _ready,
        (_id, _url, add_stage),
    ),
    Command(
        "instances allow",
        "Let more instances be deleted today than usual",
        _allow,
        (_number, add_stage),
    ),
    Command(
        "instances drift",
        "Compare the instances with the provisioner's own list",
        _drift,
        (_listed, add_stage),
    ),
)
