"""What products send and get over HTTP stays: fields, stored answers, stored timelines.

`data/http.json` is not generated anew: a field may be added to it, and none leaves it without a
release note.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message as Headers
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec import to_builtins

from app import app
from chalicelib.aws.events.timeline import entry_of
from chalicelib.aws.items import account_item, account_text
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.api_keys import ApiKey
from chalicelib.entry.http.openapi.document import document
from chalicelib.entry.http.openapi.route import routes
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.links import Links
from chalicelib.runtime.settings import settings
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from local.aws.api_gateway import ApiGateway
from local.http_server import Request
from ops.recovery.replay.timeline_events import kept_facts
from tests.fakes.services import POLICY, FakeServices
from tests.golden.additions import without_additions

DATA = Path(__file__).parent / "data"
HTTP: dict[str, Any] = json.loads((DATA / "http.json").read_text())
STORED = json.loads((DATA / "trial.json").read_text())
ENTRIES = [
    item for item in json.loads((DATA / "table.json").read_text()) if "LOG#" in item["sk"]["S"]
]
NOW = datetime(2026, 3, 22, 9, 30, tzinfo=UTC)
SETTINGS = (
    "STAGE",
    "LIVEMODE",
    "TABLE_NAME",
    "EVENTS_QUEUE_URL",
    "DEAD_LETTERS_QUEUE_URL",
    "ACT_QUEUE_URL",
    "MAIL_QUEUE_URL",
    "DELIVERIES_QUEUE_URL",
    "WEBHOOKS",
    "PARAMETERS_PATH",
)
"""The variables without which a function does not start."""


class Timelines:
    """The stored timeline of the account."""

    def page(self, account_id: str, cursor: str | None, now: datetime) -> tuple[list[Any], None]:
        owned = [item for item in ENTRIES if item["pk"]["S"] == f"ACCOUNT#{account_id}"]
        return [entry_of(item) for item in reversed(owned)], None


class AnyKey:
    """Every API key opens."""

    def check(self, authorization: str | None, scope: str, now: datetime) -> ApiKey:
        """The key is not looked at."""
        return ApiKey("golden", "golden", "admin", "", NOW)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServices]:
    """The account and the answers that an older release stored; no Stripe to do anything at."""
    made = FakeServices(policy=POLICY)
    made.accounts.items["acc_golden"] = STORED["item"]
    made.accounts.owners |= STORED["owners"]
    made.responses.kept = {("acc_golden", key): text for key, text in HTTP["kept"].items()}
    made.now.at = NOW
    for name, value in {
        "services": made.services,
        "accounts": made.accounts,
        "timelines": Timelines(),
        "key_ring": AnyKey(),
        "links": Links("https://b.example", lambda: ["link-key"]),
    }.items():
        monkeypatch.setattr(wiring, name, lambda value=value: value)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    for name in SETTINGS:
        monkeypatch.setenv(name, "test")
    settings.cache_clear()
    yield made
    settings.cache_clear()


def call(method: str, target: str, body: Any = None, key: str = "") -> tuple[int, Any]:
    """One call of the product's: the status and the body of its answer."""
    parts, headers = urlsplit(target), Headers()
    headers["Content-Type"] = "application/json"
    headers["Authorization"] = "Bearer x"
    if key:
        headers["Idempotency-Key"] = key
    sent = b"" if body is None else json.dumps(body).encode()
    answer = ApiGateway(app)(
        Request(method, parts.path, parse_qsl(parts.query), headers, sent, "127.0.0.1")
    )
    return answer.status, json.loads(answer.body or b"null")


def names_of(schema: Any, schemas: Any) -> Any:
    """The names of a schema's fields, and which are required: all of it that programs rely on."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type")
    if "properties" in schema:
        required = schema.get("required", [])
        return {
            name + ("!" if name in required else ""): names_of(one, schemas)
            for name, one in sorted(schema["properties"].items())
        }
    if kind == "array" or "items" in schema:
        return [names_of(schema["items"], schemas)]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return {several: [names_of(one, schemas) for one in schema[several]]}
    return schema.get("enum") or schema.get("const") or kind


def contract() -> dict[str, Any]:
    """Each call with the names in its path, query, headers, body and answers; a page as such."""
    whole = document(routes(app.routes), "https://b.example", "Acme")
    schemas = whole["components"]["schemas"]

    def named(content: Any) -> dict[str, Any]:
        return {kind: names_of(one["schema"], schemas) for kind, one in content.items()}

    found: dict[str, Any] = {}
    for path, methods in whole["paths"].items():
        for method, told in methods.items():
            answers = told["responses"]
            failures = [status for status in answers if status[0] in "45"]
            found[f"{method.upper()} {path}"] = {
                "operation": told["operationId"],
                "scopes": [scope for one in told["security"] for scope in one["key"]],
                "parameters": sorted(
                    f"{one['in']} {one['name']}{'!' if one['required'] else ''}"
                    for one in told["parameters"]
                ),
                "body": named(told.get("requestBody", {}).get("content", {})),
                "answers": {
                    status: named(answer.get("content", {}))
                    for status, answer in answers.items()
                    if status not in failures
                },
                "failures": " ".join(failures),
            }
            told = {"code!": "string", "field": "string", "message!": "string"}
            error = {"error!": told | {"stripe_code": "string", "oldest": "string"}}
            for status in failures:
                assert named(answers[status]["content"])["application/json"] == error
    return found


def test_the_fields_of_every_call_stay() -> None:
    assert json.loads(json.dumps(contract())) == HTTP["contract"]


@pytest.mark.parametrize("key", HTTP["kept"])
def test_a_call_of_an_older_release_gets_its_stored_answer_again(
    key: str, place: FakeServices
) -> None:
    """Under its Idempotency-Key, and without a call to Stripe: there is none here."""
    known = HTTP["repeated"][key]
    answer = call("POST", f"/accounts/acc_golden/{known['call']}", known["body"], key)
    assert list(answer) == known["answer"]
    other = {"until": "2026-12-31T23:59:59Z", "note": "another call"}
    status, body = call("POST", "/accounts/acc_golden/grants", other, key)
    assert (status, body["error"]["code"]) == (409, "idempotency_conflict")
    assert body["error"]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("target", HTTP["answers"])
def test_a_stored_account_is_shown_as_before(target: str, place: FakeServices) -> None:
    expected = HTTP["answers"][target]
    assert without_additions(list(call("GET", target)), expected) == expected


def test_stripe_events_in_a_stored_timeline_are_learned_again_with_all_their_fields(
    place: FakeServices,
) -> None:
    """What `ops events replay --from log` relies on."""
    entries, _ = Timelines().page("acc_golden", None, NOW)
    found = list(kept_facts(entries, NOW))
    assert [entry.id for entry, _ in found] == [f"evt_{number}" for number in (6, 5, 4, 3, 2, 1)]
    facts = [fact for _, fact in found if fact]
    assert len(facts) == 6
    place.accounts.owners.clear()
    account = apply_facts(Account("acc_new"), facts, place.services, None)
    body = json.loads(account_text(account_item(account)))
    stored = {item["sk"]["S"][-5:]: json.loads(item["body"]["S"]) for item in ENTRIES}
    assert body["customers"]["cus_1"]["value"] == stored["evt_1"]["data"]
    assert body["subscriptions"]["sub_1"]["value"] == stored["evt_2"]["data"]
    assert body["invoices"]["in_1"]["value"] == stored["evt_3"]["data"]
    assert list(body["errands"]) == ["card:cs_7"]
    assert body["errands"]["card:cs_7"]["since"] == "2026-03-22T03:00:00Z"
    assert body["disputes"] == {"dp_7": "needs_response"}
    refund = next(to_builtins(fact) for entry, fact in found if entry.id == "evt_6")
    assert {name: refund[name] for name in stored["evt_6"]["data"]} == stored["evt_6"]["data"]
