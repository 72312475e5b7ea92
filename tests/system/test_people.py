"""The local system with Intercom: what a customer's life looks like there, over real calls."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from local.intercom.server import IntercomServer
from tests.fakes.services import ROOT
from tests.system.conftest import systems

TOKEN = "dG9rOnBlb3BsZS1zZWNyZXQ"
OVER_STEP = 'message = "trial_three_days"'


@dataclass
class Stage:
    system: Client
    intercom: IntercomServer

    def outgoing(self) -> list[dict[str, Any]]:
        status, calls = self.system.call("GET", "/_local/outgoing")
        assert status == 200
        return [call for call in calls if call["kind"] == "people"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    intercom = IntercomServer(lambda: datetime.now(UTC), TOKEN)
    intercom.start()
    policy: Path = tmp_path_factory.mktemp("policy") / "billing.toml"
    shipped = (ROOT / "chalicelib" / "billing.toml").read_text()
    people = f'\n[people]\nto = "intercom"\nbase_url = "{intercom.base}"\n'
    policy.write_text(shipped.replace(OVER_STEP, 'via = "intercom"') + people)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("POLICY", str(policy))
        patched.setenv("PEOPLE_TOKEN", TOKEN)
        with systems() as start:
            yield Stage(start(), intercom)
    intercom.close()


def test_a_customer_is_there_from_the_trial_to_the_erasure(stage: Stage) -> None:
    status, body = stage.system.post("/signups", {"email": "ada@example.com", "name": "Ada"})
    assert status == 201, body
    account = body["account_id"]
    stage.system.settle()
    contact = stage.intercom.stand_in.of(account)
    assert contact["email"] == "ada@example.com"
    assert contact["custom_attributes"]["billing_reason"] == "trialing"
    assert contact["custom_attributes"]["billing_source"] is None
    names = [event["event_name"] for event in stage.intercom.stand_in.events]
    assert "trial-started" in names

    used = {"name": "invited_team"}  # who uses the product is who they say they are
    assert stage.system.post(f"/accounts/{account}/milestones", used)[0] == 204
    assert stage.system.post("/_local/clock", {"advance": "12d"})[0] == 200
    stage.system.settle()
    names = [event["event_name"] for event in stage.intercom.stand_in.events]
    assert "billhook-step-three_days" in names
    assert "three_days" not in [mail["step"] for mail in stage.system.mail(account)]

    admin = stage.system.call("GET", "/_local/state")[1]["admin_key"]
    headers = {"Authorization": f"Bearer {admin}"}
    assert stage.system.call("DELETE", f"/accounts/{account}", b"", headers)[0] == 202
    stage.system.settle()
    assert stage.intercom.stand_in.contacts == {}


def test_every_call_is_shown_without_the_token(stage: Stage) -> None:
    calls = stage.outgoing()
    assert {call["status"] for call in calls} >= {200, 404}
    assert TOKEN not in json.dumps(calls)
    made = next(one for one in calls if one["method"] == "POST" and one["to"].endswith("/contacts"))
    assert made["body"]["role"] == "user"
