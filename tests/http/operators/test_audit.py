"""The audit log over the API: what a call with a key changes is in it, before it is changed."""

from typing import Any

import pytest

from app import app
from chalicelib.domain.changes.audit import ACTIONS, AuditEntry
from chalicelib.domain.errors import Unavailable
from chalicelib.entry.http.endpoint import ENDPOINTS
from chalicelib.runtime import wiring
from tests.http.actions.test_actions import Shop, shop

__all__ = ["app", "shop"]

CHANGES_NOTHING = {("POST", "/accounts/{account_id}/access/token")}
"""Calls with a key that are no GET and change nothing."""

GRANT = {"plan": "pro", "until": "2027-06-01T00:00:00Z", "note": "a partner"}


def entries(shop: Shop, query: str = "") -> list[dict[str, Any]]:
    answer = shop.stage.get(f"/audit{query}", shop.stage.key("admin"))
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.body["entries"]
    return found


@pytest.mark.parametrize("of", ENDPOINTS, ids=" ".join)
def test_each_call_that_changes_something_has_its_name_in_the_log(of: tuple[str, str]) -> None:
    endpoint = ENDPOINTS[of]
    changes = endpoint.scope is not None and of[0] != "GET" and of not in CHANGES_NOTHING
    assert bool(endpoint.audit) == changes
    assert not endpoint.audit or endpoint.audit in ACTIONS


def test_a_grant_is_in_the_log_with_what_it_changes(shop: Shop) -> None:
    assert shop.post("grants", GRANT).status == 200
    (entry,) = entries(shop)
    assert entry["actor"] == "key:test"
    assert entry["action"] == "grants.given"
    assert entry["account_id"] == shop.account
    assert entry["from"] == "127.0.0.1"
    assert entry["detail"]["note"] == "a partner"
    assert entry["detail"]["until"] == "2027-06-01T00:00:00Z"
    assert entries(shop, f"?account_id={shop.account}") == [entry]
    assert entries(shop, "?account_id=acc_other") == []


def test_a_new_address_is_shown_before_and_after(shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.key}", "Content_Type": "application/json"}
    path = f"/accounts/{shop.account}"
    assert shop.stage.call("PATCH", path, b'{"email": "new@example.com"}', **headers).status == 200
    (entry,) = entries(shop)
    assert entry["action"] == "profile.changed"
    assert entry["detail"]["before"] == {"email": "ada@example.com"}
    assert entry["detail"]["after"] == {"email": "new@example.com"}


def test_a_call_that_is_refused_leaves_no_entry(shop: Shop) -> None:
    assert shop.post("grants", {"plan": "unknown", "until": "2027-06-01"}).status == 400
    assert shop.post("grants", GRANT, account="acc_nobody").status == 404
    assert shop.post("grants", GRANT, scope="read").status == 403
    assert entries(shop) == []


def test_a_repeat_under_the_same_key_is_one_entry(shop: Shop) -> None:
    charge = {"amount": 500, "currency": "usd", "description": "An hour of help"}
    first = shop.post("charges", charge, key="k-1")
    assert first.status == 201
    assert shop.post("charges", charge, key="k-1").body == first.body
    (entry,) = entries(shop)
    assert entry["action"] == "charge.made"
    assert entry["detail"]["amount"] == 500


def test_who_erased_an_account_stays_and_the_details_go(shop: Shop) -> None:
    shop.post("grants", GRANT)
    admin = {"Authorization": f"Bearer {shop.stage.key('admin')}"}
    assert shop.stage.call("DELETE", f"/accounts/{shop.account}", **admin).status == 202
    erased, given = entries(shop)
    assert erased["action"] == "account.erased"
    assert given["detail"] == {}
    assert "a partner" not in str(entries(shop))


def test_without_its_entry_nothing_is_changed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(entry: AuditEntry) -> None:
        raise Unavailable("The log cannot be written.")

    monkeypatch.setattr(wiring.audit_log(), "put", fails)
    assert shop.post("grants", GRANT).status == 503
    account = wiring.accounts().load(shop.account)
    assert account
    assert account.grants == ()


def test_the_log_is_for_admin_keys(shop: Shop) -> None:
    assert shop.stage.get("/audit", shop.stage.key("write")).status == 403
    assert shop.stage.get("/audit", None).status == 401
    answer = shop.stage.get("/audit?cursor=x", shop.stage.key("admin"))
    assert (answer.status, answer.body["error"]["field"]) == (400, "cursor")
