"""The page of queues and dead letters, and the replay of dead letters."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.changes.audit import ACTIONS as AUDITED
from chalicelib.domain.schedule.watch.open_conditions import OpenCondition, OpenConditions
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.http.pages.admin.conftest import OWN, Dashboard
from tests.http.pages.admin.test_actions import audit
from tests.http.pages.admin.test_customers import HOSTILE, signed_up

HEALTH, REPLAY = "/admin/health", "/admin/health/replay"
PRIVATE = "ada.private@example.com"
EVENT = {
    "id": "evt_dead",
    "object": "event",
    "type": "customer.updated",
    "data": {
        "object": {"object": "customer", "id": "cus_1", "email": PRIVATE, "metadata": {}},
    },
}


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.aws.stage.dead_letters.WAIT", 0)


def dies(desk: Dashboard, body: Any, **attributes: str) -> None:
    """A message goes to the dead letters, as ingestion puts it there."""
    desk.front.office.stage.sqs.send_message(
        QueueUrl=desk.front.office.stage.dead_letters,
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def dead_event(desk: Dashboard) -> None:
    dies(desk, EVENT, code="unreadable", reason="The field id is missing.")


def letter_ids(text: str) -> list[str]:
    return re.findall(r'name="id" value="([^"]+)"', text)


def dead(desk: Dashboard) -> list[str]:
    """What is in the dead-letter queue; looking hides it from nobody."""
    found = desk.front.office.stage.sqs.receive_message(
        QueueUrl=desk.front.office.stage.dead_letters, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [one["Body"] for one in found.get("Messages", [])]


def queue_row(text: str, name: str) -> list[str]:
    row = text.partition(f'<th scope="row">{name}<br>')[2].partition("</tr>")[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
    return [re.sub(r"<[^>]+>", "", cell) for cell in cells]


def test_an_idle_stage_has_empty_queues_and_no_dead_letters(desk: Dashboard) -> None:
    text = desk.with_key().opens(HEALTH).text
    for name in ("Events", "Act", "Mail", "Deliveries", "Dead letters"):
        assert queue_row(text, name) == ["0", "0", "–"]
    assert letter_ids(text) == []


def test_each_queue_is_shown_with_what_waits_and_what_is_in_work(desk: Dashboard) -> None:
    stage = desk.front.office.stage
    for number in range(3):
        stage.sqs.send_message(QueueUrl=stage.events_queue, MessageBody=f"{number}")
    stage.sqs.receive_message(QueueUrl=stage.events_queue, VisibilityTimeout=60)
    text = desk.with_key().opens(HEALTH).text
    assert queue_row(text, "Events") == ["2", "1", "Not counted here"]
    assert queue_row(text, "Mail") == ["0", "0", "–"]


def test_a_dead_letter_is_shown_with_kind_account_reason_and_age_and_without_its_payload(
    desk: Dashboard,
) -> None:
    dead_event(desk)
    dies(desk, {"account_id": "acc_ada", "key": "welcome@1"})
    dies(desk, {"sign_in": PRIVATE})
    text = desk.with_key().opens(HEALTH).text
    assert "customer.updated evt_dead" in text
    assert "The field id is missing." in text
    assert "welcome@1" in text
    assert '<a href="/admin/customers/acc_ada">acc_ada</a>' in text
    assert "second" in text
    assert PRIVATE not in text
    assert len(text) < 100_000
    assert len(dead(desk)) == 3, "looking takes nothing away"


def test_a_replayed_letter_is_in_its_queue_again_and_in_the_audit_log(desk: Dashboard) -> None:
    dead_event(desk)
    admin = desk.signed_in_by_key()
    (id,) = letter_ids(admin.opens(HEALTH).text)
    done = admin.sends(REPLAY, {"id": id, "sure": "yes", "why": "Mended"}, HEALTH)
    assert (done.status, done.path) == (303, f"{HEALTH}?sent=1&failed=0")
    assert "1 dead letter sent back" in admin.opens(done.path).text
    stage = desk.front.office.stage
    (waiting,) = stage.messages(stage.events_queue)
    assert json.loads(waiting["Body"]) == EVENT
    assert dead(desk) == []
    entry = audit(desk)[0]
    assert entry["action"] == "dead_letters.handled"
    assert entry["action"] in AUDITED
    assert entry["actor"].startswith("key:")
    assert entry["detail"] == {"letters": [id], "number": 1, "origin": "events", "why": "Mended"}


def test_all_letters_of_one_origin_are_replayed_and_the_others_stay(desk: Dashboard) -> None:
    dead_event(desk)
    dead_event(desk)
    dies(desk, {"account_id": "acc_ada", "key": "welcome@1"})
    done = desk.with_key().sends(REPLAY, {"origin": "events", "sure": "yes"}, HEALTH)
    assert done.path == f"{HEALTH}?sent=2&failed=0"
    assert [json.loads(body).get("key") for body in dead(desk)] == ["welcome@1"]


def test_what_ses_reported_is_taken_at_once(desk: Dashboard) -> None:
    ada = signed_up(desk, "ada@example.com")
    desk.front.works()
    report = {
        "eventType": "Delivery",
        "mail": {
            "messageId": "0100-a",
            "timestamp": clock.now().isoformat(),
            "destination": ["ada@example.com"],
            "tags": {"account": [ada], "step": ["welcome"], "occasion": ["1"]},
        },
        "delivery": {"timestamp": clock.now().isoformat()},
    }
    dies(desk, {"source": "aws.ses", "detail": report}, RULE_ARN="arn:aws:events:x:rule/r")
    done = desk.with_key().sends(REPLAY, {"origin": "feedback", "sure": "yes"}, HEALTH)
    assert done.path == f"{HEALTH}?sent=1&failed=0"
    entries, _ = wiring.timelines().page(ada, None, clock.now() + timedelta(minutes=1))
    assert "mail.delivered" in {entry.type for entry in entries}
    assert dead(desk) == []


def test_a_letter_of_no_known_origin_has_no_button_and_stays(desk: Dashboard) -> None:
    dies(desk, "hello")
    script = desk.with_key()
    assert letter_ids(script.opens(HEALTH).text) == []
    done = script.sends(REPLAY, {"origin": "unknown", "sure": "yes"})
    assert done.path == f"{HEALTH}?sent=0&failed=1"
    assert "1 could not be sent back" in script.opens(done.path).text
    assert dead(desk) == ["hello"]


def test_a_letter_that_is_gone_changes_nothing_and_leaves_no_entry(desk: Dashboard) -> None:
    script = desk.with_key()
    done = script.sends(REPLAY, {"id": "11111111-2222", "sure": "yes"})
    assert done.path == f"{HEALTH}?sent=0&failed=0"
    assert "None of them is here any more" in script.opens(done.path).text
    assert "dead_letters.handled" not in {entry["action"] for entry in audit(desk)}


def test_a_replay_needs_the_role_the_sessions_field_this_origin_and_the_box(
    desk: Dashboard,
) -> None:
    dead_event(desk)
    looks, acts = desk.signed_in("ben@acme.example"), desk.signed_in()
    wanted = {"origin": "events", "sure": "yes"}
    assert letter_ids(looks.opens(HEALTH).text) == [], "nothing to press for who only looks"
    assert "customer.updated" in looks.opens(HEALTH).text
    assert looks.sends(REPLAY, wanted).status == 403
    assert acts.posts(REPLAY, wanted).status == 403
    assert acts.posts(REPLAY, wanted | {"csrf": looks.csrf()}).status == 403
    assert acts.sends(REPLAY, wanted, Origin="https://evil.example").status == 403
    assert desk.posts(REPLAY, wanted).status == 401
    assert desk.opens(HEALTH).path == "/admin/sign-in"
    assert acts.sends(REPLAY, {"origin": "events"}).status == 400
    for nonsense in ({}, {"origin": "x"}, {"id": "x" * 101}, {"id": "\x1b[2J"}):
        assert acts.sends(REPLAY, nonsense | {"sure": "yes"}).status == 400
    assert len(dead(desk)) == 1
    assert acts.sends(REPLAY, wanted, Origin=OWN).status == 303


def test_a_replay_without_its_box_is_refused_at_its_form_which_keeps_what_was_typed(
    desk: Dashboard,
) -> None:
    dead_event(desk)
    acts = desk.signed_in()
    (id,) = letter_ids(acts.opens(HEALTH).text)
    refused = acts.sends(REPLAY, {"id": id, "why": "Mended & tried"}, HEALTH)
    assert refused.status == 400
    assert 'id="one-events-1" open' in refused.text
    assert 'aria-describedby="one-events-1-sure-error"' in refused.text
    assert 'value="Mended &amp; tried"' in refused.text
    assert len(dead(desk)) == 1
    assert "dead_letters.handled" not in {entry["action"] for entry in audit(desk)}


def test_a_hostile_letter_is_shown_as_text(desk: Dashboard) -> None:
    hostile = EVENT | {"id": HOSTILE, "type": "x\x1b[2J", "account": HOSTILE}
    dies(desk, hostile, code="unreadable", reason=f"{HOSTILE} \u202eevil")
    dies(desk, {"account_id": HOSTILE, "key": HOSTILE}, code="<b>")
    page = desk.with_key().opens(HEALTH)
    assert page.status == 200
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text
    assert "\\u202eevil" in page.text


def test_numbers_in_the_url_that_are_none_say_nothing(desk: Dashboard) -> None:
    script = desk.with_key()
    for query in ("sent=x&failed=1", "sent=1", "sent=%D9%A1&failed=0", "sent=-1&failed=0"):
        assert "sent back to" not in script.opens(f"{HEALTH}?{query}").text


def test_open_problems_are_shown_on_the_page_and_today(desk: Dashboard) -> None:
    states = wiring.services().stores.job_states
    now = clock.now()
    one = OpenCondition("UnknownPrices", now, now, details="price_<b>new</b>")
    known = states.load(OpenConditions) or OpenConditions()
    states.save(known, OpenConditions((one,)))
    for path in (HEALTH, "/admin"):
        text = desk.with_key().opens(path).text
        assert "A customer pays a price that billing.toml does not know" in text
        assert "price_&lt;b&gt;new" in text
