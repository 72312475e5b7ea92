"""Segment's HTTP API, which RudderStack, Customer.io and others speak too: the messages of
POST /v1/batch (segment.com/docs/connections/sources/catalog/libraries/server/http-api).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.people.contact import Contact
from chalicelib.domain.people.events import PersonEvent

LARGEST_BATCH, LARGEST_MESSAGE = 500_000, 32_000
"""Bytes. A larger one is refused with 400."""

Message = Mapping[str, Any]


def identify(contact: Contact, at: datetime) -> Message:
    """Who the customer is. The same state has the same messageId, which makes a repeat harmless."""
    traits: dict[str, Any] = {
        "email": contact.email,
        "name": contact.name,
        "createdAt": _iso(contact.signed_up_at),
        "unsubscribedFromEmails": contact.unsubscribed,
        **{
            name: _iso(value) if isinstance(value, datetime) else value
            for name, value in contact.attributes.items()
        },
    }
    return {
        "type": "identify",
        "messageId": f"billhook-{contact.account_id}-{contact.digest}",
        "userId": contact.account_id,
        "timestamp": _iso(at),
        "traits": traits,
    }


def group(contact: Contact, at: datetime) -> Message | None:
    """The product's account of the customer; None if the product has given no id."""
    external_id = contact.attributes.get("billing_external_id")
    if not external_id:
        return None
    names = ("billing_plan", "billing_status", "mrr", "billing_currency")
    return {
        "type": "group",
        "messageId": f"billhook-group-{contact.account_id}-{contact.digest}",
        "userId": contact.account_id,
        "groupId": external_id,
        "timestamp": _iso(at),
        "traits": {name: contact.attributes.get(name) for name in names},
    }


def track(account_id: str, event: PersonEvent) -> Message:
    """What happened. The messageId is the domain event's id."""
    return {
        "type": "track",
        "messageId": event.id,
        "userId": account_id,
        "event": event.name,
        "timestamp": _iso(event.at),
        "properties": dict(event.metadata),
    }


def alias(account_id: str, into: str, at: datetime) -> Message:
    """That an account was taken in by another one."""
    return {
        "type": "alias",
        "messageId": f"billhook-{account_id}-joined-{into}",
        "previousId": account_id,
        "userId": into,
        "timestamp": _iso(at),
    }


def forgotten(account_id: str, names: Iterable[str], at: datetime) -> Message:
    """All traits null: to delete is another API of Segment's, which the write key does not open."""
    return {
        "type": "identify",
        "messageId": f"billhook-{account_id}-erased",
        "userId": account_id,
        "timestamp": _iso(at),
        "traits": dict.fromkeys(names),
    }


def batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """The messages in batches that are small enough, in their order."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        length = len(json.dumps(message).encode()) + 2
        if batch and size + length > LARGEST_BATCH - 1000:
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
