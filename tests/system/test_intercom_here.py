"""The Intercom of the local system: when it runs, whom it lets in, and how it is looked at."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from chalicelib.domain.people.intercom import VERSION
from chalicelib.runtime import wiring
from local.client import Client
from local.control_room.control import Control, Facts
from local.http_server import Answer, Request
from local.intercom.server import IntercomServer
from local.policies import use_policy
from tests.fakes.services import ROOT

TOKEN = "dG9rOmxvY2Fs"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
RIGHT = {"Authorization": f"Bearer {TOKEN}", "Intercom-Version": VERSION}
ADA = {"role": "user", "external_id": "acc_ada", "email": "ada@example.com", "name": "Ada"}


@pytest.fixture
def intercom() -> Iterator[IntercomServer]:
    server = IntercomServer(lambda: NOW, TOKEN)
    server.start()
    yield server
    server.close()


def posts(intercom: IntercomServer, path: str, content: Any, **headers: str) -> tuple[int, Any]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Client(intercom.base).call("POST", path, body, RIGHT | headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Authorization": "Bearer stolen"}, 401), ({"Intercom-Version": "2.14"}, 400)],
)
def test_it_takes_nothing_without_the_token_or_of_another_version(
    intercom: IntercomServer, headers: dict[str, str], status: int
) -> None:
    assert posts(intercom, "/contacts", ADA, **headers)[0] == status
    assert posts(intercom, "/contacts", b"{")[0] == 400
    assert intercom.contacts() == []


def test_a_contact_is_shown_with_its_events(intercom: IntercomServer) -> None:
    seconds = int(NOW.timestamp())
    for name, type in (("trial_ends_at", "date"), ("mrr", "float")):
        about = {"name": name, "model": "contact", "data_type": type}
        assert posts(intercom, "/data_attributes", about)[0] == 200
    attributes = {"trial_ends_at": seconds, "mrr": None}
    assert posts(intercom, "/contacts", ADA | {"custom_attributes": attributes})[0] == 200
    for name in ("trial-started", "billhook-step-tips"):
        paid = {"amount": 4900, "currency": "usd"}
        event = {"event_name": name, "created_at": seconds, "user_id": "acc_ada"}
        assert posts(intercom, "/events", event | {"metadata": {"amount": paid}})[0] == 202
    page = shown(intercom, "/_local/intercom/acc_ada").body.decode()
    assert page.index("billhook-step-tips") < page.index("trial-started"), "the newest first"
    assert page.count("A message that Intercom sends") == 1
    assert "<dt>trial_ends_at</dt><dd>2 Mar 2026, 09:00</dd>" in page
    assert "<dt>mrr</dt><dd>–</dd>" in page
    assert "$49.00" in page
    assert "ada@example.com" in shown(intercom, "/_local/intercom").body.decode()
    told = json.loads(shown(intercom, "/_local/intercom", "application/json").body)
    assert [one["external_id"] for one in told["contacts"]] == ["acc_ada"]
    assert shown(intercom, "/_local/intercom/acc_bob").status == 404


def test_a_list_is_read_page_by_page(intercom: IntercomServer) -> None:
    for name in ("ada", "bob"):
        person = {"external_id": name, "email": f"{name}@example.com"}
        assert posts(intercom, "/contacts", ADA | person)[0] == 200
    reader = Client(intercom.base)
    status, page = reader.call("GET", "/contacts?per_page=1", headers=RIGHT)
    assert (status, [one["external_id"] for one in page["data"]]) == (200, ["ada"])
    after = page["pages"]["next"]["starting_after"]
    _, page = reader.call("GET", f"/contacts?per_page=1&starting_after={after}", headers=RIGHT)
    assert [one["external_id"] for one in page["data"]] == ["bob"]


def test_where_it_does_not_run_its_page_says_so() -> None:
    assert "No Intercom runs here" in shown(None, "/_local/intercom").body.decode()


@pytest.mark.parametrize("runs", [True, False])
def test_nobody_unsubscribes_who_is_no_contact(intercom: IntercomServer, runs: bool) -> None:
    there = intercom if runs else None
    assert shown(there, "/_local/intercom/acc_bob/unsubscribe", method="POST").status == 404


def shown(
    intercom: IntercomServer | None, path: str, accept: str = "text/html", method: str = "GET"
) -> Answer:
    parts = MagicMock()
    parts.intercom = intercom
    headers = Message()
    headers["Host"], headers["Accept"] = "127.0.0.1:8000", accept
    control = Control(Facts("key", "whsec_secret", "http://127.0.0.1:9", "", True), parts)
    return control(Request(method, path, [], headers, b"", "127.0.0.1"))


@pytest.mark.parametrize(
    ("base_url", "token", "stands_in"),
    [
        ("https://api.eu.intercom.io", "", True),
        ("https://api.eu.intercom.io", TOKEN, False),
        ("http://127.0.0.1:9999", "", False),
    ],
)
def test_it_stands_in_for_the_intercom_of_a_policy_that_nobody_has_a_token_for(
    base_url: str, token: str, stands_in: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "policy", wiring.policy)
    monkeypatch.setenv("PEOPLE_TOKEN", token)
    policy = tmp_path / "billing.toml"
    shipped = (ROOT / "chalicelib" / "billing.toml").read_text(encoding="utf-8")
    policy.write_text(f'{shipped}\n[people]\nto = "intercom"\nbase_url = "{base_url}"\n')
    intercom = use_policy(policy)
    people = wiring.policy().people
    assert people
    assert people.base_url == (intercom.base if intercom else base_url)
    assert (intercom is not None) is stands_in
    if intercom:
        intercom.close()
