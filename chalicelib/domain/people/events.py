"""Domain events as the people system gets them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.values import frozen

MONEY = ("amount_paid", "amount_due", "amount")
"""The fields of an event that may be its amount, in minor units, the most telling first."""

STEP = "billhook-step-"
"""What the name of an event begins with that stands for a message."""


@frozen
class PersonEvent:
    """An event about a person: `id` is the domain event's. `metadata` has ten flat keys at most
    (developers.intercom.com, events); `amount` is {amount, currency} in minor units.
    `sequence` orders the events of an account.
    """

    id: str
    name: str
    at: datetime
    metadata: Mapping[str, Any]
    sequence: int = 0


def of_document(document: Mapping[str, Any]) -> PersonEvent:
    """The event that a document of the feed is. Dots become hyphens: Intercom does so itself."""
    data = document["data"]
    metadata: dict[str, Any] = {
        "event_id": document["id"],
        "plan": data["access"]["plan"],
        "access": data["access"]["access"],
        "reason": data["access"]["reason"],
    }
    amount = next((data[name] for name in MONEY if data.get(name) is not None), None)
    if amount is not None and data.get("currency"):
        metadata["amount"] = {"amount": amount, "currency": data["currency"]}
    return PersonEvent(
        document["id"],
        document["type"].replace(".", "-"),
        datetime.fromisoformat(document["timestamp"]),
        {name: value for name, value in metadata.items() if value is not None},
        document["sequence"],
    )


def of_step(id: str, key: str, sequence: str, at: datetime) -> PersonEvent:
    """The event that stands for a message, `step@occasion`, that the people system sends."""
    step, _, occasion = key.partition("@")
    metadata = {"event_id": id, "sequence": sequence, "step": step, "occasion": occasion}
    return PersonEvent(id, f"{STEP}{step}", at, metadata)
