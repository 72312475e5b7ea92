"""How the people system's webhooks are read, signed and malformed."""

import hmac
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidInput, SignatureRefused
from chalicelib.domain.people.heard import (
    ConsentHeard,
    ContactHeard,
    EventHeard,
    of_intercom,
    of_segment,
)
from chalicelib.domain.people.signature import (
    INTERCOM_HEADER,
    SEGMENT_HEADER,
    check_people_signature,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = int(NOW.timestamp())
CONTACT = {"type": "contact", "external_id": "acc_1", "email": "eve@example.com"}
TRACK = {
    "type": "track",
    "event": "Project Created",
    "userId": "user-1",
    "timestamp": "2026-03-02T08:00:00.000Z",
}


def notification(topic: object, item: object = CONTACT, **others: object) -> dict[str, Any]:
    data = {"type": "notification_event_data", "item": item}
    return {"type": "notification_event", "topic": topic, "created_at": SECOND, "data": data} | (
        others
    )


@pytest.mark.parametrize(
    ("topic", "unsubscribed"),
    [
        ("contact.unsubscribed", True),
        ("contact.subscribed", False),
        ("user.unsubscribed", True),
    ],
)
def test_a_topic_says_whether_the_contact_is_unsubscribed(topic: str, unsubscribed: bool) -> None:
    assert of_intercom(notification(topic), NOW) == ConsentHeard("acc_1", unsubscribed, NOW)


@pytest.mark.parametrize(
    "topic",
    ["ping", "contact.unarchived", "granular.unsubscribe", "contact.unsubscribed_from_sms", "x"],
)
def test_any_other_topic_means_nothing_here(topic: str) -> None:
    assert of_intercom(notification(topic, None), NOW) is None


def test_the_contact_may_stand_beside_what_it_unsubscribed_from() -> None:
    item = {"contact": {**CONTACT, "custom_attributes": {"billing_mode": "live"}}}
    found = of_intercom(notification("contact.unsubscribed", item), NOW)
    assert found == ConsentHeard("acc_1", True, NOW, "live")


@pytest.mark.parametrize(
    ("topic", "change"),
    [
        ("contact.deleted", "deleted"),
        ("contact.archived", "archived"),
        ("contact.merged", "merged"),
    ],
)
def test_a_topic_says_what_was_done_to_the_contact(topic: str, change: str) -> None:
    ids = {"type": "contact", "id": "65f0a1", "external_id": "acc_3"}
    heard = of_intercom(notification(topic, ids), NOW)
    assert heard == ContactHeard("acc_3", "65f0a1", change, NOW)  # type: ignore[arg-type]
    full = {**ids, "custom_attributes": {"billing_mode": "test"}}
    found = of_intercom(notification(topic, {"contact": full}), NOW)
    assert found == ContactHeard("acc_3", "65f0a1", change, NOW, "test")  # type: ignore[arg-type]


@pytest.mark.parametrize("id", [None, 7, "", "../admins", "a/b", "x" * 65, ["c1"]])
def test_an_id_that_cannot_be_intercoms_is_none(id: object) -> None:
    """It becomes a part of a path."""
    heard = of_intercom(notification("contact.merged", {"id": id, "external_id": "acc_3"}), NOW)
    assert heard == ContactHeard("acc_3", "", "merged", NOW)


def test_an_address_names_nobody() -> None:
    found = of_intercom(notification("contact.unsubscribed", {"email": "eve@example.com"}), NOW)
    assert found == ConsentHeard("", True, NOW)
    event = {"event_name": "x", "created_at": SECOND, "email": "eve@example.com"}
    assert of_intercom(notification("event.created", event), NOW) == EventHeard((), "x", NOW)


def test_an_event_of_intercom_has_its_own_time() -> None:
    event = {"event_name": "project-created", "created_at": SECOND - 60, "user_id": "acc_1"}
    found = of_intercom(notification("event.created", event), NOW)
    assert isinstance(found, EventHeard)
    assert (found.people, found.by_external_id) == (("acc_1",), False)
    assert found.at == datetime(2026, 3, 2, 8, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "topic"),
        (notification(7), "topic"),
        (notification("contact.unsubscribed", created_at=None), "created_at"),
        (notification("contact.unsubscribed", created_at="1"), "created_at"),
        (notification("contact.unsubscribed", created_at=True), "created_at"),
        (notification("contact.unsubscribed", created_at=10**20), "created_at"),
        (notification("contact.unsubscribed", created_at=SECOND + 120), "created_at"),
        (notification("contact.deleted", created_at=SECOND + 120), "created_at"),
        (notification("contact.merged", created_at=None), "created_at"),
        (notification("event.created", {"created_at": SECOND}), "event_name"),
        (notification("event.created", {"event_name": "x", "created_at": -1}), "created_at"),
    ],
)
def test_what_intercom_would_not_send_is_refused_by_its_field(body: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        of_intercom(body, NOW)
    assert refused.value.field == field


def test_a_track_names_the_account_by_user_or_group() -> None:
    found = of_segment({**TRACK, "context": {"groupId": "team-1"}})
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert found == EventHeard(("user-1", "team-1"), "Project Created", at, True)
    assert of_segment({"type": "track", "event": "x"}) == EventHeard((), "x", None, True)


@pytest.mark.parametrize("type", ["identify", "page", "screen", "group", "alias", "x"])
def test_only_a_track_means_something(type: str) -> None:
    assert of_segment({"type": type}) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": ["track"]}, "type"),
        ({"type": "track"}, "event"),
        ({**TRACK, "event": "  "}, "event"),
        ({**TRACK, "timestamp": "yesterday"}, "timestamp"),
        ({**TRACK, "timestamp": 1}, "timestamp"),
        ({**TRACK, "timestamp": "2026-03-02T08:00:00"}, "timestamp"),
        ({**TRACK, "timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
    ],
)
def test_what_segment_would_not_send_is_refused_by_its_field(body: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        of_segment(body)
    assert refused.value.field == field


def signed(secret: str, body: bytes = b"{}") -> str:
    return hmac.new(secret.encode(), body, "sha1").hexdigest()


def test_each_secret_signs_in_the_form_of_its_header() -> None:
    for secret in ("new", "old"):
        check_people_signature(b"{}", SEGMENT_HEADER, signed(secret), ["new", "old"])
        check_people_signature(b"{}", INTERCOM_HEADER, f"sha1={signed(secret)}", ["new", "old"])


@pytest.mark.parametrize(
    ("name", "header"),
    [
        (INTERCOM_HEADER, None),
        (INTERCOM_HEADER, ""),
        (INTERCOM_HEADER, signed("new")),
        (INTERCOM_HEADER, f"sha1={signed('other')}"),
        (INTERCOM_HEADER, f"sha1={signed('new', b'{ }')}"),
        (INTERCOM_HEADER, "sha1="),
        (INTERCOM_HEADER, "sha1=" + "a" * 100_000),
        (SEGMENT_HEADER, f"sha1={signed('new')}"),
        (SEGMENT_HEADER, signed("new").upper()),
        (SEGMENT_HEADER, "é" * 40),
    ],
)
def test_every_other_signature_is_refused(name: str, header: str | None) -> None:
    with pytest.raises(SignatureRefused):
        check_people_signature(b"{}", name, header, ["new"])


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(SignatureRefused):
        check_people_signature(b"{}", SEGMENT_HEADER, signed(""), [])
