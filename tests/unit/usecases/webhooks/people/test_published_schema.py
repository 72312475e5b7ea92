"""Every request is one that Intercom's published description allows, and Segment's pages; and the
stand-in answers as Intercom's description says.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from chalicelib.domain.account.facts import AddressProved
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.segment import LARGEST_BATCH, LARGEST_MESSAGE
from chalicelib.usecases.fan_out import forget_person, join_person
from chalicelib.usecases.webhooks.people.segment import Segment
from chalicelib.usecases.webhooks.people.workspace import Workspace
from tests.unit.usecases.webhooks.people.lifecycles import lived
from tests.unit.usecases.webhooks.people.scene import PeopleScene

PUBLISHED = Path(__file__).parent / "published"
INTERCOM = json.loads((PUBLISHED / "intercom_2.15.json").read_text())
SEGMENT = json.loads((PUBLISHED / "segment.json").read_text())
ID = "1"
"""Stands for any id in a path."""

PAGES = ("per_page", "starting_after")
CONTACTS = {"$ref": "#/components/schemas/contact_list"}
"""The list of contacts names no parameters: its text refers to the section about pages instead."""

MONEY = {
    "type": "object",
    "required": ["amount", "currency"],
    "additionalProperties": False,
    "properties": {"amount": {"type": "integer", "minimum": 1}, "currency": {"type": "string"}},
}
METADATA = {"anyOf": [{"type": "string"}, {"type": "number"}, MONEY]}
"""What a key of an event's metadata may hold. The schema allows texts alone, and the text of the
same operation lists numbers and amounts of money too, with this form.
"""


def as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema says that null is a type."""
    if isinstance(schema, list):
        return [as_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: as_json_schema(value) for name, value in schema.items() if name != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [told, {"type": "null"}]}
    return told


COMPONENTS = as_json_schema(INTERCOM["components"])
COMPONENTS["schemas"]["create_data_event_request"]["properties"]["metadata"][
    "additionalProperties"
] = METADATA
PATTERNS = {
    path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$")
    for path in sorted(INTERCOM["paths"], key=lambda path: path.count("{"))
}


def operation(method: str, path: str) -> dict[str, Any]:
    """What is published about a call. Raises KeyError if nothing is."""
    plain, _, query = path.partition("?")
    found = next(name for name, pattern in PATTERNS.items() if pattern.match(plain))
    about: dict[str, Any] = INTERCOM["paths"][found][method.lower()]
    for name in re.findall(r"(\w+)=", query):
        known = about.get("query", PAGES if about["answer"] == CONTACTS else ())
        assert name in known, f"{path}: there is no {name}"
    return about


def check(schema: Any, value: Any) -> None:
    """Raises ValidationError."""
    whole = {**as_json_schema(schema), "components": COMPONENTS}
    jsonschema_rs.validator_for(whole).validate(value)


def check_request(method: str, path: str, body: Any) -> None:
    """Raises if the call is not as published: an unknown one, or one with a wrong body."""
    schema = operation(method, path).get("request")
    if schema is None:
        assert body is None, f"{method} {path} takes no body"
        return
    check(schema, body)
    known = schema.get("$ref") or schema["oneOf"][0]["$ref"]
    properties = COMPONENTS["schemas"][known.rpartition("/")[2]]["properties"]
    assert body.keys() - properties.keys() <= {"data_type"}, body


@dataclass
class Recorded(PeopleScene):
    """A scene of which every call is kept."""

    calls: list[tuple[str, str, Any, CallAnswer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.call = self._record

    def _record(self, method: str, path: str, body: Any) -> CallAnswer:
        sent = json.loads(json.dumps(body))
        answer = self.intercom(method, path, sent)
        self.calls.append((method, path, sent, answer))
        return answer


def everything_else() -> list[tuple[str, str, Any, CallAnswer]]:
    """The calls that no customer's life makes: what was done at Intercom by hand is mended."""
    place = Recorded()
    place.intercom.contacts["lead"] = {
        "id": "lead", "role": "lead", "email": "ada@example.com", "archived": False,
    }  # fmt: skip
    account = place.signs_up("acc_1", "ada@example.com", "Ada")
    place.signs_up("acc_2", "eve@example.com")
    place.settles()
    place.passes(minutes=1)
    place.changes(account, AddressProved(place.services.now.at))
    place.intercom.archived_attributes.add("mrr")
    place.intercom.of("acc_2")["archived"] = True
    for id in ("acc_1", "acc_2"):
        place.is_renamed(id, "Ada Byron")
    place.settles()
    assert place.intercom.archived_attributes == set()
    join_person(account, "acc_2", place.services.services)
    forget_person(place.account("acc_2"), place.services.services)
    for id in ("acc_1", "acc_2"):
        place.services.accounts.erase(place.account(id), place.services.now.at)
    place.passes(minutes=3)
    workspace = Workspace(place.call)
    workspace.call("GET", "/me", None)
    workspace.call("GET", "/contacts?per_page=1", None)
    return place.calls


@pytest.fixture(scope="module")
def recorded() -> list[tuple[str, str, Any, CallAnswer]]:
    return [*lived(2, 8).recorded, *everything_else()]


def test_every_request_is_as_intercoms_description_says(
    recorded: list[tuple[str, str, Any, CallAnswer]],
) -> None:
    for method, path, body, _ in recorded:
        check_request(method, path, body)


def test_every_operation_of_the_excerpt_is_called(
    recorded: list[tuple[str, str, Any, CallAnswer]],
) -> None:
    called = {
        (name, method.lower())
        for method, path, *_ in recorded
        for name in [next(n for n, p in PATTERNS.items() if p.match(path.partition("?")[0]))]
    }
    there = {(path, method) for path, of in INTERCOM["paths"].items() for method in of}
    assert there - called <= {("/contacts/{contact_id}", "get")}


def test_the_stand_in_answers_as_intercoms_description_says(
    recorded: list[tuple[str, str, Any, CallAnswer]],
) -> None:
    checked = 0
    for method, path, _, answer in recorded:
        schema = operation(method, path).get("answer")
        if schema and answer.code == 200:
            check(schema, json.loads(answer.body))
            checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/contacts", {"role": "user", "email": None}),
        ("POST", "/contacts", {"name": "Ada"}),
        ("PUT", f"/contacts/{ID}", {"signed_up_at": "2026-01-01"}),
        ("PUT", f"/contacts/{ID}", {"unsubscribed_from_emails": "yes"}),
        ("POST", "/events", {"event_name": "x", "user_id": "1"}),
        ("POST", "/events", {"event_name": "x", "created_at": 1.5, "user_id": "1"}),
        (
            "POST",
            "/events",
            {
                "event_name": "x", "created_at": 1, "user_id": "1",
                "metadata": {"amount": {"amount": 0, "currency": "usd"}},
            },
        ),
        ("POST", "/data_attributes", {"name": "x", "model": "contact", "data_type": "text"}),
        ("POST", f"/contacts/{ID}/archive", {"why": "x"}),
    ],
)  # fmt: skip
def test_a_request_that_is_not_so_would_be_noticed(method: str, path: str, body: Any) -> None:
    with pytest.raises((jsonschema_rs.ValidationError, AssertionError)):
        check_request(method, path, body)


def batches(place: PeopleScene) -> Iterator[Any]:
    """The batches that an account's life sends to Segment."""
    sent: list[Any] = []

    def call(method: str, path: str, body: Any) -> CallAnswer:
        assert (method, path) == ("POST", "/v1/batch")
        sent.append(json.loads(json.dumps(body)))
        return CallAnswer(200)

    now: Callable[[], Any] = lambda: place.services.now.at  # noqa: E731
    place.system = Segment(call, now)
    account = place.signs_up("acc_1", "ada@example.com", "Ada")
    place.settles()
    own = replace(account.profile, external_id="acme-1")
    place.services.accounts.save(
        account, replace(account, version=account.version + 1, profile=own)
    )
    place.is_renamed("acc_1", "Ada Byron")
    place.settles()
    join_person(account, "acc_2", place.services.services)
    forget_person(account, place.services.services)
    place.services.accounts.erase(place.account("acc_1"), place.services.now.at)
    place.passes(minutes=3)
    yield from sent


def test_every_batch_is_as_segments_pages_say() -> None:
    sent = list(batches(PeopleScene()))
    validator = jsonschema_rs.validator_for(SEGMENT["batch"], validate_formats=True)
    for batch in sent:
        validator.validate(batch)
        assert len(json.dumps(batch).encode()) <= LARGEST_BATCH
        assert all(len(json.dumps(one).encode()) <= LARGEST_MESSAGE for one in batch["batch"])
    types = {one["type"] for batch in sent for one in batch["batch"]}
    assert types == {"identify", "group", "track", "alias"}
    ids = [one["messageId"] for batch in sent for one in batch["batch"]]
    assert len(ids) == len(set(ids))
