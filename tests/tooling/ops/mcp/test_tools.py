"""The API as tools: each call with a key, none that erases or charges, and what each one sends."""

from typing import Any

import pytest

from app import app
from chalicelib.entry.http.endpoint import ENDPOINTS
from chalicelib.entry.http.openapi.document import document
from chalicelib.entry.http.openapi.route import routes
from ops.mcp.tools import LEFT_OUT, Tool, tools_of


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
        {"account_id": "acc/../x", "until": "2027-01-01T00:00:00Z", "note": "a partner"}
    )
    assert path == "/accounts/acc%2F..%2Fx/grants"
    assert body == {"until": "2027-01-01T00:00:00Z", "note": "a partner"}
    events = tools["GET", "/events"]
    assert events.request({"types": "trial.started", "limit": 5}) == (
        "/events?limit=5&types=trial.started",
        None,
    )
    assert {"until", "note", "account_id"} <= grant.schema["properties"].keys()
    assert "account_id" in grant.schema["required"]
