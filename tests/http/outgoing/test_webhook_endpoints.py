"""The API of outgoing webhooks, and events that reach a receiver, through the functions on moto."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.entry.triggers.deliveries_queue import deliver_events
from chalicelib.entry.triggers.schedules import sweep_due
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from local.aws.lambda_context import LambdaContext
from tests.fakes.services import RECORDINGS
from tests.http.conftest import Answer, Stage
from tests.http.triggers.test_mail_queue import TICK

PATH = "/webhooks/endpoints"
URL = "https://app.example.com/hooks?token=a-token-that-no-log-may-hold"
FIELDS = {"id", "url", "events", "description", "status", "disabled_reason", "created_at"}
TRIAL = RECORDINGS["trial_converts"]


class Receiver:
    """Answers every call with `answer`."""

    def __init__(self) -> None:
        self.answer, self.got = CallAnswer(200), list[tuple[str, dict[str, str], bytes]]()

    def post(self, url: str, headers: dict[str, str], body: bytes) -> CallAnswer:
        self.got.append((url, headers, body))
        return self.answer


class Api:
    """The calls, with a write key."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.key = stage, stage.key("write")

    def call(self, method: str, path: str = "", body: Any = None) -> Answer:
        sent = b"" if body is None else json.dumps(body).encode()
        return self.stage.call(
            method,
            PATH + path,
            sent,
            Authorization=f"Bearer {self.key}",
            Content_Type="application/json",
        )

    def made(self, **fields: Any) -> dict[str, Any]:
        answer = self.call("POST", "", {"url": URL} | fields)
        assert answer.status == 201, answer.body
        return dict(answer.body)

    def delivers(self) -> None:
        """The function takes what is in the deliveries queue."""
        while waiting := self.stage.messages(settings().deliveries_queue_url):
            for one in waiting:
                record = {
                    "messageId": one["MessageId"],
                    "receiptHandle": one["ReceiptHandle"],
                    "body": one["Body"],
                }
                deliver_events({"Records": [record]}, LambdaContext("deliver_events", 60))
                self.stage.sqs.delete_message(
                    QueueUrl=settings().deliveries_queue_url, ReceiptHandle=one["ReceiptHandle"]
                )

    def log(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.call("GET", f"/{endpoint['id']}/deliveries")
        assert answer.status == 200
        return list(answer.body["deliveries"])


@pytest.fixture
def api(stage: Stage) -> Api:
    return Api(stage)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    receiver = Receiver()
    monkeypatch.setattr(wiring, "caller", lambda: receiver)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return receiver


def happens(stage: Stage) -> None:
    """Stripe tells of a customer whose trial ended long ago: one event, account.created."""
    stage.stripe.truth = TRIAL.truth(5)
    for event in TRIAL.events[:5]:
        assert stage.webhook(event).status == 200
    assert stage.work() == set()


def test_an_endpoint_is_made_listed_and_deleted(api: Api) -> None:
    made = api.made(events=["trial.started"], description="the product")
    assert made.keys() == FIELDS | {"secret"}
    assert (made["status"], made["disabled_reason"]) == ("enabled", None)
    assert made["events"] == ["trial.started"]
    assert made["secret"].startswith("whsec_")
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert api.call("GET").body == {"endpoints": [shown]}
    assert api.call("DELETE", f"/{made['id']}").status == 204
    assert api.call("GET").body == {"endpoints": []}
    assert api.call("DELETE", f"/{made['id']}").status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://app.example.com/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "http://127.0.0.1:3000/"}, "url"),
        ({"url": URL, "events": ["trial.begun"]}, "events"),
        ({"url": URL, "events": "trial.started"}, "events"),
        ({"url": URL, "description": "x" * 201}, "description"),
        ({"url": URL, "secret": "whsec_own"}, "secret"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(api: Api, body: dict[str, Any], field: str) -> None:
    answer = api.call("POST", "", body)
    assert (answer.status, answer.body["error"]["field"]) == (400, field)
    assert api.call("GET").body == {"endpoints": []}


def test_the_twenty_first_endpoint_is_refused(api: Api) -> None:
    for _ in range(20):
        api.made()
    answer = api.call("POST", "", {"url": URL})
    assert (answer.status, answer.body["error"]["code"]) == (409, "too_many")


def test_a_read_key_reads_and_every_change_needs_a_write_key(api: Api) -> None:
    id, api.key = api.made()["id"], api.stage.key("read")
    reads = [("GET", ""), ("GET", f"/{id}/deliveries")]
    changes = [("POST", ""), ("DELETE", f"/{id}")]
    changes += [("POST", f"/{id}/{verb}") for verb in ("rotate", "test", "enable", "replay")]
    assert {api.call(*one).status for one in reads} == {200}
    assert {api.call(*one).status for one in changes} == {403}
    assert {api.stage.call(method, PATH + path).status for method, path in reads + changes} == {401}


def test_an_unknown_endpoint_is_404_everywhere(api: Api) -> None:
    for method, path in (
        ("DELETE", "/we_1"),
        ("GET", "/we_1/deliveries"),
        ("POST", "/we_1/rotate"),
        ("POST", "/we_1/test"),
        ("POST", "/we_1/enable"),
        ("POST", "/we_1/replay"),
    ):
        body = {"since": "2026-03-02T09:00:00Z"} if path.endswith("replay") else None
        answer = api.call(method, path, body)
        assert (answer.status, answer.body["error"]["code"]) == (404, "endpoint_not_found")


def test_what_happens_reaches_the_endpoint_and_its_log(api: Api, receiver: Receiver) -> None:
    endpoint = api.made()
    happens(api.stage)
    api.delivers()
    got = {headers["webhook-id"]: json.loads(body) for _, headers, body in receiver.got}
    assert [body["type"] for body in got.values()] == ["account.created"]
    rows = api.log(endpoint)
    assert {row["event_id"] for row in rows} == set(got)
    (row,) = rows
    assert (row["status"], row["code"], row["attempt"]) == ("succeeded", 200, 1)
    assert row.keys() == {"id", "event_id", "type", "at", "attempt", "status", "code"}


def test_what_fails_waits_and_the_sweep_wakes_it(api: Api, receiver: Receiver) -> None:
    endpoint = api.made(events=["account.created"])
    receiver.answer = CallAnswer(500, head="oops")
    happens(api.stage)
    api.delivers()
    pending, failed = api.log(endpoint)
    assert (pending["status"], pending["attempt"], "code" in pending) == ("pending", 2, False)
    assert (failed["status"], failed["code"], failed["error"]) == (
        "failed",
        500,
        "The answer was 500: oops",
    )
    receiver.answer = CallAnswer(200)
    with pytest.MonkeyPatch.context() as later:
        later.setattr(clock, "_ahead", timedelta(minutes=1))
        sweep_due(TICK, LambdaContext("sweep_due", 60))
        api.delivers()
        assert [row["status"] for row in api.log(endpoint)] == ["succeeded", "failed"]


def test_a_replay_delivers_again_and_says_how_many(api: Api, receiver: Receiver) -> None:
    happens(api.stage)
    endpoint = api.made(events=["account.created", "trial.started"])
    answer = api.call("POST", f"/{endpoint['id']}/replay", {"since": "2020-01-01T00:00:00Z"})
    assert (answer.status, answer.body) == (202, {"count": 1})
    api.delivers()
    assert len(receiver.got) == 1
    chosen = {"since": "2020-01-01T00:00:00Z", "types": ["trial.started"]}
    assert api.call("POST", f"/{endpoint['id']}/replay", chosen).body == {"count": 0}
    wrong = api.call("POST", f"/{endpoint['id']}/replay", chosen | {"types": ["x"]})
    assert (wrong.status, wrong.body["error"]["field"]) == (400, "types")
    missing = api.call("POST", f"/{endpoint['id']}/replay", {})
    assert (missing.status, missing.body["error"]["field"]) == (400, "since")


def test_a_test_event_arrives_and_a_410_disables_until_enabled(
    api: Api, receiver: Receiver
) -> None:
    endpoint = api.made()
    receiver.answer = CallAnswer(410)
    assert api.call("POST", f"/{endpoint['id']}/test").status == 202
    api.delivers()
    event = json.loads(receiver.got[0][2])
    assert event["type"] == "billhook.test"
    assert set(event) == {"id", "type", "timestamp", "data"}
    assert event["data"] == {"endpoint_id": endpoint["id"], "livemode": False}
    (shown,) = api.call("GET").body["endpoints"]
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
    enabled = api.call("POST", f"/{endpoint['id']}/enable")
    assert (enabled.status, enabled.body["status"]) == (200, "enabled")
    assert enabled.body["disabled_reason"] is None


def test_a_disabled_endpoint_gets_a_test_event_at_once_and_a_replay_once_enabled(
    api: Api, receiver: Receiver
) -> None:
    happens(api.stage)
    endpoint = api.made(events=["account.created"])
    receiver.answer = CallAnswer(410)
    assert api.call("POST", f"/{endpoint['id']}/test").status == 202
    api.delivers()
    receiver.answer, receiver.got = CallAnswer(200), []
    span = {"since": "2020-01-01T00:00:00Z"}
    assert api.call("POST", f"/{endpoint['id']}/replay", span).body == {"count": 1}
    assert api.call("POST", f"/{endpoint['id']}/test").status == 202
    api.delivers()
    assert api.call("POST", f"/{endpoint['id']}/enable").status == 200
    api.delivers()
    got = [json.loads(body)["type"] for _, _, body in receiver.got]
    assert got == ["billhook.test", "account.created"]


def test_a_rotation_tells_the_new_secret(api: Api) -> None:
    made = api.made()
    answer = api.call("POST", f"/{made['id']}/rotate")
    assert answer.status == 200
    assert answer.body.keys() == {"secret"}
    assert answer.body["secret"] != made["secret"]


def test_neither_secret_nor_url_is_logged(api: Api, receiver: Receiver) -> None:
    made = api.made()
    receiver.answer = CallAnswer(500, head="a-token-that-no-log-may-hold")
    happens(api.stage)
    api.delivers()
    said = api.stage.everything_said()
    (line,) = api.stage.logged("Events were delivered")
    assert (line["endpoint_id"], line["succeeded"], line["failed"]) == (made["id"], 0, 1)
    assert line["events"][0].endswith("account.created attempt 1 500")
    assert "a-token-that-no-log-may-hold" not in said
    assert made["secret"].removeprefix("whsec_") not in said


def test_the_log_has_pages(api: Api, receiver: Receiver) -> None:
    endpoint = api.made()
    for _ in range(60):
        assert api.call("POST", f"/{endpoint['id']}/test").status == 202
    api.delivers()
    first = api.call("GET", f"/{endpoint['id']}/deliveries").body
    second = api.call("GET", f"/{endpoint['id']}/deliveries?cursor={first['cursor']}").body
    rows = [*first["deliveries"], *second["deliveries"]]
    assert (len(first["deliveries"]), len(rows), second["cursor"]) == (50, 60, None)
    assert len({row["id"] for row in rows}) == 60
    times = [row["at"] for row in rows]
    assert times == sorted(times, reverse=True)
    for id, cursor in ((endpoint["id"], "nonsense"), (api.made()["id"], first["cursor"])):
        wrong = api.call("GET", f"/{id}/deliveries?cursor={cursor}")
        assert (wrong.status, wrong.body["error"]["field"]) == (400, "cursor")
