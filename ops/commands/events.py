"""python -m ops events replay: processes the events of the last thirty days again, from Stripe or
from an account's timeline.
"""

import argparse
import re
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.changes.timeline import EVENTS_KEPT
from chalicelib.domain.errors import AccountNotFound, InvalidInput
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from ops.command_line import Command
from ops.stage.stages import add_stage, find_stage, stage_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.domain.changes.timeline import Entry
    from chalicelib.stripe_api.transport import StripeTransport

_LENGTH = re.compile(r"(\d{1,4})([hd])")
EVERY = 500
"""After how many events a line shows the progress."""


def _replay(options: argparse.Namespace) -> int:
    from chalicelib.runtime.clock import clock
    from ops.stage.services import enter, stripe_of_stage

    if not (options.account or options.since or options.type):
        raise InvalidInput(
            "Which events? Give --account, --since or --type; --since 30d means all.",
            "account",
        )
    if options.source == "log" and not options.account:
        raise InvalidInput(
            "Each account has its own timeline: --from log needs --account.", "account"
        )
    since = clock.now() - length(options.since or "30d")
    enter(find_stage(stage_name(options)))
    transport = stripe_of_stage()
    return (
        _from_log(options, since, transport)
        if options.source == "log"
        else _from_stripe(options, since, transport)
    )


def _from_stripe(options: argparse.Namespace, since: datetime, transport: "StripeTransport") -> int:
    from chalicelib.runtime import wiring
    from chalicelib.runtime.clock import clock
    from chalicelib.runtime.settings import settings
    from chalicelib.stripe_api.reader import StripeReader
    from ops.recovery.replay.stripe_events import (
        Choice,
        customers_of,
        kept_events,
        replay,
        wanted_types,
    )

    account = wiring.accounts().load(options.account) if options.account else None
    customers = (
        customers_of(options.account, account, transport) if options.account else frozenset()
    )
    choice = Choice(settings().livemode, options.account, customers)
    found: Counter[tuple[str, str]] = Counter()
    send = wiring.events_queue().send if options.yes else None
    events = kept_events(transport, wanted_types(options.type), since)
    for number, _ in enumerate(
        replay(events, choice, StripeReader(transport), clock.now, send, found), 1
    ):
        if number % EVERY == 0:
            print(f"{number} …", flush=True)
    print(
        *outcome_lines(found),
        _end(
            sum(by for (outcome, _), by in found.items() if outcome == "chosen"),
            "in the events queue",
            options.yes,
        ),
        sep="\n",
    )
    return 0


def _from_log(options: argparse.Namespace, since: datetime, transport: "StripeTransport") -> int:
    from chalicelib.runtime import wiring
    from chalicelib.runtime.clock import clock
    from chalicelib.usecases.ingestion.apply_facts import apply_facts
    from chalicelib.usecases.ingestion.fetching import StripeFetcher
    from ops.recovery.replay.timeline_events import kept_facts
    from ops.stage.services import services_of_stage

    account = wiring.accounts().load(options.account)
    if account is None:
        raise AccountNotFound(
            f"There is no account {options.account}, so it has no timeline: --from stripe finds"
            " its events at Stripe."
        )
    kept = [
        (entry, fact)
        for entry, fact in kept_facts(_timeline(options.account), clock.now())
        if entry.at >= since and (not options.type or entry.type in options.type)
    ]
    facts, after = [fact for _, fact in kept if fact], account
    if options.yes:
        services = services_of_stage(transport)
        after = apply_facts(account, facts, services, StripeFetcher(services))
    found = Counter(("chosen" if fact else "unreadable", entry.type) for entry, fact in kept)
    print(*outcome_lines(found), _end(len(facts), "applied", options.yes), sep="\n")
    if options.yes:
        print("The account changed." if after != account else "They contained nothing new.")
    return 0


def _timeline(account_id: str) -> "Iterator[Entry]":
    from chalicelib.runtime import wiring
    from chalicelib.runtime.clock import clock

    cursor: str | None = None
    while True:
        entries, cursor = wiring.timelines().page(account_id, cursor, clock.now())
        yield from entries
        if cursor is None:
            return


def outcome_lines(found: Counter[tuple[str, str]]) -> list[str]:
    """A line for each type and outcome, the most frequent first."""
    from ops.recovery.replay.stripe_events import OUTCOMES

    return [
        f"{number:>7}  {type:<45} {OUTCOMES[outcome]}"
        for (outcome, type), number in found.most_common()
    ]


def length(text: str) -> timedelta:
    """A duration such as 12h or 2d. Raises InvalidInput for anything else, and for one longer
    than events are kept.
    """
    match = _LENGTH.fullmatch(text)
    found = timedelta(**{{"h": "hours", "d": "days"}[match[2]]: int(match[1])}) if match else None
    if not found or found > EVENTS_KEPT:
        raise InvalidInput(
            f"--since must be a length such as 12h or 2d, up to {EVENTS_KEPT.days}d: events are"
            " kept no longer.",
            "since",
        )
    return found


def _end(number: int, where: str, done: bool) -> str:
    events = f"{number} event{'' if number == 1 else 's'}"
    return f"{events} {where}." if done else f"{events} would be {where}; --yes does it."


def _choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--account", metavar="ID", help="only events of this account")
    parser.add_argument(
        "--since",
        metavar="LENGTH",
        help="only events of this last length of time, such as 12h or 2d (default and most: 30d)",
    )
    parser.add_argument(
        "--type",
        action="append",
        default=[],
        choices=EVENT_TYPES,
        metavar="TYPE",
        help="only events of this type, such as invoice.paid; may be repeated",
    )
    parser.add_argument(
        "--from",
        dest="source",
        choices=("stripe", "log"),
        default="stripe",
        help="read the events from Stripe or from the account's timeline (default: stripe)",
    )
    parser.add_argument("--yes", action="store_true", help="replay them; without it, only count")


COMMANDS = (
    Command(
        "events replay",
        "Process events of the last 30 days again, from Stripe or a timeline",
        _replay,
        (_choice, add_stage),
    ),
)
