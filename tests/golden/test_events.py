"""What receivers of domain events rely on: fields are added, and none is changed or removed.

`data/event_schemas.json` is not generated anew. A new type, or a field of one, is added to it by
hand; what is in it stays.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import document, document_schema

SCHEMAS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "event_schemas.json").read_text()
)
T = datetime(2026, 11, 27, 14, 52, 3, 120, tzinfo=UTC)
STANDING = Standing("trialing", "full", "trialing", "pro", ("projects",), 1, T)
GRANTED = DomainEvent(
    "acc_1.0.21.access.granted",
    "access.granted",
    T,
    {
        "access": "full",
        "reason": "trialing",
        "status": "trialing",
        "plan": "pro",
        "quantity": 1,
        "until": "2026-11-27T14:52:03.000120Z",
        "reason_before": "trial_expired",
        "access_before": "none",
    },
    4,
    STANDING,
    "ü-9",
)


def bare(schema: Any) -> Any:
    """A schema without what only people read."""
    if isinstance(schema, dict):
        return {
            name: bare(value)
            for name, value in schema.items()
            if name != "description" or isinstance(value, dict)
        }
    return schema


def covers(found: Any, kept: Any, name: str = "") -> bool:
    """Whether a schema says all that the kept one says, and at most adds names and words."""
    if isinstance(kept, dict):
        return isinstance(found, dict) and all(
            one in found and covers(found[one], value, one) for one, value in kept.items()
        )
    if name in {"required", "enum"}:
        return set(kept) <= set(found)
    return bool(found == kept)


def test_every_type_has_a_kept_schema() -> None:
    assert SCHEMAS.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("type", SCHEMAS)
def test_a_schema_only_grows(type: str) -> None:
    found = bare(document_schema(type))
    assert covers(found, SCHEMAS[type])
    assert found["properties"]["data"]["properties"].keys() == (
        SCHEMAS[type]["properties"]["data"]["properties"].keys()
    ), "add the new field to data/event_schemas.json"


def test_a_changed_schema_is_noticed() -> None:
    kept = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert covers({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["b", "a"]}, kept)
    assert not covers({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, kept)
    assert not covers({"properties": {"b": {"type": "string"}}, "required": ["a"]}, kept)
    assert not covers({"properties": {"a": {"type": "string"}}, "required": []}, kept)


def test_a_stored_event_keeps_its_bytes() -> None:
    """A repeat that a later release makes must be the same as the first."""
    assert document(GRANTED, livemode=True) == (
        '{"id":"acc_1.0.21.access.granted","type":"access.granted",'
        '"timestamp":"2026-11-27T14:52:03.000120Z","sequence":4,"data":{"account_id":"acc_1",'
        '"external_id":"ü-9","livemode":true,"access":{"access":"full","reason":"trialing",'
        '"plan":"pro","features":["projects"],"quantity":1,'
        '"until":"2026-11-27T14:52:03.000120Z"},"status":"trialing","plan":"pro","quantity":1,'
        '"until":"2026-11-27T14:52:03.000120Z","reason_before":"trial_expired",'
        '"access_before":"none"}}'
    )
    bare_event = replace(GRANTED, external_id=None, standing=Standing("none", "none", "paused"))
    assert '"external_id":null' in document(bare_event, livemode=False)
    assert (
        '"access":{"access":"none","reason":"paused","plan":null,"features":[],"quantity":null,'
        '"until":null}'
    ) in document(bare_event, livemode=False)
