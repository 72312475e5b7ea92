"""The event bus and Slack in the local system: what goes out, and what is seen of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from local.http_server import Answer, Request, Server
from tests.fakes.services import ROOT
from tests.system.conftest import systems
from tests.system.local.test_permissions import allowed

POLICY = """
[bus]
name = "billing"

[slack]
happenings = ["trial.started", "payment.failed", "access.revoked"]
"""


@dataclass
class Slack:
    """Slack's end of an incoming webhook. `answers` are those to come, then 200."""

    answers: list[Answer] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Answer:
        assert request.path == "/services/T0/B0/SECRET"
        self.texts.append(json.loads(request.body)["text"])
        return self.answers.pop(0) if self.answers else Answer(200, b"ok", [])


@dataclass
class Stage:
    system: Client
    slack: Slack

    def signs_up(self, email: str, **fields: str) -> str:
        status, body = self.system.post("/signups", {"email": email, **fields})
        assert status == 201, body
        return str(body["account_id"])

    def outgoing(self, kind: str) -> list[dict[str, Any]]:
        status, calls = self.system.call("GET", "/_local/outgoing")
        assert status == 200
        return [call for call in calls if call["kind"] == kind]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    slack = Slack()
    server = Server(0, slack)
    server.start()
    policy: Path = tmp_path_factory.mktemp("policy") / "billing.toml"
    policy.write_text((ROOT / "chalicelib" / "billing.toml").read_text() + POLICY)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("POLICY", str(policy))
        patched.setenv("SLACK_WEBHOOK_URL", f"{server.base}/services/T0/B0/SECRET")
        with systems() as start:
            yield Stage(start(), slack)
    server.close()


def test_every_event_is_put_onto_the_bus_as_its_document(stage: Stage) -> None:
    account = stage.signs_up("ada@example.com", name="Ada Byron")
    stage.system.settle()
    status, page = stage.system.call("GET", f"/events?account_id={account}")
    assert status == 200
    documents = {event["id"]: event for event in page["events"]}
    assert len(documents) > 2
    entries = [entry for call in stage.outgoing("eventbridge") for entry in call["body"]["Entries"]]
    of_account = [
        (json.loads(entry["Detail"]), entry)
        for entry in entries
        if json.loads(entry["Detail"])["data"]["account_id"] == account
    ]
    assert {told["id"]: told for told, _ in of_account} == documents
    for told, entry in of_account:
        assert entry == {
            "Source": "billhook",
            "DetailType": told["type"],
            "Detail": entry["Detail"],
            "EventBusName": "billing",
            "Time": told["timestamp"],
        }


def test_slack_hears_of_who_signed_up_and_calls_nobody(stage: Stage) -> None:
    account = stage.signs_up("eve@example.com", name="Eve <!channel>")
    stage.system.settle()
    text = stage.slack.texts[-1]
    assert text.startswith("*trial.started* ")
    assert "(eve@example.com)" in text
    assert "<!channel>" not in text
    assert text.endswith(f"<{stage.system.base}/admin/customers/{account}|{account}>")
    call = stage.outgoing("slack")[-1]
    assert call["body"]["text"] == text
    assert "SECRET" not in json.dumps(call)


def test_a_burst_is_told_in_few_messages_with_their_number(stage: Stage) -> None:
    before = len(stage.slack.texts)
    for number in range(12):
        stage.signs_up(f"burst-{number}@example.com")
    stage.system.settle()
    said = stage.slack.texts[before:]
    told = [int(text.split()[0].strip("*")) if "happenings*" in text else 1 for text in said]
    assert sum(told) == 12
    assert len(said) < 8
    assert max(told) > 3


def test_what_slack_asks_to_wait_is_kept_by_the_clock(stage: Stage) -> None:
    assert stage.system.post("/_local/clock", {"advance": "1h"})[0] == 200
    before = len(stage.slack.texts)
    stage.slack.answers = [Answer(429, b"rate_limited", [("Retry-After", "120")])]
    stage.signs_up("limited@example.com")
    stage.system.settle()
    assert len(stage.slack.texts) == before + 1
    assert stage.system.post("/_local/clock", {"advance": "1m"})[0] == 200
    assert len(stage.slack.texts) == before + 1
    assert stage.system.post("/_local/clock", {"advance": "2m"})[0] == 200
    assert len(stage.slack.texts) == before + 2


def test_the_function_that_delivers_does_what_it_may_and_no_more(stage: Stage) -> None:
    status, calls = stage.system.call("GET", "/_local/calls")
    assert status == 200
    made = {(action, on) for action, on in calls["DeliverEvents"]}
    assert made <= allowed()["DeliverEvents"]
    assert ("events:PutEvents", "EventBus") in made
    assert ("ssm:GetParameter", "parameter/slack-webhook-url") in made
    others = [call for name, some in calls.items() if name != "DeliverEvents" for call in some]
    assert not [call for call in others if call[0].startswith("events:")]
