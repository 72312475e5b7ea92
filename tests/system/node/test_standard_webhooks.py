"""A receiver in node that verifies by the library of Standard Webhooks takes every delivery, and
refuses a changed one.
"""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.client import Client

PATH = "/webhooks/endpoints"


@dataclass
class Receiver:
    base: str
    system: Client
    secret: str = ""
    known: list[dict[str, Any]] = field(default_factory=list)

    def verified(self) -> list[dict[str, Any]]:
        """What it took so far; from now on it has the secret, and the time of the system."""
        now = datetime.fromisoformat(self.system.state()["now"]).timestamp()
        told = self._post("/set", json.dumps({"secret": self.secret, "now": now}).encode(), {})
        return list(json.loads(told[1]))

    def takes(self, body: str, headers: Mapping[str, str]) -> int:
        """The status of its answer to such a request."""
        return self._post("/hooks", body.encode(), headers)[0]

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        request = urllib.request.Request(self.base + path, body, dict(headers))
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()


@pytest.fixture(scope="module")
def own(start_system: Callable[..., Client]) -> Client:
    return start_system()


@pytest.fixture
def receiver(own: Client, node_modules: Path) -> Iterator[Receiver]:
    script = Path(__file__).with_name("receiver.cjs")
    command = ["node", str(script), str(node_modules / "standardwebhooks")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        made = Receiver(f"http://127.0.0.1:{process.stdout.readline().strip()}", own)
        status, endpoint = own.post(PATH, {"url": f"{made.base}/hooks"})
        assert status == 201, endpoint
        made.secret, made.known = endpoint["secret"], [endpoint]
        made.verified()
        yield made
        own.call("DELETE", f"{PATH}/{endpoint['id']}")
        process.kill()


def rows(receiver: Receiver) -> list[dict[str, Any]]:
    (endpoint,) = receiver.known
    status, body = receiver.system.call("GET", f"{PATH}/{endpoint['id']}/deliveries")
    assert status == 200
    return list(body["deliveries"])


def signs_up(system: Client, email: str) -> None:
    name = {"email": email, "name": "Zoë Müller 🚀"}
    assert Client(system.base).post("/signups", name)[0] == 201
    system.settle()


def test_every_delivery_is_taken_and_a_changed_one_refused(receiver: Receiver) -> None:
    signs_up(receiver.system, "zoe@example.com")
    taken = receiver.verified()
    assert taken
    log = rows(receiver)
    assert {row["status"] for row in log} == {"succeeded"}
    assert {row["event_id"] for row in log} == {one["id"] for one in taken}
    kept = ("webhook-id", "webhook-timestamp", "webhook-signature")
    one = taken[0]
    body, headers = one["body"], {name: one["headers"][name] for name in kept}
    assert receiver.takes(body, headers) == 204, "the same again, by hand"
    assert receiver.takes(body + " ", headers) == 400
    assert receiver.takes(body.replace('"sequence":', '"sequence": '), headers) == 400
    assert receiver.takes(body, headers | {"webhook-id": "another"}) == 400
    moved = str(int(headers["webhook-timestamp"]) + 1)
    assert receiver.takes(body, headers | {"webhook-timestamp": moved}) == 400
    assert receiver.takes(body, headers | {"webhook-signature": "v1,AAAA"}) == 400


def test_both_secrets_are_good_while_they_overlap(receiver: Receiver) -> None:
    system, (endpoint,) = receiver.system, receiver.known
    status, told = system.post(f"{PATH}/{endpoint['id']}/rotate", {})
    assert status == 200
    before = len(receiver.verified())
    signs_up(system, "old-secret@example.com")
    old = len(receiver.verified())
    assert old > before, "the receiver still has the old secret"
    receiver.secret = told["secret"]
    receiver.verified()
    signs_up(system, "new-secret@example.com")
    assert len(receiver.verified()) > old
    assert {row["status"] for row in rows(receiver)} == {"succeeded"}
