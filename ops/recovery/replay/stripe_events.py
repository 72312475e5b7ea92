"""Processes events again that Stripe still has (thirty days), through the events queue."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput, Unreadable
from chalicelib.domain.ids import well_formed
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.stripe_api.events import read_event
from chalicelib.stripe_api.fields import identity
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.stripe_api.writer import data_of
from chalicelib.usecases.ingestion.adopt import probable_account
from chalicelib.usecases.ingestion.ingest import with_customer
from chalicelib.usecases.ports.stripe import ReaderApi

TYPES_A_CALL = 20
"""How many types one call of `GET /v1/events` takes (stripe 16.1.0, EventListParams)."""

OUTCOMES = {
    "chosen": "to be taken in again",
    "of_others": "about another account",
    "of_other_mode": "of Stripe's other mode",
    "unreadable": "still cannot be read",
}
"""What can be the result for an event that was found."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events to process: those of one account and its customers, or all; of one of Stripe's
    modes.
    """

    livemode: bool
    account_id: str | None = None
    customers: frozenset[str] = frozenset()

    def outcome(self, raw: Raw, reader: ReaderApi, now: datetime) -> str:
        """One of OUTCOMES. The customer of a dispute is fetched, because only its charge names it.
        Raises Unavailable, Refused.
        """
        try:
            event = read_event(json.dumps(raw), now)
        except Unreadable:
            return "unreadable"
        if event.livemode is not self.livemode:
            return "of_other_mode"
        if self.account_id is None:
            return "chosen"
        _, customer = with_customer(event, reader)
        is_chosen = customer in self.customers or (
            customer is not None and probable_account(event) == self.account_id
        )
        return "chosen" if is_chosen else "of_others"


def customers_of(
    account_id: str, account: Account | None, transport: StripeTransport
) -> frozenset[str]:
    """The customers of an account: those that it has, and those whose metadata names it. Raises
    InvalidInput, Unavailable, Refused.

    Most events name the customer only. Search is up to a minute behind (docs.stripe.com/search),
    and events to replay are older.
    """
    if not well_formed(account_id):
        raise InvalidInput(
            "An account's id has up to 64 of the characters A-Z, a-z, 0-9, _ and -.", "account"
        )
    page = transport.get(
        "/v1/customers/search", query=f"metadata['account_id']:'{account_id}'", limit=100
    )
    named = (identity(customer) for customer in data_of(page))
    return frozenset((*(account.customers if account else ()), *named))


def kept_events(transport: StripeTransport, types: Sequence[str], since: datetime) -> Iterator[Raw]:
    """All events of these types since then, the newest of each call's types first. Raises
    Unavailable, Refused.
    """
    for start in range(0, len(types), TYPES_A_CALL):
        yield from transport.each(
            "/v1/events",
            types=list(types[start : start + TYPES_A_CALL]),
            created={"gte": int(since.timestamp())},
        )


def replay(
    events: Iterable[Raw],
    choice: Choice,
    reader: ReaderApi,
    now: Callable[[], datetime],
    send: Callable[[str], None] | None,
    found: Counter[tuple[str, str]],
) -> Iterator[Raw]:
    """Each chosen event, once it is queued; with `send` None nothing is queued. `found` counts the
    events by outcome and type.

    An event that is processed again changes nothing. Raises Unavailable, Refused.
    """
    for raw in events:
        outcome = choice.outcome(raw, reader, now())
        if outcome == "chosen" and send:
            send(json.dumps(raw))
        found[outcome, str(raw.get("type"))] += 1
        if outcome == "chosen":
            yield raw


def wanted_types(asked: Sequence[str]) -> tuple[str, ...]:
    """The types to look for: those that were given, else all that Billhook uses."""
    return tuple(asked) or tuple(EVENT_TYPES)
