"""Stripe's events as an account's timeline keeps them (thirty days), learnt again.

The timeline holds the fields that Billhook projects, not the event: no `previous_attributes`,
metadata or mode. So such an entry cannot go through the queue; it is a fact of its account, and
what `previous_attributes` would have proved is asked of Stripe instead.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from chalicelib.domain.account.facts import (
    CheckoutCompleted,
    CustomerSnapshot,
    DisputeSnapshot,
    Fact,
    InvoiceSnapshot,
    RefundRecorded,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.stripe_objects.objects import Customer, Invoice, Subscription
from chalicelib.stripe_api.events import OBJECTS, STALE


def kept_facts(entries: Iterable[Entry], now: datetime) -> Iterator[tuple[Entry, Fact | None]]:
    """Each Stripe event in a timeline with its fact; None if another release stored it in a form
    that this one cannot read.
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
    by = FromEvent(entry.at, None, entry.type.endswith(".created"), now - entry.at > STALE)
    match OBJECTS.get(entry.type.rpartition(".")[0]):
        case "customer":
            return CustomerSnapshot(msgspec.convert(entry.data, Customer), by)
        case "subscription":
            return SubscriptionSnapshot(msgspec.convert(entry.data, Subscription), by)
        case "invoice":
            return InvoiceSnapshot(msgspec.convert(entry.data, Invoice), entry.at)
        case "checkout.session":
            return msgspec.convert(entry.data, CheckoutCompleted)
        case "dispute":
            return msgspec.convert(entry.data, DisputeSnapshot)
        case "charge":
            return msgspec.convert(entry.data, RefundRecorded)
    return None
