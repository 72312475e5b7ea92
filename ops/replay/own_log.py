"""Stripe's events as an account's timeline keeps them (thirty days), learnt again.

The timeline holds the fields that Billhook projects, not the event: no `previous_attributes`,
metadata or mode. So such an entry cannot go through the queue; it is a fact of its account, and
what `previous_attributes` would have proved is asked of Stripe instead.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from chalicelib.domain.account import Fact
from chalicelib.domain.facts import (
    CheckoutCompleted,
    Customer,
    CustomerSeen,
    DisputeSeen,
    Event,
    Invoice,
    InvoiceSeen,
    RefundSeen,
    Subscription,
    SubscriptionSeen,
)
from chalicelib.domain.timeline import Entry
from chalicelib.stripe_api.events import OBJECTS, STALE


def kept_facts(entries: Iterable[Entry], now: datetime) -> Iterator[tuple[Entry, Fact | None]]:
    """Each of Stripe's events in a timeline with what it told; None where another release has kept
    it in a shape that this one cannot read.
    """
    for entry in entries:
        if entry.kind != "stripe" or not entry.data:
            continue
        try:
            fact = _fact(entry, now)
        except msgspec.ValidationError:
            yield entry, None
        else:
            if fact:
                yield entry, fact


def _fact(entry: Entry, now: datetime) -> Fact | None:
    by = Event(entry.at, None, entry.type.endswith(".created"), now - entry.at > STALE)
    match OBJECTS.get(entry.type.rpartition(".")[0]):
        case "customer":
            return CustomerSeen(msgspec.convert(entry.data, Customer), by)
        case "subscription":
            return SubscriptionSeen(msgspec.convert(entry.data, Subscription), by)
        case "invoice":
            return InvoiceSeen(msgspec.convert(entry.data, Invoice), entry.at)
        case "checkout.session":
            return msgspec.convert(entry.data, CheckoutCompleted)
        case "dispute":
            return msgspec.convert(entry.data, DisputeSeen)
        case "charge":
            return msgspec.convert(entry.data, RefundSeen)
    return None
