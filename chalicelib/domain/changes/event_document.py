"""The document of a domain event: the one text that the outside gets of it, by whichever way."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.standing import ACCESS_LEVELS, REASONS, Standing
from chalicelib.domain.bounds import most
from chalicelib.domain.changes.event_catalogue import CATALOGUE, FIELDS, Schema

LARGEST = 20_000
"""The most bytes of a document. Systems that pass events on take 64 KB and more."""

WRITTEN_BY_PEOPLE = {"comment": "comment", "note": "note", "error": "comment"}
"""Fields of `data` with texts of any length, and the bound that each is cut to."""

IN_ACCESS = frozenset({"access", "reason"})
"""Fields of an event that its document has in `data.access` already."""

ACCESS_SCHEMAS: Mapping[str, Schema] = {
    "access": {
        "enum": list(ACCESS_LEVELS),
        "description": (
            "limited: only the billing pages and the customer's own data, not the product itself."
        ),
    },
    "reason": {
        "enum": list(REASONS),
        "description": " ".join(f"{name}: {meaning}" for name, meaning in REASONS.items()),
    },
    "plan": {
        "type": ["string", "null"],
        "description": (
            "A plan of billing.toml; null without a plan, and for a price that is not in"
            " billing.toml."
        ),
    },
    "features": {"type": "array", "items": {"type": "string"}},
    "quantity": {"type": ["integer", "null"]},
    "until": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "When the access changes next, if nothing else happens.",
    },
}
"""The JSON Schema of each field of an answer about access."""


COMMON_SCHEMAS: Mapping[str, Schema] = {
    "account_id": {"type": "string", "description": "Billhook's id of the account."},
    "external_id": {
        "type": ["string", "null"],
        "description": "Your product's id of the customer, if the account has one.",
    },
    "livemode": {"type": "boolean", "description": "Whether it happened in Stripe's live mode."},
    "access": {
        "type": "object",
        "description": "What the account may use from that moment on.",
        "properties": dict(ACCESS_SCHEMAS),
        "required": list(ACCESS_SCHEMAS),
    },
}
"""The JSON Schema of each field that `data` has in every document."""


def access_fields(standing: Standing) -> dict[str, Any]:
    """What a standing gives, as JSON: the fields of ACCESS_SCHEMAS."""
    return {
        "access": standing.access,
        "reason": standing.reason,
        "plan": standing.plan,
        "features": list(standing.features),
        "quantity": standing.quantity,
        "until": iso_time(standing.until),
    }


MONEY = ("amount_paid", "amount_due", "amount")
"""The fields of `data` that may be an event's amount, in minor units, the most telling first."""


def amount_of(data: Mapping[str, Any]) -> tuple[int, str] | None:
    """(amount in minor units, currency) that an event is about; None if it is about no money. A
    payment that failed has paid 0, and is about what is due.
    """
    known = [data[name] for name in MONEY if data.get(name) is not None]
    if not known or not data.get("currency"):
        return None
    return int(next((amount for amount in known if amount), 0)), str(data["currency"])


def iso_time(moment: datetime | None) -> str | None:
    """The JSON form of a time: ISO 8601 in UTC, with `Z`."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def document(event: DomainEvent, livemode: bool) -> str:
    """The document of an event: JSON of less than LARGEST bytes. It is a function of what is stored
    of the event, so a repeat has the same bytes. Raises ValueError for an event without a number.
    """
    if event.sequence is None or event.standing is None:
        raise ValueError(f"{event.id} is of a release that numbered no events.")
    own = {name: value for name, value in event.data.items() if value is not None}
    cut = {
        name: str(own[name])[: most(bound)]
        for name, bound in WRITTEN_BY_PEOPLE.items()
        if name in own
    }
    while True:
        text = _text(event, {**own, **cut}, event.standing, livemode)
        longest = max(cut, key=lambda name: len(cut[name]), default=None)
        if len(text.encode()) < LARGEST or longest is None or not cut[longest]:
            return text
        cut[longest] = cut[longest][: len(cut[longest]) // 2]


def _text(event: DomainEvent, own: Mapping[str, Any], standing: Standing, livemode: bool) -> str:
    values = {
        "id": event.id,
        "type": event.type,
        "timestamp": iso_time(event.at),
        "sequence": event.sequence,
        "data": {
            "account_id": event.account_id,
            "external_id": event.external_id,
            "livemode": livemode,
            "access": access_fields(standing),
            **{name: value for name, value in own.items() if name not in IN_ACCESS},
        },
    }
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def document_schema(type: str) -> Schema:
    """The JSON Schema of the documents of a type. It allows more fields: a later release may add
    some.
    """
    one = CATALOGUE[type]
    own = {name: FIELDS[name].schema | {"description": FIELDS[name].meaning} for name in one.fields}
    return _object(
        {
            "id": {"type": "string", "description": "The event's id. A repeat has the same."},
            "type": {"const": type},
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened.",
            },
            "sequence": {
                "type": "integer",
                "minimum": 1,
                "description": "Its number among the events of its account: from 1, without holes.",
            },
            "data": _object({**COMMON_SCHEMAS, **own}, one.optional),
        },
        description=one.meaning,
    )


def example(type: str) -> str:
    """A document of the type, as an example."""
    reason = "trialing" if type.startswith("trial.") else "active"
    until = datetime.fromisoformat("2026-12-11T14:52:03Z")
    standing = Standing(reason, "full", reason, "pro", ("projects",), 1, until)
    at = datetime.fromisoformat("2026-11-27T14:52:03Z")
    data = CATALOGUE[type].example
    return document(
        DomainEvent(f"acc_1.0.21.{type}", type, at, data, 4, standing, "u-9"), livemode=False
    )


def _object(
    properties: Mapping[str, Schema], optional: tuple[str, ...] = (), description: str = ""
) -> Schema:
    described = {"description": description} if description else {}
    return {
        "type": "object",
        **described,
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }
