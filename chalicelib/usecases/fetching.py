"""Fetch what an account asks of Stripe, as facts."""

from datetime import datetime

from chalicelib.domain.account.facts import (
    CustomerSnapshot,
    FetchResult,
    InvoiceSnapshot,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.errors import Unreadable
from chalicelib.domain.stripe_objects.objects import Card
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.ports import ReaderApi


def fetch(
    reader: ReaderApi, ask: FetchRequest, account: Account, now: datetime
) -> tuple[FetchResult, int]:
    """Stripe's answer as facts, and how many of its objects could not be read.

    Each fact holds the mark of what `account` knows of the object as the request begins. An object
    that cannot be read does not hold up the others. Raises Unavailable, Refused.
    """
    began = now.replace(microsecond=0)
    found = _found(reader, ask)
    facts = [_fact(ask.what, raw, account, began) for raw in found]
    cards = [CardSnapshot(card, began) for raw in found for card in _cards(raw)]
    return FetchResult(ask, (*(fact for fact in facts if fact), *cards)), facts.count(None)


def _found(reader: ReaderApi, ask: FetchRequest) -> list[Raw]:
    match ask.what:
        case "customer":
            found = reader.customer(ask.id)
        case "subscription":
            found = reader.subscription(ask.id)
        case "subscriptions":
            return reader.subscriptions_of(ask.id)
        case _:
            return reader.invoices_of(ask.id)
    return [found] if found else []


def _cards(raw: Raw) -> list[Card]:
    try:
        return objects.cards_in(raw)
    except (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return []


def _fact(
    what: str, raw: Raw, account: Account, began: datetime
) -> CustomerSnapshot | InvoiceSnapshot | SubscriptionSnapshot | None:
    try:
        if what == "customer":
            return CustomerSnapshot(
                objects.customer(raw), FromFetch(began, account.mark(raw["id"]))
            )
        if what == "invoices":
            return InvoiceSnapshot(objects.invoice(raw), began)
        return SubscriptionSnapshot(
            objects.subscription(raw), FromFetch(began, account.mark(raw["id"]))
        )
    except (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return None
