"""POST /webhooks/intercom and /webhooks/segment: what they take, refuse and answer."""

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest

from chalicelib.aws.keys.secrets import Secrets
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.http.conftest import Answer, Stage, stage  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import ACCOUNT, Office, office  # noqa: F401 - the fixture

INTERCOM, SEGMENT = "/webhooks/intercom", "/webhooks/segment"
SECRET = "client-secret-1"
POLICY = PeoplePolicy(
    "intercom", "https://api.intercom.io", milestones={"project created": "connected_data"}
)
Use = Callable[..., None]


@pytest.fixture
def use(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Goes on with another policy for people, and with these secrets."""

    def change(people: PeoplePolicy | None, secrets: str | None = f"new-secret {SECRET}") -> None:
        changed = replace(wiring.policy(), people=people)
        monkeypatch.setattr(wiring, "policy", lambda: changed)
        if secrets:
            boto3.client("ssm").put_parameter(
                Name="/billhook/people-webhook-secrets", Value=secrets, Type="SecureString"
            )
        wiring.secrets.cache_clear()
        wiring.services.cache_clear()

    return change


@pytest.fixture
def place(office: Office, use: Use) -> Stage:
    use(POLICY)
    office.begin_trial()
    return office.stage


def post(stage: Stage, path: str, body: Any, secret: str = SECRET, **headers: str) -> Answer:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    digest = hmac.new(secret.encode(), payload, "sha1").hexdigest()
    name, value = (
        ("X_Hub_Signature", f"sha1={digest}") if path == INTERCOM else ("X_Signature", digest)
    )
    sent = {name: value, "Content_Type": "application/json"} | headers
    return stage.call("POST", path, payload, **sent)


def notification(topic: str, item: Any = None, age: int = 0) -> dict[str, Any]:
    return {
        "type": "notification_event",
        "id": "notif_1",
        "topic": topic,
        "app_id": "app_1",
        "created_at": int(clock.now().timestamp()) - age,
        "delivery_attempts": 1,
        "data": {"type": "notification_event_data", "item": item},
    }


def contact(**others: Any) -> dict[str, Any]:
    return {"type": "contact", "id": "6f", "role": "user", "external_id": ACCOUNT} | others


def track(**others: Any) -> dict[str, Any]:
    base = {"type": "track", "messageId": "m-1", "userId": ACCOUNT, "event": "Project Created"}
    return base | others


def refused(answer: Answer, status: int, code: str, field: str | None = None) -> None:
    error = answer.body["error"]
    assert (answer.status, error["code"], error.get("field")) == (status, code, field)


def account() -> Any:
    found = wiring.accounts().load(ACCOUNT)
    assert found
    return found


@pytest.mark.parametrize("secret", [SECRET, "new-secret"])
def test_who_unsubscribes_at_intercom_gets_no_lifecycle_mail(place: Stage, secret: str) -> None:
    answer = post(place, INTERCOM, notification("contact.unsubscribed", contact()), secret)
    assert (answer.status, answer.body) == (200, {"received": True, "taken": True})
    assert list(account().unsubscribed) == ["lifecycle"]
    key = place.key("read")
    entries = place.get(f"/accounts/{ACCOUNT}/timeline", key).body["entries"]
    assert any(one["type"] == "mail.unsubscribed" for one in entries)


def test_a_contact_that_is_deleted_there_is_on_the_timeline_and_the_account_stays(
    place: Stage,
) -> None:
    persons, before = wiring.services().stores.persons, account()
    persons.save(ACCOUNT, Person(), Person(id="6f", digest="d1", version=1))
    deleted = {"type": "contact", "id": "6f", "external_id": ACCOUNT}
    for expected in ({"taken": True}, {"taken": False, "reason": "same"}):
        answer = post(place, INTERCOM, notification("contact.deleted", deleted, age=60))
        assert (answer.status, answer.body) == (200, {"received": True, **expected})
    known = persons.load(ACCOUNT)
    assert known
    assert (known.id, known.digest) == ("", "")
    assert account() == before
    entries = place.get(f"/accounts/{ACCOUNT}/timeline", place.key("read")).body["entries"]
    told = [one["data"] for one in entries if one["type"] == "contact.deleted"]
    assert told == [{"by": "intercom", "contact": "6f"}]


def test_a_milestone_is_told_with_the_system_that_reported_it(place: Stage) -> None:
    post(place, SEGMENT, track())
    assert account().milestones_by == {"connected_data": "segment"}
    (told,) = [one for one in account().outbox if one.type == "milestone.reached"]
    assert told.data["reported_by"] == "segment"


def test_a_track_and_an_event_reach_a_milestone(place: Stage) -> None:
    before = clock.now()
    assert post(place, SEGMENT, track()).body == {"received": True, "taken": True}
    event = {
        "type": "event",
        "event_name": "Project Created",
        "user_id": ACCOUNT,
        "created_at": int(before.timestamp()) - 3600,
    }
    assert post(place, INTERCOM, notification("event.created", event)).body["taken"] is True
    reached = account().milestones["connected_data"]
    assert int(reached.timestamp()) == event["created_at"], "the earliest counts"
    assert post(place, SEGMENT, track()).status == 200
    assert account().milestones["connected_data"] == reached


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (INTERCOM, notification("ping", {"type": "ping"}), "not_followed"),
        (INTERCOM, notification("contact.unarchived", {"id": "6f"}), "not_followed"),
        (INTERCOM, notification("contact.deleted", {"id": "6f"}), "no_account"),
        (INTERCOM, notification("contact.archived", contact(external_id="a/b")), "no_account"),
        (INTERCOM, notification("contact.unsubscribed", contact(external_id="x")), "no_account"),
        (
            INTERCOM,
            notification("contact.unsubscribed", {"email": "ada@example.com"}),
            "no_account",
        ),
        (
            INTERCOM,
            notification(
                "contact.unsubscribed", contact(custom_attributes={"billing_mode": "live"})
            ),
            "other_mode",
        ),
        (SEGMENT, track(event="Invoice Viewed"), "no_milestone"),
        (SEGMENT, track(userId=None, anonymousId="a-1"), "no_account"),
        (SEGMENT, {"type": "identify", "userId": ACCOUNT}, "not_followed"),
    ],
)
def test_what_means_nothing_here_is_answered_200_with_the_reason_and_counted(
    place: Stage, path: str, body: Any, reason: str
) -> None:
    before = account()
    answer = post(place, path, body)
    assert (answer.status, answer.body["taken"], answer.body["reason"]) == (200, False, reason)
    assert account() == before
    assert place.metrics() == {"PeopleWebhooksIgnored": 1}


@pytest.mark.parametrize("path", [INTERCOM, SEGMENT])
def test_nobody_without_the_secret_is_heard(place: Stage, path: str) -> None:
    body = notification("contact.unsubscribed", contact()) if path == INTERCOM else track()
    refused(post(place, path, body, "another-secret"), 400, "signature_refused")
    unsigned = place.call("POST", path, json.dumps(body).encode(), Content_Type="application/json")
    refused(unsigned, 400, "signature_refused")
    assert (account().unsubscribed, account().milestones) == ({}, {})
    assert place.metrics() == {"PeopleSignaturesRefused": 2}


@pytest.mark.parametrize("path", [INTERCOM, SEGMENT])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 10_000, b'{"a":1,"a":2}'])
def test_a_signed_body_that_is_no_object_is_refused(place: Stage, path: str, body: bytes) -> None:
    field = "a" if body.startswith(b'{"a"') else None
    refused(post(place, path, body), 400, "invalid", field)


def test_a_wrong_field_is_named(place: Stage) -> None:
    refused(post(place, INTERCOM, {"type": "notification_event"}), 400, "invalid", "topic")
    late = notification("contact.unsubscribed", contact(), age=-600)
    refused(post(place, INTERCOM, late), 400, "invalid", "created_at")
    refused(post(place, SEGMENT, track(event=None)), 400, "invalid", "event")
    refused(post(place, SEGMENT, track(timestamp="soon")), 400, "invalid", "timestamp")
    refused(post(place, SEGMENT, track(timestamp="2999-01-01T00:00:00Z")), 400, "invalid", "at")


@pytest.mark.parametrize(("path", "most"), [(INTERCOM, 512 * 1024), (SEGMENT, 64 * 1024)])
def test_a_huge_body_is_refused(place: Stage, path: str, most: int) -> None:
    refused(post(place, path, b"x" * (most + 1)), 413, "too_large")
    filled = contact(custom_attributes={"note": "x" * (most - 1000)})
    assert post(place, path, notification("ping", filled) | {"type": "page"}).status == 200


@pytest.mark.parametrize("path", [INTERCOM, SEGMENT])
def test_without_a_people_system_there_is_nothing_at_the_address(
    stage: Stage, use: Use, path: str
) -> None:
    use(None)
    refused(post(stage, path, {}), 404, "not_set_up")
    assert stage.call("HEAD", INTERCOM).status == 404


@pytest.mark.parametrize("path", [INTERCOM, SEGMENT])
def test_without_a_secret_too_and_the_store_is_asked_once(
    stage: Stage, use: Use, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(POLICY, None)
    asked: list[str] = []
    read = Secrets._read

    def reads(self: Secrets, name: str) -> str:
        asked.append(name)
        return read(self, name)

    monkeypatch.setattr(Secrets, "_read", reads)
    for _ in range(3):
        refused(post(stage, path, {}, ""), 404, "not_set_up")
    assert asked == ["people-webhook-secrets"]


def test_intercom_may_check_the_url_before_there_is_a_secret(stage: Stage, use: Use) -> None:
    use(POLICY, None)
    answer = stage.call("HEAD", INTERCOM)
    assert (answer.status, answer.body) == (200, None)


@pytest.mark.parametrize("id", ["x" * 129, "\ud800", "u\udfff", " ", 7, ["u"], {"id": "u"}, None])
def test_an_id_that_nobody_can_have_is_nobodys(
    place: Stage, id: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    found = wiring.accounts().with_external_id
    monkeypatch.setattr(
        wiring.accounts(), "with_external_id", lambda id: asked.append(id) or found(id)
    )
    for message in (track(userId=id), track(userId=None, context={"groupId": id})):
        answer = post(place, SEGMENT, message)
        assert (answer.status, answer.body["reason"]) == (200, "no_account")
    assert set(asked) <= {" "}, "the table takes no other key"


@pytest.mark.parametrize("path", [INTERCOM, SEGMENT])
def test_what_could_not_be_saved_comes_again(
    place: Stage, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Unavailable("The table does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(wiring.accounts(), "save", down)
        body = notification("contact.unsubscribed", contact()) if path == INTERCOM else track()
        answer = post(place, path, body)
        refused(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "10"
    assert post(place, path, body).body["taken"] is True
