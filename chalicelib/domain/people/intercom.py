"""Intercom's REST API: what requests hold, and what answers say.

From developers.intercom.com and its OpenAPI description of version 2.15.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import ATTRIBUTES, Contact
from chalicelib.domain.people.events import PersonEvent

VERSION = "2.15"
"""What the header Intercom-Version says."""

_ID = re.compile(r"id=([A-Za-z0-9_-]{1,64})")
_LINK = re.compile(r"/contacts/([A-Za-z0-9_-]{1,64})")


def contact_body(contact: Contact, with_email: bool = True) -> dict[str, Any]:
    """The body that creates or changes a contact. Every field is there: null clears one, and one
    that is left out keeps its old value. An address is never cleared: that of a user who is left
    without one could not be found again by people.
    """
    body: dict[str, Any] = {
        "role": "user",
        "external_id": contact.account_id,
        "unsubscribed_from_emails": contact.unsubscribed,
        "custom_attributes": {
            name: _seconds(value) if isinstance(value, datetime) else value
            for name, value in contact.attributes.items()
        },
    }
    if contact.email and with_email:
        body["email"] = contact.email
    if contact.name:
        body["name"] = contact.name
    if contact.signed_up_at:
        body["signed_up_at"] = _seconds(contact.signed_up_at)
    return body


def event_body(account_id: str, event: PersonEvent) -> dict[str, Any]:
    """The body of POST /events."""
    return {
        "event_name": event.name,
        "created_at": _seconds(event.at),
        "user_id": account_id,
        "metadata": dict(event.metadata),
    }


def attribute_bodies() -> list[dict[str, str]]:
    """The bodies of POST /data_attributes, one for each attribute."""
    return [
        {"name": name, "model": "contact", "data_type": type} for name, type in ATTRIBUTES.items()
    ]


def has_attribute_already(answer: CallAnswer) -> bool:
    """Whether an attribute could not be made since there is one of this name."""
    return answer.code == 400 and "already" in error_of(answer).lower()


def lacks_attribute(answer: CallAnswer) -> bool:
    """Whether a contact was refused since an attribute does not exist."""
    return answer.code == 400 and "does not exist" in error_of(answer).lower()


def error_of(answer: CallAnswer) -> str:
    """What the errors of an answer say."""
    errors = json_of(answer).get("errors")
    if not isinstance(errors, list):
        return answer.error or ""
    told = [str(one.get("message") or one.get("code")) for one in errors if isinstance(one, dict)]
    return " ".join(told)


def other_id(answer: CallAnswer) -> str | None:
    """The id of the contact that is in the way, which a 409 names."""
    match = _ID.search(error_of(answer))
    return match[1] if match else None


def merged_into(answer: CallAnswer) -> str | None:
    """The id of the contact that this one was merged into, which the Link of a 410 names."""
    match = _LINK.search(answer.headers.get("link", ""))
    return match[1] if match and answer.code == 410 else None


def id_of(answer: CallAnswer) -> str | None:
    """The id of the contact in an answer."""
    id = json_of(answer).get("id")
    return id if isinstance(id, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id) else None


def mode_of(answer: CallAnswer) -> str | None:
    """The billing_mode of the contact in an answer."""
    attributes = json_of(answer).get("custom_attributes")
    mode = attributes.get("billing_mode") if isinstance(attributes, dict) else None
    return mode if isinstance(mode, str) else None


def json_of(answer: CallAnswer) -> Mapping[str, Any]:
    """The object in an answer; empty if there is none."""
    try:
        found = json.loads(answer.body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
