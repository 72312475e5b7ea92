"""Of a person who was erased no word is left in the table, whatever was done with the account."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws.packing import unpack
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from tests.adapters.aws.conftest import TABLE
from tests.http.conftest import stage
from tests.http.pages.admin.conftest import Dashboard, desk
from tests.http.signups.test_signups import front
from tests.http.triggers.test_mail_queue import office

__all__ = ["desk", "front", "office", "stage"]

WORDS = ("zaphod", "beeble", "ext-zz77", "magrathea")
"""What only this person typed, or was called."""


def text_of(value: Any) -> str:
    """An attribute of an item as text, also what is packed."""
    ((_, held),) = value.items()
    return str(unpack(bytes(held))) if isinstance(held, bytes) else str(held)


def with_a_word() -> Iterator[str]:
    """The keys of the items of the table that have one of the words, and which."""
    scanned = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
    for item in (item for page in scanned for item in page["Items"]):
        text = " ".join(map(text_of, item.values())).lower()
        found = [word for word in WORDS if word in text]
        if found:
            yield f"{item['pk']['S']} {item['sk']['S']}: {found}"


def test_nothing_that_a_person_typed_is_in_the_table_after_the_erasure(
    desk: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(wiring.policy(), people=PeoplePolicy("intercom", "https://api.intercom.io"))
    monkeypatch.setattr(wiring, "policy", lambda: changed)
    wiring.services.cache_clear()
    front, keys = desk.front, desk.front.office.stage
    write = {"Authorization": f"Bearer {keys.key('write')}", "Content_Type": "application/json"}

    def calls(method: str, path: str, body: Any) -> Any:
        answer = front.call(method, path, json.dumps(body).encode(), **write)
        assert answer.status < 300, answer.text
        return answer.json

    calls("POST", "/webhooks/endpoints", {"url": "https://hooks.example.com/"})
    signup = {
        "email": "zaphod@beeble.example",
        "name": "Zaphod Beeble",
        "external_id": "ext-zz77",
        "attributes": {"company": "Magrathea"},
    }
    account = calls("POST", "/signups", signup)["account_id"]
    front.works()
    path = f"/accounts/{account}"
    calls("PATCH", path, {"name": "Zaphod B.", "email": "z2@beeble.example"})
    grant = {"plan": "pro", "until": "2027-06-01T00:00:00Z", "note": "for Zaphod"}
    calls("POST", f"{path}/grants", grant)
    calls("POST", f"{path}/cancel", {"when": "period_end", "comment": "Zaphod has left"})
    form = {"why": "Zaphod asked", "sure": "yes"}
    page = desk.signed_in_by_key().sends(f"/admin/customers/{account}/sign-out", form)
    assert page.status == 303
    front.signs_up({"email": "z2@beeble.example", "name": "Zaphod again"})
    front.works()
    persons = wiring.services().stores.persons
    before = persons.load(account)
    refused = Person(id="c1", reason="Zaphod was refused", version=1)
    persons.save(account, before or Person(), refused)
    assert len(list(with_a_word())) > 10

    erased = front.call(
        "DELETE", f"{path}?stripe=true", Authorization=f"Bearer {keys.key('admin')}"
    )
    assert erased.status == 202
    front.works()
    later = clock.now() + timedelta(minutes=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    front.works()
    assert list(with_a_word()) == []
