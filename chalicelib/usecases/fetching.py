"""Fetch what an account asks of Stripe, as facts."""

from datetime import datetime

from chalicelib.domain.account import Account
from chalicelib.domain.errors import Unreadable
from chalicelib.domain.facts import (
    Answer,
    Answered,
    Ask,
    Card,
    CardSeen,
    CustomerSeen,
    InvoiceSeen,
    SubscriptionSeen,
)
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.ports import ReaderApi


def fetch(reader: ReaderApi, ask: Ask, account: Account, now: datetime) -> tuple[Answered, int]:
    """Stripe's answer as facts, and how many of its objects could not be read.

    Each fact holds the mark of what `account` knows of the object as the request begins. An object
    that cannot be read does not hold up the others. Raises Unavailable, Refused.
    """
    began = now.replace(microsecond=0)
    found = _found(reader, ask)
    facts = [_fact(ask.what, raw, account, began) for raw in found]
    cards = [CardSeen(card, began) for raw in found for card in _cards(raw)]
    return Answered(ask, (*(fact for fact in facts if fact), *cards)), facts.count(None)


def _found(reader: ReaderApi, ask: Ask) -> list[Raw]:
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
) -> CustomerSeen | InvoiceSeen | SubscriptionSeen | None:
    try:
        if what == "customer":
            return CustomerSeen(objects.customer(raw), Answer(began, account.mark(raw["id"])))
        if what == "invoices":
            return InvoiceSeen(objects.invoice(raw), began)
        return SubscriptionSeen(objects.subscription(raw), Answer(began, account.mark(raw["id"])))
    except (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return None
