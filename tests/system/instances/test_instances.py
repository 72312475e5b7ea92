"""Instances in the local system: a provisioner on this machine, and a customer's life."""

import hashlib
import hmac
import json
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from local.http_server import Answer, Request, Server, json_answer
from tests.fakes.services import ROOT
from tests.system.conftest import systems
from tests.system.local.test_permissions import allowed

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBwcm92aXNpb25lcidzIGNhbGxz"
POLICY = """
[instance]
target = "{target}"
hosts = ["127.0.0.1"]
suspend_after_hours = 24
delete_after_days = 30

[operators]
mail = ["team@acme.example"]
signup = false
digest = false
"""
DONE = {"create": "ready", "resume": "ready", "suspend": "suspended", "delete": "deleted"}


@dataclass
class Provisioner:
    """The owner's end. `answer` replaces its own answer."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Answer] | None = None

    def __call__(self, request: Request) -> Answer:
        told = json.loads(request.body)
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert is_signed(headers, request.body)
        self.asked.append(told)
        self.headers.append(headers)
        if self.answer:
            return self.answer(told)
        url = f"http://127.0.0.1:8100/{told['account']['id']}"
        return json_answer({"status": DONE[told["action"]], "url": url})


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    """By Standard Webhooks, as the receiver checks it."""
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = b64decode(SECRET.removeprefix("whsec_"))
    expected = hmac.new(key, text, hashlib.sha256).digest()
    return any(
        hmac.compare_digest(b64decode(one.removeprefix("v1,")), expected)
        for one in headers["webhook-signature"].split()
    )


@dataclass
class Stage:
    system: Client
    provisioner: Provisioner

    def signs_up(self, email: str) -> str:
        status, body = self.system.post("/signups", {"email": email})
        assert status == 201, body
        return str(body["account_id"])

    def instance(self, account: str) -> dict[str, Any]:
        status, body = self.system.call("GET", f"/accounts/{account}")
        assert status == 200
        found: dict[str, Any] = body["instance"]
        return found

    def asked(self, account: str) -> list[dict[str, Any]]:
        return [one for one in self.provisioner.asked if one["account"]["id"] == account]

    def reports(self, account: str, **told: str) -> tuple[int, Any]:
        sent, kind = json.dumps(told).encode(), {"Content-Type": "application/json"}
        return self.system.call("PUT", f"/accounts/{account}/instance", sent, kind)

    def advances(self, by: str) -> None:
        assert self.system.post("/_local/clock", {"advance": by})[0] == 200


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    provisioner = Provisioner()
    server = Server(0, provisioner)
    server.start()
    policy: Path = tmp_path_factory.mktemp("policy") / "billing.toml"
    table = POLICY.format(target=f"{server.base}/instances")
    policy.write_text((ROOT / "chalicelib" / "billing.toml").read_text() + table)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("POLICY", str(policy))
        patched.setenv("INSTANCE_SECRET", SECRET)
        patched.setenv("DELIVERY_SECONDS", "1")
        with systems() as start:
            yield Stage(start(), provisioner)
    server.close()


@pytest.fixture(autouse=True)
def as_usual(stage: Stage) -> None:
    stage.provisioner.answer = None


def test_a_signup_has_its_instance_once_the_system_is_idle(stage: Stage) -> None:
    account = stage.signs_up("ada@example.com")
    stage.system.settle()
    found = stage.instance(account)
    assert (found["status"], found["wanted"]) == ("ready", "ready")
    assert found["url"] == f"http://127.0.0.1:8100/{account}"
    (asked,) = stage.asked(account)
    assert (asked["action"], asked["request_id"]) == ("create", found["request_id"])
    assert asked["account"]["email"] == "ada@example.com"


def test_each_call_is_among_the_sent_requests_without_the_secret(stage: Stage) -> None:
    account = stage.signs_up("bob@example.com")
    stage.system.settle()
    _, calls = stage.system.call("GET", "/_local/outgoing")
    (call,) = [
        one
        for one in calls
        if one["kind"] == "instance" and json.loads(one["body"])["account"]["id"] == account
    ]
    assert call["status"] == 200
    assert call["headers"]["webhook-id"] == json.loads(call["body"])["request_id"]
    assert SECRET not in json.dumps(calls)


def test_the_clock_plays_every_retry_and_a_life_to_its_end(stage: Stage) -> None:
    tries = iter(range(100))
    stage.provisioner.answer = lambda told: (
        Answer(500, b"down", [])
        if next(tries) < 3
        else json_answer({"status": DONE[told["action"]], "url": "http://127.0.0.1:8100/eve"})
    )
    account = stage.signs_up("eve@example.com")
    stage.system.settle()
    assert stage.instance(account)["status"] == "creating"
    stage.advances("5m")
    assert stage.instance(account)["status"] == "ready"
    assert len({one["request_id"] for one in stage.asked(account)}) == 1
    used = {"name": "connected_data"}  # by somebody, so that the account is not forgotten
    assert stage.system.post(f"/accounts/{account}/milestones", used)[0] == 204
    stage.advances("16d")
    assert stage.instance(account)["status"] == "suspended"
    stage.advances("31d")
    assert stage.instance(account)["status"] == "deleted"
    actions = [one["action"] for one in stage.asked(account)]
    assert actions == ["create"] * 4 + ["suspend", "delete"]


def test_who_waits_in_vain_is_written_to_once_it_is_ready(stage: Stage) -> None:
    """Whose address nobody has proved too: the page that they wait at promises it."""
    stage.provisioner.answer = lambda told: Answer(500, b"down", [])
    account = stage.signs_up("zoe@example.com")
    stage.advances("2h")
    assert stage.instance(account)["status"] == "stalled"
    url = "http://127.0.0.1:8100/zoe"
    report = json.dumps({"status": "ready", "url": url}).encode()
    json_body = {"Content-Type": "application/json"}
    assert stage.system.call("PUT", f"/accounts/{account}/instance", report, json_body)[0] == 204
    stage.system.settle()
    (mail,) = [one for one in stage.system.mail(account) if one["step"] == "instance_ready"]
    assert mail["to"] == "zoe@example.com"
    assert url in mail["text"]


def hangs(told: dict[str, Any]) -> Answer:
    time.sleep(1.5)
    return json_answer({"status": "ready", "url": "http://127.0.0.1:8100/late"})


FAULTS: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "hangs": hangs,
    "a megabyte": lambda told: Answer(200, b'{"status": "ready"}' + b" " * 2**20, []),
    "no JSON": lambda told: Answer(200, b"<html>", []),
    "elsewhere": lambda told: json_answer({"status": "ready", "url": "https://evil.example/"}),
    "a script": lambda told: json_answer({"status": "ready", "url": "javascript:alert(1)"}),
    "a redirect": lambda told: Answer(302, b"", [("Location", "http://127.0.0.1:1/")]),
    "broken": lambda told: Answer(500, b"broken", []),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_provisioner_with_a_fault_is_asked_again_and_one_instance_is_left(
    stage: Stage, fault: str
) -> None:
    stage.provisioner.answer = FAULTS[fault]
    account = stage.signs_up(f"{fault.replace(' ', '-')}@example.com")
    stage.system.settle()
    found = stage.instance(account)
    assert (found["status"], found["url"]) == ("creating", None)
    stage.provisioner.answer = None
    stage.advances("20m")
    assert stage.instance(account)["status"] == "ready"
    assert {one["action"] for one in stage.asked(account)} == {"create"}
    assert len({one["request_id"] for one in stage.asked(account)}) == 1


def test_two_days_down_stall_and_tell_the_team_once(stage: Stage) -> None:
    stage.provisioner.answer = FAULTS["broken"]
    account = stage.signs_up("down@example.com")
    stage.system.settle()
    stage.advances("2d")
    found = stage.instance(account)
    assert (found["status"], found["wanted"]) == ("stalled", "ready")
    mails = stage.system.mail()
    told = [one for one in mails if one["subject"].endswith(f"Instance has stalled: {account}")]
    assert [one["to"] for one in told] == ["team@acme.example"]
    stage.provisioner.answer = None
    operator = {"Authorization": f"Bearer {stage.system.state()['admin_key']}"}
    path = f"/accounts/{account}/instance/retry"
    assert stage.system.call("POST", path, headers=operator)[0] == 202
    stage.system.settle()
    assert stage.instance(account)["status"] == "ready"
    assert len({one["request_id"] for one in stage.asked(account)}) == 1


def test_what_is_reported_twice_or_late_ends_the_same(stage: Stage) -> None:
    stage.provisioner.answer = lambda told: Answer(202, b"", [])
    account = stage.signs_up("later@example.com")
    stage.system.settle()
    asked = stage.instance(account)["request_id"]
    url = "http://127.0.0.1:8100/later"
    told = {"status": "ready", "url": url, "request_id": asked}
    for _ in range(2):
        assert stage.reports(account, **told)[0] == 204
    stage.provisioner.answer = FAULTS["broken"]
    stage.advances("2h")
    assert (stage.instance(account)["status"], len(stage.asked(account))) == ("ready", 1)
    old = told | {"request_id": f"{account}.0.0.create"}
    status, answer = stage.reports(account, **old)
    assert (status, answer["error"]["field"]) == (409, "request_id")


def test_the_function_that_calls_may_do_what_it_does(stage: Stage) -> None:
    status, calls = stage.system.call("GET", "/_local/calls")
    assert status == 200
    may = allowed()
    made = {(action, on) for action, on in calls["DeliverEvents"]}
    assert ("ssm:GetParameter", "parameter/instance-secret") in made
    for function, some in calls.items():
        assert {(action, on) for action, on in some} <= may[function]
