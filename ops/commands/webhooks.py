"""python -m ops webhooks and listen: the endpoints that events are delivered to, and the events as
they happen.
"""

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.webhooks.endpoint import TEST_TYPE
from ops.command_line import Command
from ops.stage.stages import add_stage, find_stage, stage_name
from ops.terminal import print_lines

if TYPE_CHECKING:
    from chalicelib.usecases.services import Services


def _services(options: argparse.Namespace) -> "Services":
    from ops.stage.services import enter, services_of_stage

    enter(find_stage(stage_name(options)))
    return services_of_stage()


def _hash_key() -> str:
    from chalicelib.runtime import wiring

    return wiring.secrets().hash_key


def _list(options: argparse.Namespace) -> int:
    endpoints = _services(options).stores.endpoints.load().all
    for one in endpoints:
        state = one.status + (f" ({one.disabled_reason})" if one.disabled_reason else "")
        print(f"{one.id}  {one.created_at:%Y-%m-%d %H:%M}  {state:<19}  {one.url}")
        if one.events:
            print(f"    only {', '.join(one.events)}")
        if one.description:
            print(f"    {one.description}")
    if not endpoints:
        print("There is no endpoint: python -m ops webhooks add makes one.")
    return 0


def _add(options: argparse.Namespace) -> int:
    from chalicelib.domain.changes.event_catalogue import CATALOGUE
    from chalicelib.runtime.settings import settings
    from chalicelib.usecases.webhooks.endpoints import NewEndpoint, add_endpoint

    services = _services(options)
    is_sent = settings().sends_webhooks
    wanted = NewEndpoint(options.url, options.events, options.description, is_sent)
    endpoint, secret = add_endpoint(wanted, CATALOGUE, _hash_key(), services)
    print(f"{endpoint.id} gets events from now on. Its secret is shown only once:\n{secret}")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from chalicelib.usecases.webhooks.endpoints import remove_endpoint

    remove_endpoint(options.id, _services(options))
    print(f"{options.id} gets no more events; what was on its way is dropped.")
    return 0


def _rotate(options: argparse.Namespace) -> int:
    from chalicelib.usecases.webhooks.endpoints import rotate_secret

    services = _services(options)
    secret = rotate_secret(options.id, _hash_key(), services)
    print(f"The secret before signs too for 24 hours. The new one is shown only once:\n{secret}")
    return 0


def _test(options: argparse.Namespace) -> int:
    from chalicelib.usecases.webhooks.endpoints import send_test

    send_test(options.id, _services(options))
    print(
        f"An event {TEST_TYPE} is on its way: python -m ops webhooks deliveries {options.id} shows"
        " what came of it."
    )
    return 0


def _enable(options: argparse.Namespace) -> int:
    from chalicelib.usecases.webhooks.endpoints import enable_endpoint

    enable_endpoint(options.id, _services(options))
    print(f"{options.id} gets events again, those that waited first.")
    return 0


def _replay(options: argparse.Namespace) -> int:
    from chalicelib.domain.changes.event_catalogue import CATALOGUE
    from chalicelib.domain.webhooks.endpoint import checked_types
    from chalicelib.usecases.webhooks.endpoints import find_endpoint
    from chalicelib.usecases.webhooks.replay import Span, replay

    services = _services(options)
    types = checked_types(options.types, CATALOGUE, "types")
    until = _moment(options.until, "until") if options.until else services.clock.now()
    span = Span(_moment(options.since, "since"), until, types)
    count = replay(find_endpoint(options.id, services), span, services)
    print(f"{count} events are delivered to {options.id} again.")
    return 0


def _deliveries(options: argparse.Namespace) -> int:
    from chalicelib.domain.webhooks.delivery import log_rows
    from chalicelib.usecases.webhooks.endpoints import find_endpoint

    services = _services(options)
    endpoint = find_endpoint(options.id, services)
    page, following = services.stores.deliveries.page(
        endpoint.id, options.cursor, services.clock.now()
    )
    rows = [row for one in page for row in log_rows(one, endpoint.is_enabled)]
    for row in sorted(rows, key=lambda row: row.at, reverse=True):
        code = row.code if row.code is not None else "-"
        print(
            f"{row.at:%Y-%m-%d %H:%M:%S}  {row.status:<9}  {row.attempt:>2}  {code:>3}"
            f"  {row.event_id}  {row.error or ''}".rstrip()
        )
    if not rows:
        print(f"Nothing was delivered to {endpoint.id}.")
    if following:
        print(f"More: --cursor {following}")
    return 0


def _listen(options: argparse.Namespace) -> int:
    from ops.stage.listening import (
        EventsApi,
        StateFile,
        check_target,
        follow,
        forward,
        key_for,
        line_of,
    )

    if options.forward:
        check_target(options.forward, options.any_target)
    key = key_for(options.url, options.key)
    file = StateFile(options.url, key)
    secret = file.load().secret
    if options.forward:
        print(f"Each event goes to {options.forward}, signed with {secret}")
    try:
        for event in follow(EventsApi(options.url, key), file, options.events):
            came = f"  → {forward(event, options.forward, secret)}" if options.forward else ""
            print_lines([line_of(event) + came])
            sys.stdout.flush()
    except KeyboardInterrupt:
        print()
    return 0


def _moment(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{field} must be a time, such as 2026-03-02T09:00 (in UTC) or 2026-03-02.", field
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="the endpoint's id, as the list shows it")


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", help="where events are posted to: https, and a public host")
    parser.add_argument(
        "--events", nargs="+", default=(), metavar="TYPE", help="only these types (default: all)"
    )
    parser.add_argument("--description", help="what the endpoint is for")


def _span(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", required=True, help="the first timestamp of the events, in UTC")
    parser.add_argument("--until", help="the last timestamp (default: now)")
    parser.add_argument(
        "--types", nargs="+", default=(), metavar="TYPE", help="only these types (default: all)"
    )


def _cursor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cursor", help="go on behind the page before")


def _listener(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", default="http://127.0.0.1:8000", help="the stage (default: the local system)"
    )
    parser.add_argument("--key", help="a read key (default: BILLHOOK_KEY, or the local system's)")
    parser.add_argument(
        "--forward", metavar="URL", help="post each event there, signed as for an endpoint"
    )
    parser.add_argument("--any-target", action="store_true", help="forward to other machines too")
    parser.add_argument(
        "--events", nargs="+", default=(), metavar="TYPE", help="only these types (default: all)"
    )


COMMANDS = (
    Command(
        "listen",
        "Print events as they happen, and forward them to a program on this machine",
        _listen,
        (_listener,),
    ),
    Command("webhooks list", "List the endpoints, and whether they work", _list, (add_stage,)),
    Command(
        "webhooks add",
        "Deliver events to a URL from now on; its secret is shown only once",
        _add,
        (_new, add_stage),
    ),
    Command("webhooks remove", "Delete an endpoint", _remove, (_id, add_stage)),
    Command(
        "webhooks rotate",
        "Give an endpoint a new secret; the one before signs too for a day",
        _rotate,
        (_id, add_stage),
    ),
    Command("webhooks test", "Deliver a test event now, once", _test, (_id, add_stage)),
    Command(
        "webhooks enable",
        "Deliver to a disabled endpoint again",
        _enable,
        (_id, add_stage),
    ),
    Command(
        "webhooks replay",
        "Deliver the events of a time again, with their ids",
        _replay,
        (_id, _span, add_stage),
    ),
    Command(
        "webhooks deliveries",
        "Show what came of the deliveries to an endpoint, the newest first",
        _deliveries,
        (_id, _cursor, add_stage),
    ),
)
