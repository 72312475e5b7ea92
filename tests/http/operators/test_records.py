"""The records of an export, and what an erasure leaves of a person in them."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.domain.schedule.due_work import OUTBOX_PATIENCE
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.accounts.erase import erase_now
from chalicelib.usecases.schedule.process_due import process_due_account
from ops.export.records import COLUMNS, Source, records
from tests.adapters.aws.conftest import TABLE
from tests.fakes.services import RECORDINGS
from tests.http.actions.test_actions import Shop, shop
from tests.http.conftest import Stage

__all__ = ["shop"]

LIFE = RECORDINGS["canceled_at_once"]
"""A customer who paid, and is one no more."""


def source_of_records() -> Source:
    return Source(
        wiring.services(), wiring.audit_log(), boto3.client("dynamodb"), TABLE, lambda items: None
    )


def exported() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    for name, record in records(source_of_records()):
        assert set(record) == set(COLUMNS[name])
        found[name].append(record)
    return found


def granted(shop: Shop) -> None:
    """A change by hand, with its entry, and all events of the account in the feed."""
    body = {"plan": "pro", "until": "2027-06-01T00:00:00Z", "note": "a friend of Ada Byron"}
    assert shop.post("grants", body).status == 200
    process_due_account(shop.account, wiring.services())
    shop.stage.stream(shop.account)


def test_each_kind_of_record_tells_what_the_api_tells(shop: Shop) -> None:
    granted(shop)
    found = exported()
    (customer,) = found["customers"]
    told = shop.stage.get(f"/accounts/{shop.account}", shop.key).body
    assert customer["account_id"] == shop.account
    assert customer["email"] == "ada@example.com"
    for name in ("status", "access", "reason", "plan", "quantity", "until"):
        assert customer[name] == told["standing"][name]
    (bought,) = found["subscriptions"]
    assert (bought["subscription"], bought["status"], bought["plan"]) == (
        told["subscriptions"][0]["id"],
        "active",
        "pro",
    )
    report = shop.stage.get("/reports/revenue", shop.key).body["currencies"]
    last = {of["days"][-1]["date"]: of["days"][-1]["mrr"] for of in report.values()}
    assert {one["date"]: one["mrr"] for one in found["revenue"][-1:]} == last
    feed = shop.stage.get("/events", shop.key).body["events"]
    assert [one["id"] for one in found["events"]] == [one["id"] for one in feed]
    assert {one["account_id"] for one in found["events"]} == {shop.account}
    (entry,) = found["audit"]
    assert (entry["actor"], entry["action"]) == ("key:test", "grants.given")


def test_who_was_erased_is_in_no_record(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    granted(shop)
    before = json.dumps(exported())
    assert "ada@example.com" in before
    assert "a friend of Ada Byron" in before
    admin = {"Authorization": f"Bearer {shop.stage.key('admin')}"}
    path = f"/accounts/{shop.account}"
    assert shop.stage.call("DELETE", path, **admin).status == 202
    later = clock.now() + timedelta(minutes=2) + OUTBOX_PATIENCE
    monkeypatch.setattr(clock, "now", lambda: later)
    process_due_account(shop.account, wiring.services())
    found = exported()
    assert found["customers"] == found["subscriptions"] == found["events"] == []
    assert "Byron" not in json.dumps(found)
    assert "ada@" not in json.dumps(found)
    erased, given = found["audit"]
    assert (erased["action"], given["action"]) == ("account.erased", "grants.given")
    assert given["detail"] is None


def test_what_an_erased_customer_brought_in_stays_in_the_sums(stage: Stage) -> None:
    moved = LIFE.moved_to(int((clock.now() - timedelta(days=90)).timestamp()))
    stage.stripe.truth = moved.truth(len(moved.events))
    for event in moved.events:
        assert stage.webhook(event).status == 200
    assert stage.work() == set()
    before = exported()
    (account,) = before["customers"]
    assert any(one["mrr"] for one in before["revenue"])
    erase_now(account["account_id"], False, wiring.services())
    after = exported()
    assert after["customers"] == []
    assert after["revenue"] == before["revenue"]
