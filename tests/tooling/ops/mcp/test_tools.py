"""The API as tools: each call with a key, none that erases or charges, and what each one sends."""

import json
import re
from typing import Any

import pytest

from app import app
from chalicelib.domain.errors import InvalidInput
from chalicelib.entry.http.endpoint import ENDPOINTS
from chalicelib.entry.http.openapi.document import document
from chalicelib.entry.http.openapi.route import routes
from ops.mcp.tools import HIDDEN, LEFT_OUT, Tool, for_a_model, tools_of


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return document(routes(app.routes), "https://billing.example.com", "Acme")


def by_name(description: dict[str, Any], with_actions: bool = True) -> dict[str, Tool]:
    return {tool.name: tool for tool in tools_of(description, with_actions)}


def test_without_actions_every_tool_reads(description: dict[str, Any]) -> None:
    tools = by_name(description, with_actions=False)
    assert tools
    assert {tool.method for tool in tools.values()} == {"GET"}


def test_every_call_with_a_key_is_a_tool_but_those_that_are_left_out(
    description: dict[str, Any],
) -> None:
    found = {(tool.method, tool.path) for tool in by_name(description).values()}
    declared = {of for of, endpoint in ENDPOINTS.items() if endpoint.scope}
    assert declared - found == set(LEFT_OUT)
    assert found <= declared
    assert ("DELETE", "/accounts/{account_id}") in LEFT_OUT
    assert ("POST", "/accounts/{account_id}/charges") in LEFT_OUT


def test_arguments_go_where_the_call_wants_them(description: dict[str, Any]) -> None:
    tools = {(tool.method, tool.path): tool for tool in by_name(description).values()}
    grant = tools["POST", "/accounts/{account_id}/grants"]
    path, body = grant.request(
        {"account_id": "acc-1", "until": "2027-01-01T00:00:00Z", "note": "a partner"}
    )
    assert path == "/accounts/acc-1/grants"
    assert body == {"until": "2027-01-01T00:00:00Z", "note": "a partner"}
    events = tools["GET", "/events"]
    assert events.request({"types": "trial.started", "limit": 5}) == (
        "/events?limit=5&types=trial.started",
        None,
    )
    assert {"until", "note", "account_id"} <= grant.schema["properties"].keys()
    assert "account_id" in grant.schema["required"]


SHOWS, REPORTS = ("GET", "/accounts/{account_id}"), ("GET", "/reports/revenue")
PATCHES, LIFTS = ("PATCH", "/accounts/{account_id}"), ("DELETE", "/suppressions/{email}")


@pytest.mark.parametrize(
    ("of", "arguments", "named"),
    [
        (SHOWS, {}, "account_id"),
        (SHOWS, {"account_id": None}, "account_id"),
        (SHOWS, {"account_id": ""}, "account_id"),
        (SHOWS, {"account_id": ".."}, "account_id"),
        (SHOWS, {"account_id": "acc/../../audit"}, "account_id"),
        (SHOWS, {"account_id": "acc?x=1"}, "account_id"),
        (SHOWS, {"account_id": 5}, "account_id"),
        (SHOWS, {"account_id": "\ud800"}, "account_id"),
        (SHOWS, {"account_id": "acc_1", "accountId": "acc_1"}, "accountId"),
        (LIFTS, {"email": ".."}, "email"),
        (LIFTS, {"email": "a\x00b"}, "email"),
        (REPORTS, {"from": ["2026-01-01"]}, "from"),
        (REPORTS, {"from": {"day": 1}}, "from"),
        (REPORTS, {"from": True}, "from"),
        (REPORTS, {"from": "2026-01-01\r\nX: y"}, "from"),
        (REPORTS, {"since": "2026-01-01"}, "since"),
        (PATCHES, {"account_id": "acc_1", "nam\u202ee": "x"}, "nam\u202ee"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused_before_it_is_made(
    description: dict[str, Any], of: tuple[str, str], arguments: dict[str, Any], named: str
) -> None:
    tools = {(tool.method, tool.path): tool for tool in by_name(description).values()}
    with pytest.raises(InvalidInput) as error:
        tools[of].request(arguments)
    assert error.value.field == named
    assert error.value.message.isascii()


def test_what_is_null_is_left_out(description: dict[str, Any]) -> None:
    tools = {(tool.method, tool.path): tool for tool in by_name(description).values()}
    assert tools[REPORTS].request({"from": None, "to": "2026-03-31"}) == (
        "/reports/revenue?to=2026-03-31",
        None,
    )
    assert tools[PATCHES].request({"account_id": "acc_1", "name": "Ada", "email": None}) == (
        "/accounts/acc_1",
        {"name": "Ada"},
    )
    assert tools[LIFTS].request({"email": "a+b@example.com"}) == (
        "/suppressions/a%2Bb%40example.com",
        None,
    )


def test_no_tool_charges_erases_or_loses_what_cannot_be_had_again(
    description: dict[str, Any],
) -> None:
    found = {(tool.method, tool.path) for tool in by_name(description).values()}
    account, endpoint = "/accounts/{account_id}", "/webhooks/endpoints/{endpoint_id}"
    for last in ("charges", "plan", "trial", "cancel", "reactivate", "instance/delete"):
        assert ("POST", f"{account}/{last}") not in found
    assert ("DELETE", account) not in found
    assert ("DELETE", endpoint) not in found


def test_every_argument_says_what_it_is(description: dict[str, Any]) -> None:
    revenue = next(one for one in by_name(description).values() if one.path == REPORTS[1])
    assert "first day" in revenue.schema["properties"]["from"]["description"]
    for tool in by_name(description).values():
        for name, schema in tool.schema["properties"].items():
            assert schema.get("description") or name in tool.path, (tool.name, name)


def test_a_model_reads_no_proof_no_link_and_no_secret() -> None:
    answer = {
        "account_id": "acc_1",
        "name": "Zoë 😀",
        "stripe_metadata": {"account_id": "acc_1", "account_proof": "5f0c"},
        "entries": [{"data": {"hosted_invoice_url": "https://invoice.stripe.com/i/1", "n": 1.5}}],
        "hosted_invoice_url": None,
        "endpoints": [{"secret": "whsec_1", "url": "https://hooks.example.com"}],
    }
    shown = for_a_model(json.dumps(answer))
    for hidden in ("5f0c", "invoice.stripe.com", "whsec_1"):
        assert hidden not in shown
    assert "Zoë 😀" in shown
    read = json.loads(shown)
    assert read["stripe_metadata"] == {"account_id": "acc_1", "account_proof": "(hidden)"}
    assert read["entries"][0]["data"]["n"] == 1.5
    assert read["hosted_invoice_url"] is None
    assert read["endpoints"][0]["url"] == "https://hooks.example.com"
    assert for_a_model("no JSON {") == "no JSON {"


def test_every_field_of_the_api_that_opens_something_is_hidden(description: dict[str, Any]) -> None:
    opens = re.compile("proof|secret|token|_url$")
    names = set(re.findall(r'"([a-z_]+)": \{"', json.dumps(description["components"]["schemas"])))
    found = {name for name in names if opens.search(name)}
    assert "account_proof" in found
    assert found - HIDDEN == {"welcome_url"}, "which only signing up answers"
