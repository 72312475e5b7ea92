"""Events reach receivers on this machine: verified by a receiver's own library, retried by the
clock, and delayed by nobody.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from local.client import Client
from tests.adapters.outgoing.receivers import Receiver, Respond, answer, hang, receiving

PATH = "/webhooks/endpoints"


@pytest.fixture(scope="module")
def own(start_system: Callable[..., Client]) -> Client:
    """A system whose deliveries may take two seconds."""
    return start_system(DELIVERY_SECONDS="2")


@pytest.fixture
def system(own: Client) -> Iterator[Client]:
    """The system, without endpoints before and after."""
    yield own
    for endpoint in own.call("GET", PATH)[1]["endpoints"]:
        assert own.call("DELETE", f"{PATH}/{endpoint['id']}")[0] == 204


def made(system: Client, receiver: Receiver, *events: str) -> dict[str, Any]:
    status, endpoint = system.post(PATH, {"url": receiver.url(), "events": list(events)})
    assert status == 201, endpoint
    return dict(endpoint)


def signs_up(system: Client) -> str:
    email = f"ada-{secrets.token_hex(4)}@example.com"
    status, body = Client(system.base).post("/signups", {"email": email})
    assert status == 201, body
    return str(body["account_id"])


def got(receiver: Receiver, secret: str) -> list[dict[str, Any]]:
    """The events that came, each verified. The library looks at the real clock, so its idea of
    the time is put to that of the header, which the system's clock may have left far behind.
    """
    events = []
    for request in receiver.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.decode().partition(": ") for line in head.split(b"\r\n")[1:]]
        headers = {name.lower(): value for name, _, value in lines}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                Webhook, "_Webhook__verify_timestamp", lambda self, header: _moment(header)
            )
            event = Webhook(secret).verify(body.decode(), headers)
        assert event["id"] == headers["webhook-id"]
        events.append(event)
    return events


def _moment(header: str) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(header), UTC)


def outgoing(system: Client) -> list[dict[str, Any]]:
    status, calls = system.call("GET", "/_local/outgoing")
    assert status == 200
    return [call for call in calls if call["kind"] == "webhook"]


def log(system: Client, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    status, body = system.call("GET", f"{PATH}/{endpoint['id']}/deliveries")
    assert status == 200, body
    return list(body["deliveries"])


def test_a_signup_reaches_a_receiver_whose_library_verifies_it(system: Client) -> None:
    with receiving(answer(200)) as receiver:
        endpoint = made(system, receiver)
        account = signs_up(system)
        system.settle()
        events = got(receiver, endpoint["secret"])
        system.settle()
        assert len(receiver.requests) == len(events), "each once"
    mine = [event for event in events if event["data"]["account_id"] == account]
    assert {"account.created", "trial.started"} <= {event["type"] for event in mine}
    assert sorted(event["sequence"] for event in mine) == list(range(1, len(mine) + 1))
    calls = [call for call in outgoing(system) if call["to"] == endpoint["url"]]
    assert {json.loads(call["body"])["id"] for call in calls} == {event["id"] for event in events}
    assert endpoint["secret"] not in json.dumps(calls)


def test_the_clock_plays_every_retry_on_the_way(system: Client) -> None:
    with receiving(answer(503)) as receiver:
        endpoint = made(system, receiver, "trial.started")
        signs_up(system)
        system.settle()
        assert len(receiver.requests) == 1
        assert system.post("/_local/clock", {"advance": "76h"})[0] == 200
        assert len(receiver.requests) == 10
    rows = log(system, endpoint)
    assert [row["attempt"] for row in rows] == list(range(10, 0, -1))
    assert {row["code"] for row in rows} == {503}
    assert system.state()["stuck"] == []


def test_a_receiver_that_hangs_delays_no_other_one(system: Client) -> None:
    with receiving(hang) as ill, receiving(answer(200)) as well:
        slow, quick = made(system, ill, "trial.started"), made(system, well, "trial.started")
        signs_up(system)
        system.settle()
        times = {row["status"]: row["at"] for one in (slow, quick) for row in log(system, one)}
        assert times["succeeded"] < times["failed"], "it did not wait for the other one's time-out"
        error = next(row for row in log(system, slow) if row["status"] == "failed")["error"]
        assert error == "No answer came within 2 seconds."


@pytest.mark.parametrize(
    ("respond", "error"),
    [
        (answer(302, b"", "Location: http://127.0.0.1:1/"), "redirects are not followed"),
        (answer(500, b"x" * 10_000_000), "The answer was 500: xxx"),
    ],
)
def test_redirects_and_huge_answers_fail_and_are_told(
    system: Client, respond: Respond, error: str
) -> None:
    with receiving(respond) as receiver:
        endpoint = made(system, receiver, "trial.started")
        signs_up(system)
        system.settle()
    pending, failed = log(system, endpoint)
    assert (pending["status"], failed["status"]) == ("pending", "failed")
    assert error in failed["error"]


def test_a_receiver_that_is_gone_is_asked_no_more_until_it_is_enabled(system: Client) -> None:
    with receiving(answer(410)) as receiver:
        endpoint = made(system, receiver, "trial.started")
        signs_up(system)
        state = system.settle()
        assert state["stuck"] == []
        (shown,) = system.call("GET", PATH)[1]["endpoints"]
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
        assert system.post("/_local/clock", {"advance": "1h"})[0] == 200
        assert len(receiver.requests) == 1
        receiver.respond = answer(204)
        assert system.post(f"{PATH}/{endpoint['id']}/enable", {})[0] == 200
        system.settle()
        assert len(receiver.requests) == 2
    assert [row["status"] for row in log(system, endpoint)] == ["succeeded", "failed"]


def test_a_test_event_and_a_replay_arrive_at_once(system: Client) -> None:
    with receiving(answer(200)) as receiver:
        account = signs_up(system)
        system.settle()
        endpoint = made(system, receiver)
        assert system.post(f"{PATH}/{endpoint['id']}/test", {})[0] == 202
        status, body = system.post(
            f"{PATH}/{endpoint['id']}/replay",
            {"since": "2020-01-01T00:00:00Z", "types": ["trial.started"]},
        )
        assert status == 202
        assert body["count"] >= 1
        system.settle()
        events = got(receiver, endpoint["secret"])
    assert len(events) == 1 + body["count"]
    assert account in {event["data"].get("account_id") for event in events}
    assert "billhook.test" in {event["type"] for event in events}


def test_the_metadata_address_is_refused_here_too(system: Client) -> None:
    for url in ("http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/"):
        status, body = system.post(PATH, {"url": url})
        assert (status, body["error"]["field"]) == (400, "url")
