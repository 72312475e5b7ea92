"""Events that Stripe keeps (thirty days), taken in again by way of the events queue."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput, Unreadable
from chalicelib.domain.ids import well_formed
from chalicelib.domain.stripe_objects.event_types import EVENT_TYPES
from chalicelib.stripe_api.events import read_event
from chalicelib.stripe_api.transport import Raw, StripeTransport
from chalicelib.usecases.ingestion.adopt import probable_account
from chalicelib.usecases.ingestion.ingest import customer_of_event
from chalicelib.usecases.ports import ReaderApi

A_PAGE = 100
TYPES_A_CALL = 20
"""The most that `GET /v1/events` takes of each (stripe 16.1.0, EventListParams)."""

OUTCOMES = {
    "chosen": "to be taken in again",
    "of_others": "about another account",
    "of_other_mode": "of Stripe's other mode",
    "unreadable": "still cannot be read",
}
"""What can be said of an event that was found."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which events are meant: those of an account with its customers, or of all; of one of Stripe's
    modes.
    """

    livemode: bool
    account_id: str | None = None
    customers: frozenset[str] = frozenset()

    def outcome(self, raw: Raw, reader: ReaderApi, now: datetime) -> str:
        """One of OUTCOMES. Stripe is asked of whom a dispute is, since only its charge says that.
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
        customer = customer_of_event(event, reader)
        mine = customer in self.customers or (
            customer is not None and probable_account(event) == self.account_id
        )
        return "chosen" if mine else "of_others"


def customers_of(
    account_id: str, account: Account | None, transport: StripeTransport
) -> frozenset[str]:
    """The customers of an account: those that it knows, and those whose metadata names it. Raises
    InvalidInput, Unavailable, Refused.

    Most events tell only the customer. Search is up to a minute behind (docs.stripe.com/search),
    and what is replayed is older.
    """
    if not well_formed(account_id):
        raise InvalidInput(
            "An account's id has up to 64 of the characters A-Z, a-z, 0-9, _ and -.", "account"
        )
    page = transport.get(
        "/v1/customers/search", query=f"metadata['account_id']:'{account_id}'", limit=A_PAGE
    )
    return frozenset(
        (
            *(account.customers if account else ()),
            *(one["id"] for one in (page["data"] if page else ())),
        )
    )


def kept_events(transport: StripeTransport, types: Sequence[str], since: datetime) -> Iterator[Raw]:
    """All events of these types since then, page by page, the newest of each call's types first.
    Raises Unavailable, Refused.
    """
    for start in range(0, len(types), TYPES_A_CALL):
        after: dict[str, Any] = {}
        while True:
            page = transport.get(
                "/v1/events",
                types=list(types[start : start + TYPES_A_CALL]),
                created={"gte": int(since.timestamp())},
                limit=A_PAGE,
                **after,
            )
            data = page["data"] if page else []
            yield from data
            if not page or not page["has_more"] or not data:
                break
            after = {"starting_after": data[-1]["id"]}


def replay(
    events: Iterable[Raw],
    choice: Choice,
    reader: ReaderApi,
    now: Callable[[], datetime],
    send: Callable[[str], None] | None,
    found: Counter[tuple[str, str]],
) -> Iterator[Raw]:
    """Each chosen event, once it has been sent; nothing is sent where `send` is None. `found`
    counts by outcome and type as it goes.

    Sent again, or twice, an event changes nothing that it has changed before. Raises Unavailable,
    Refused.
    """
    for raw in events:
        outcome = choice.outcome(raw, reader, now())
        if outcome == "chosen" and send:
            send(json.dumps(raw))
        found[outcome, str(raw.get("type"))] += 1
        if outcome == "chosen":
            yield raw


def wanted_types(asked: Sequence[str]) -> tuple[str, ...]:
    """The types to look for: those that were asked for, else all that Billhook wants."""
    return tuple(asked) or tuple(EVENT_TYPES)
