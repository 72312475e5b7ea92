"""What the people system tells: who unsubscribed there, and what somebody did."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from chalicelib.domain.account.milestones import CLOCKS_APART
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.ids import may_be_external
from chalicelib.domain.people.intercom import is_contact_id
from chalicelib.domain.policy.people import INTERCOM, SEGMENT
from chalicelib.values import frozen

ContactChange = Literal["deleted", "archived", "merged"]

CONSENT = {
    "contact.unsubscribed": True,
    "contact.subscribed": False,
    "user.unsubscribed": True,
}
"""Topic of Intercom's → whether the contact is unsubscribed from all mail then. Apps of versions
before 2.0 have the last one (developers.intercom.com, webhook topics). What is about one type of
subscription alone (granular.unsubscribe) or about text messages is not among them.
"""

CONTACT: Mapping[str, ContactChange] = {
    "contact.deleted": "deleted",
    "user.deleted": "deleted",
    "contact.archived": "archived",
    "contact.archive": "archived",
    "contact.merged": "merged",
}
"""Topic of Intercom's → what was done to the contact there (developers.intercom.com, webhook
topics: versions before 2.0 say user, 2.5 says archive). A deleted contact comes with its ids alone;
of a merge, the webhook names the contact that is left, and not the one that went into it
(community.intercom.com/api-webhooks-23/how-to-get-id-of-lead-merged-to-user-7045).
"""

EVENT = "event.created"
"""The topic of an event of a contact."""

LAST_SECOND = 253_402_300_799
"""The end of the year 9999 in Unix seconds."""


@frozen
class ConsentHeard:
    """A contact unsubscribed from mail there, or subscribed again, `at` a second. `mode` is the
    billing_mode that the contact has there.
    """

    account_id: str
    unsubscribed: bool
    at: datetime
    mode: str | None = None


@frozen
class ContactHeard:
    """The contact `contact_id`, Intercom's own id, was deleted or archived there, or others were
    merged into it, `at` a second. `mode` as in ConsentHeard; a deleted contact has none.
    """

    account_id: str
    contact_id: str
    change: ContactChange
    at: datetime
    mode: str | None = None


@frozen
class EventHeard:
    """Somebody did something; `at` None means now. `people` are the ids that may name the account,
    the most telling first. Our own account id, or where `by_external_id` the product's.
    """

    people: tuple[str, ...]
    name: str
    at: datetime | None
    by_external_id: bool = False

    @property
    def by(self) -> str:
        """The system that tells it: only Segment's kind knows the product's ids."""
        return SEGMENT if self.by_external_id else INTERCOM


Heard = ConsentHeard | ContactHeard | EventHeard


def of_intercom(notification: Mapping[str, Any], now: datetime) -> Heard | None:
    """What a notification says; None for what means nothing here. A contact is known by its
    external_id alone: anybody may write as an address what they like. Raises InvalidInput.
    """
    topic = notification.get("topic")
    if not isinstance(topic, str):
        raise InvalidInput("topic is missing: this is no notification of Intercom's.", "topic")
    item = _mapping(_mapping(notification.get("data")).get("item"))
    if topic == EVENT:
        return EventHeard(
            _ids(item.get("user_id") or item.get("external_id")),
            _text(item.get("event_name"), "event_name"),
            _second(item.get("created_at", notification.get("created_at"))),
        )
    if topic not in CONSENT and topic not in CONTACT:
        return None
    at = _second(notification.get("created_at"))
    if at > now + CLOCKS_APART:
        raise InvalidInput("created_at must not be in the future.", "created_at")
    # Since 2.7 the contact may stand beside what it unsubscribed from.
    contact = _mapping(item.get("contact")) or item
    ids = _ids(contact.get("external_id") or contact.get("user_id"))
    mode = _mapping(contact.get("custom_attributes")).get("billing_mode")
    account_id, mode = ids[0] if ids else "", mode if isinstance(mode, str) else None
    if topic in CONSENT:
        return ConsentHeard(account_id, CONSENT[topic], at, mode)
    id = contact.get("id")
    contact_id = id if isinstance(id, str) and is_contact_id(id) else ""
    return ContactHeard(account_id, contact_id, CONTACT[topic], at, mode)


def of_segment(message: Mapping[str, Any]) -> Heard | None:
    """What a message says; None for everything but a `track`. Raises InvalidInput."""
    kind = message.get("type")
    if not isinstance(kind, str):
        raise InvalidInput("type is missing: this is no message of Segment's.", "type")
    if kind != "track":
        return None
    group = _mapping(message.get("context")).get("groupId")
    return EventHeard(
        (*_ids(message.get("userId")), *_ids(group)),
        _text(message.get("event"), "event"),
        _iso(message.get("timestamp")),
        by_external_id=True,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _ids(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and may_be_external(value) else ()


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{field} must be the name of an event.", field)
    return value


def _second(value: Any) -> datetime:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LAST_SECOND:
        raise InvalidInput("created_at must be in Unix seconds.", "created_at")
    return datetime.fromtimestamp(value, UTC)


def _iso(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("timestamp must be ISO 8601 with an offset.", "timestamp") from error
    raise InvalidInput("timestamp must be ISO 8601 with an offset.", "timestamp")
