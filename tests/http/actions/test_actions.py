"""The calls that change what is paid for, through API Gateway's events: answers, scopes, and
every error by its field.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import jsonschema_rs
import pytest

from app import app
from chalicelib.entry.http.endpoint import ENDPOINTS
from chalicelib.entry.http.openapi.document import document
from chalicelib.entry.http.openapi.route import routes
from chalicelib.entry.http.page_responses import PAGES
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.stripe_api.reader import StripeReader
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.fakes.simulated_lifecycles import SimTransport
from tests.fakes.stripe.sim import SimStage
from tests.http.conftest import Answer, Stage


@dataclass
class Shop:
    """A stage with the simulated Stripe behind it, and a customer who pays."""

    stage: Stage
    sim: SimStage
    account: str = ""
    key: str = ""

    def begin(self) -> None:
        headers = {"Content_Type": "application/json", "Origin": "https://acme.example"}
        self.account = self.stage.call(
            "POST", "/signups", b'{"email": "ada@example.com"}', **headers
        ).body["account_id"]
        self.key = self.stage.key("write")
        self.pays_with("tok_visa")
        (subscription,) = self.sim.engine.store.all("subscription")
        self.sim.post(f"/v1/subscriptions/{subscription['id']}", trial_end="now")
        ingest(
            [Message(event["id"], json.dumps(event)) for event in self.sim.engine.store.events],
            wiring.services(),
        )

    def pays_with(self, card: str) -> None:
        self.sim.gives(self.sim.engine.store.all("customer")[0]["id"], card)

    def post(
        self,
        name: str,
        body: Any = None,
        key: str | None = None,
        account: str | None = None,
        scope: str = "",
    ) -> Answer:
        headers = {
            "Authorization": f"Bearer {self.stage.key(scope) if scope else self.key}",
            "Content_Type": "application/json",
        }
        path = f"/accounts/{account or self.account}/{name}"
        answer = self.stage.call(
            "POST",
            path,
            json.dumps(body).encode() if body is not None else b"",
            **headers,
            **({"Idempotency_Key": key} if key else {}),
        )
        conforms(answer, "POST", f"/accounts/{{account_id}}/{name}")
        return answer

    @property
    def taken(self) -> list[int]:
        return [
            one["amount"] for one in reversed(self.sim.engine.store.all("charge")) if one["paid"]
        ]


DOCUMENT = document(routes(app.routes), "https://billing.example.com", "Acme")


def conforms(answer: Answer, method: str, path: str) -> None:
    """The answer is one that the document declares."""
    declared = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer.status)]
    schema = declared.get("content", {}).get("application/json", {}).get("schema")
    if schema:
        jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]}).validate(
            answer.body
        )


@pytest.fixture
def shop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Shop:
    sim = SimStage(int(clock.now().timestamp()))
    monkeypatch.setattr("chalicelib.stripe_api.reader.StripeReader", StripeReader)
    monkeypatch.setattr(
        "chalicelib.stripe_api.transport.StripeTransport",
        lambda *given: SimTransport(sim, *given[2:]),
    )
    boto3.client("ssm").put_parameter(
        Name="/billhook/link-keys", Value="link-key-1", Type="SecureString"
    )
    made = Shop(stage, sim)
    made.begin()
    return made


def test_a_customers_life_by_the_api(shop: Shop) -> None:
    until = (clock.now() + timedelta(days=90)).isoformat()
    assert shop.post("plan", {"plan": "scale", "quantity": 2}).body["quantity"] == 2
    assert (
        shop.post("cancel", {"when": "period_end", "reason": "too_expensive"}).body["reason"]
        == "canceling"
    )
    assert shop.post("reactivate").body == {"action": "uncanceled"}
    shop.sim.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    assert shop.post("discount", {"coupon": "LOYAL20"}).status == 200
    charge = {"amount": 1500, "currency": "usd", "description": "Import", "bill": "now"}
    first = shop.post("charges", charge, "key-1")
    assert (first.status, first.body["status"], first.body["amount"]) == (201, "paid", 1500)
    assert shop.post("charges", dict(reversed(charge.items())), "key-1").body == first.body, (
        "the order of fields says nothing"
    )
    assert (
        shop.post("charges", charge | {"amount": 1501}, "key-1").body["error"]["code"]
        == "idempotency_conflict"
    )
    assert (
        shop.post("charges", charge | {"bill": "next_invoice"}, "key-2").body["status"] == "pending"
    )
    assert shop.taken.count(1500) == 1
    shop.pays_with("4000000000000341")
    declined = shop.post("charges", charge, "key-3")
    assert (declined.status, declined.body["error"]["code"]) == (402, "card_declined")
    assert shop.post("grants", {"until": until, "plan": "scale", "note": "Thanks"}).status == 200
    assert shop.post("cancel", {"when": "now"}).body["status"] == "granted"
    assert shop.post("plan", {"plan": "pro"}).body["error"]["code"] == "subscription_ended"
    again = shop.post("reactivate").body
    assert again["action"] == "checkout"
    entries = shop.stage.get(f"/accounts/{shop.account}/timeline", shop.key).body["entries"]
    told = {entry["type"] for entry in entries if entry["kind"] == "call"}
    assert told == {
        "plan.done",
        "cancel.done",
        "uncancel.done",
        "discount.done",
        "charge.done",
        "charge.refused",
        "cancel_now.done",
    }


READS = [
    ("GET", "access", None, 200),
    ("GET", "", None, 200),
    ("PATCH", "", {"name": "Ada B."}, 200),
    ("PUT", "external_id", {"external_id": "user-1"}, 200),
    ("GET", "timeline", None, 200),
    ("POST", "milestones", {"name": "connected_data"}, 204),
    ("POST", "portal", None, 200),
    ("POST", "checkout", {}, 409),
    ("POST", "plan", {"plan": "scale"}, 200),
    ("POST", "trial", {"ends_at": "2099-01-01T00:00:00Z"}, 409),
    ("POST", "discount", {"coupon": "LOYAL20"}, 200),
    ("POST", "charges", {"amount": 5, "currency": "usd", "description": "x"}, 201),
    ("POST", "grants", {"until": "2099-01-01T00:00:00Z", "note": "x"}, 200),
    ("POST", "cancel", {"when": "period_end"}, 200),
    ("POST", "reactivate", None, 200),
    ("POST", "links/end", None, 204),
    ("POST", "access/token", None, 200),
]
"""A call of each kind about one account: its method and name, a body, and the status."""


def test_each_call_reads_the_account_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {(method, f"/accounts/{{account_id}}/{name}".rstrip("/")) for method, name, *_ in READS}
    products = {call for call, one in ENDPOINTS.items() if one.scope != "admin"}
    provisioners = {("PUT", "/accounts/{account_id}/instance")}
    assert named == {call for call in products if "{account_id}" in call[1]} - provisioners
    shop.sim.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    load, read = wiring.accounts().load, []

    def counted(id: str) -> Any:
        read.append(id)
        return load(id)

    monkeypatch.setattr(wiring.accounts(), "load", counted)
    for method, name, body, status in READS:
        read.clear()
        answer = shop.stage.call(
            method,
            f"/accounts/{shop.account}/{name}".rstrip("/"),
            b"" if body is None else json.dumps(body).encode(),
            Authorization=f"Bearer {shop.key}",
            Content_Type="application/json",
            Idempotency_Key=f"key-{name}",
        )
        assert (name, answer.status) == (name, status)
        assert (name, read) == (name, [shop.account])


CHARGE = {"amount": 1500, "currency": "usd", "description": "Import"}
MISTAKES: list[tuple[str, Any, str | None]] = [
    ("cancel", {}, "when"),
    ("cancel", {"when": "later"}, "when"),
    ("cancel", {"when": "now", "reason": "bored"}, "reason"),
    ("cancel", {"when": "now", "because": "x"}, "because"),
    ("cancel", [], None),
    ("reactivate", {"plan": "pro"}, "plan"),
    ("plan", {}, "plan"),
    ("plan", {"plan": "gold"}, "plan"),
    ("plan", {"plan": 7}, "plan"),
    ("plan", {"plan": "scale", "interval": "week"}, "interval"),
    ("plan", {"plan": "scale", "quantity": 0}, "quantity"),
    ("plan", {"plan": "scale", "quantity": 10**9}, "quantity"),
    ("plan", {"plan": "scale", "quantity": True}, "quantity"),
    ("plan", {"plan": "scale", "prorate": "half"}, "prorate"),
    ("trial", {"ends_at": "soon"}, "ends_at"),
    ("trial", {}, "ends_at"),
    ("discount", {"coupon": "../x"}, "coupon"),
    ("discount", {"coupon": "NOPE"}, "coupon"),
    ("charges", CHARGE | {"amount": 0}, "amount"),
    ("charges", CHARGE | {"amount": -5}, "amount"),
    ("charges", CHARGE | {"amount": 10**8}, "amount"),
    ("charges", CHARGE | {"amount": 1.5}, "amount"),
    ("charges", CHARGE | {"currency": "USD"}, "currency"),
    ("charges", CHARGE | {"currency": "eur"}, "currency"),
    ("charges", CHARGE | {"description": "a\nb"}, "description"),
    ("charges", CHARGE | {"bill": "later"}, "bill"),
    ("grants", {"until": "2020-01-01T00:00:00Z", "note": "x"}, "until"),
    ("grants", {"until": "2099-01-01T00:00:00Z", "note": "x", "plan": "gold"}, "plan"),
    ("grants", {"until": "2099-01-01T00:00:00Z"}, "note"),
]


def test_every_mistake_is_named_and_nothing_is_done(shop: Shop) -> None:
    before = wiring.accounts().load(shop.account)
    for number, (name, body, field) in enumerate(MISTAKES):
        answer = shop.post(name, body, f"key-{number}")
        assert (answer.status, answer.body["error"].get("field")) == (400, field), (
            name,
            body,
            answer.body,
        )
    for key in (None, "a b", "é", "x" * 256):
        answer = shop.stage.call(
            "POST",
            f"/accounts/{shop.account}/charges",
            json.dumps(CHARGE).encode(),
            Authorization=f"Bearer {shop.key}",
            **({"Idempotency_Key": key} if key else {}),
        )
        assert (answer.status, answer.body["error"]["field"]) == (400, "Idempotency-Key")
    after = wiring.accounts().load(shop.account)
    assert before
    assert after
    assert (after.subscriptions, after.grants) == (before.subscriptions, before.grants)
    assert shop.taken == [4900]


def test_only_who_may_write_may_change_and_nobody_learns_of_accounts(shop: Shop) -> None:
    bodies = {
        "cancel": {"when": "now"},
        "reactivate": {},
        "plan": {"plan": "scale"},
        "charges": CHARGE,
    }
    for name, body in bodies.items():
        answers = {
            (a.status, str(a.body))
            for scope in ("access", "read")
            for id in (shop.account, "acc_none")
            for a in [shop.post(name, body, "k", id, scope)]
        }
        assert {status for status, _ in answers} == {403}
        assert shop.post(name, body, "k", "acc_none").status == 404
        assert shop.stage.call("POST", f"/accounts/{shop.account}/{name}", b"{}").status == 401
    assert shop.taken == [4900]


def test_every_route_is_described_and_the_document_needs_no_key(stage: Stage) -> None:
    served = {(method, path) for path, methods in app.routes.items() for method in methods}
    pages = {
        (method, path)
        for path, methods in app.routes.items()
        for method, entry in methods.items()
        if entry.view_function in PAGES
    }
    assert served == pages | set(ENDPOINTS), (
        "a route is neither declared nor a page, or one is declared that there is not"
    )
    answer = stage.call("GET", "/openapi.json")
    assert answer.status == 200
    described = {
        (method.upper(), path)
        for path, methods in answer.body["paths"].items()
        for method in methods
    }
    dashboard = {(method, path) for method, path in pages if path.startswith("/admin")}
    assert described == served - dashboard


def test_the_document_is_one_and_names_every_error_by_its_code() -> None:
    text = json.dumps(DOCUMENT)
    for path, methods in DOCUMENT["paths"].items():
        for method, described in methods.items():
            assert described["summary"], (method, path)
            assert described["responses"], (method, path)
            body = described.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                jsonschema_rs.validator_for(body["schema"]).validate(body["example"])
    ids = [
        described["operationId"]
        for methods in DOCUMENT["paths"].values()
        for described in methods.values()
    ]
    assert len(ids) == len(set(ids))
    assert all(f"#/components/schemas/{name}" in text for name in DOCUMENT["components"]["schemas"])
    assert DOCUMENT["paths"]["/accounts/{account_id}/charges"]["post"]["security"] == [
        {"key": ["write"]}
    ]
    assert (
        "idempotency_conflict"
        in DOCUMENT["paths"]["/accounts/{account_id}/charges"]["post"]["responses"]["409"][
            "description"
        ]
    )
