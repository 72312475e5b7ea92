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
from chalicelib.values import frozen

VERSION = "2.15"
"""What the header Intercom-Version says."""

_IS_ID = re.compile("[A-Za-z0-9_-]{1,64}")
_ID = re.compile(r"id=([A-Za-z0-9_-]{1,64})")
_LINK = re.compile(r"/contacts/([A-Za-z0-9_-]{1,64})")


def contact_body(
    contact: Contact, with_email: bool = True, was_named: bool = False, resubscribes: bool = True
) -> dict[str, Any]:
    """The body that creates or changes a contact. Every attribute is there: null clears one, and
    one that is left out keeps its old value. A name is cleared if it was ours (`was_named`), so
    that a contact which is adopted keeps its own. An address never is: Intercom's description
    allows no null for it. Who is unsubscribed from mail there stays so, unless `resubscribes`: that
    may be the customer's own word, and then it is not ours to take back.
    """
    body: dict[str, Any] = {
        "role": "user",
        "external_id": contact.account_id,
        "custom_attributes": {
            name: _seconds(value) if isinstance(value, datetime) else value
            for name, value in contact.attributes.items()
        },
    }
    if contact.unsubscribed or resubscribes:
        body["unsubscribed_from_emails"] = contact.unsubscribed
    if contact.email and with_email:
        body["email"] = contact.email
    if contact.name or was_named:
        body["name"] = contact.name
    if contact.signed_up_at:
        body["signed_up_at"] = _seconds(contact.signed_up_at)
    return body


def event_body(account_id: str, event: PersonEvent) -> dict[str, Any]:
    """The body of POST /events. An amount must be positive there."""
    metadata = {
        name: value
        for name, value in event.metadata.items()
        if not isinstance(value, Mapping) or value["amount"] > 0
    }
    return {
        "event_name": event.name,
        "created_at": _seconds(event.at),
        "user_id": account_id,
        "metadata": metadata,
    }


@frozen
class Attribute:
    """An attribute of contacts in a workspace. `id` is Intercom's."""

    name: str
    type: str
    id: str
    archived: bool = False


def attribute_body(name: str) -> dict[str, str]:
    """The body of POST /data_attributes for one of ours."""
    return {"name": name, "model": "contact", "data_type": ATTRIBUTES[name]}


def attributes_of(answer: CallAnswer) -> dict[str, Attribute]:
    """The custom attributes in an answer to GET /data_attributes, by name. Of two with the same
    name, the one that is not archived.
    """
    rows = json_of(answer).get("data") if answer.succeeded else None
    found = [
        Attribute(
            str(row["name"]),
            str(row.get("data_type")),
            str(row.get("id") or ""),
            row.get("archived") is True,
        )
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and row.get("name") and row.get("custom") is not False
    ]
    return {one.name: one for one in sorted(found, key=lambda one: not one.archived)}


def same_type(theirs: str, ours: str) -> bool:
    """Whether an attribute of Intercom's type takes values of ours. A date may be a datetime."""
    return theirs == ours or {theirs, ours} == {"date", "datetime"}


def leads_query(email: str) -> dict[str, Any]:
    """The body of POST /contacts/search that finds the leads of an address."""
    parts = [
        {"field": "email", "operator": "=", "value": email},
        {"field": "role", "operator": "=", "value": "lead"},
    ]
    return {"query": {"operator": "AND", "value": parts}}


def has_attribute_already(answer: CallAnswer) -> bool:
    """Whether an attribute could not be made since there is one of this name."""
    return answer.code == 400 and "already" in error_of(answer).lower()


def is_about_attributes(answer: CallAnswer) -> bool:
    """Whether a contact was refused because of an attribute: it does not exist, was archived, or
    has another type.
    """
    told = error_of(answer).lower()
    return answer.code == 400 and ("attribute" in told or "does not exist" in told)


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
    return id if answer.succeeded and isinstance(id, str) and is_contact_id(id) else None


def ids_of(answer: CallAnswer) -> list[str]:
    """The ids of the contacts in a list; none if the answer is no list."""
    rows = json_of(answer).get("data") if answer.succeeded else None
    found = [row.get("id") for row in rows if isinstance(row, dict)] if rows else []
    return [id for id in found if isinstance(id, str) and is_contact_id(id)]


def holder_of(answer: CallAnswer) -> str | None:
    """The external id of the contact in an answer; None if it has none."""
    held = json_of(answer).get("external_id") if answer.succeeded else None
    return held if isinstance(held, str) and held else None


def is_archived(answer: CallAnswer) -> bool:
    """Whether the contact in an answer is archived."""
    return json_of(answer).get("archived") is True


def is_free(answer: CallAnswer) -> bool:
    """Whether the answer has a contact that is nobody's yet, and is not archived."""
    return answer.succeeded and holder_of(answer) is None and not is_archived(answer)


def mode_of(answer: CallAnswer) -> str | None:
    """The billing_mode of the contact in an answer."""
    attributes = json_of(answer).get("custom_attributes")
    mode = attributes.get("billing_mode") if isinstance(attributes, dict) else None
    return mode if isinstance(mode, str) else None


def is_contact_id(text: str) -> bool:
    """Whether the text may be an id of Intercom's own, as paths of its API hold them."""
    return _IS_ID.fullmatch(text) is not None


def json_of(answer: CallAnswer) -> Mapping[str, Any]:
    """The object in an answer; empty if there is none."""
    try:
        found = json.loads(answer.body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
