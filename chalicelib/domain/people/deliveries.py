"""The deliveries to the people system that stand for no domain event of the feed."""

import json
from datetime import datetime

from chalicelib.domain.changes.channels import PEOPLE
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey

CONTACT_CHANGED, ERASED, STEP = "contact.changed", "contact.erased", "contact.step"
JOINED = "contact.joined"
"""Their types: something of the contact changed without an event; the account is erased; a message
that the people system sends; the account was taken in by another one.
"""

OTHER_MODE = "people-mode"
"""In place of an endpoint's id, in the notice that contacts are of the other mode."""


def erasure(account_id: str, person_id: str, at: datetime) -> Delivery:
    """That the person is to be deleted for good, by that system's own id where it is known."""
    key = DeliveryKey(PEOPLE, at, f"{account_id}.erased")
    body = json.dumps({"person": person_id})
    return Delivery(key, ERASED, account_id, at, at, at, body=body, version=1)


def joined(account_id: str, person_id: str, into: str, at: datetime) -> Delivery:
    """That the account was taken in by the account `into`; the same again is one delivery."""
    key = DeliveryKey(PEOPLE, at, f"{account_id}.joined")
    body = json.dumps({"person": person_id, "into": into})
    return Delivery(key, JOINED, account_id, at, at, at, body=body, version=1)


def step(account_id: str, message: str, sequence: str, id: str, at: datetime) -> Delivery:
    """That the event of a message, `step@occasion`, is to be sent."""
    key = DeliveryKey(PEOPLE, at, id)
    body = json.dumps({"key": message, "sequence": sequence})
    return Delivery(key, STEP, account_id, at, at, at, body=body, version=1)
