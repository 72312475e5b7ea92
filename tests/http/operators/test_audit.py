"""The audit log over the API: what a call with a key changes is in it, before it is changed."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from app import app
from chalicelib.domain.changes.audit import ACTIONS, AuditEntry
from chalicelib.domain.errors import Unavailable
from chalicelib.entry.http.endpoint import ENDPOINTS
from chalicelib.runtime import wiring
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.adapters.aws.conftest import TABLE
from tests.http.actions.test_actions import Shop, shop
from tests.http.conftest import Answer

__all__ = ["app", "shop"]

CHANGES_NOTHING = {("POST", "/accounts/{account_id}/access/token")}
"""Calls with a key that are no GET and change nothing."""

GRANT = {"plan": "pro", "until": "2027-06-01T00:00:00Z", "note": "a partner"}


def refused(entry: AuditEntry) -> None:
    raise Unavailable("The log cannot be written.")


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


def test_what_was_ordered_of_a_subscription_is_shown_beside_what_stood(shop: Shop) -> None:
    (subscription,) = shop.sim.engine.store.all("subscription")
    period_end = subscription["items"]["data"][0]["current_period_end"]
    ends_at = datetime.fromtimestamp(period_end, UTC).isoformat().replace("+00:00", "Z")
    assert shop.post("plan", {"plan": "scale", "quantity": 2}).status == 200
    assert shop.post("cancel", {"when": "period_end"}).status == 200
    assert shop.post("reactivate").status == 200
    assert shop.post("cancel", {"when": "now"}).status == 200
    told = [
        (one["action"], one["detail"]["before"], one["detail"]["after"]) for one in entries(shop)
    ]
    assert told == [
        ("subscription.canceled", {"status": "active"}, {"status": "canceled"}),
        ("subscription.reactivated", {"cancels_at": ends_at}, {"cancels_at": None}),
        ("subscription.canceled", {"cancels_at": None}, {"cancels_at": ends_at}),
        (
            "subscription.plan_changed",
            {"plan": "pro", "quantity": 1},
            {"plan": "scale", "quantity": 2},
        ),
    ]


def test_what_only_stripe_told_of_a_customer_is_what_was_there_before(shop: Shop) -> None:
    told = len(shop.sim.engine.store.events)
    named = {"name": "Grace at Stripe", "metadata": {"account_id": "acc_grace"}}
    customer = shop.sim.post("/v1/customers", **named)["id"]
    shop.sim.gives(customer, "tok_visa")
    items = [{"price": shop.sim.price("pro_monthly")}]
    shop.sim.post("/v1/subscriptions", customer=customer, items=items)
    ingest(
        [Message(event["id"], json.dumps(event)) for event in shop.sim.engine.store.events[told:]],
        wiring.services(),
    )
    headers = {"Authorization": f"Bearer {shop.key}", "Content_Type": "application/json"}
    path, body = "/accounts/acc_grace", b'{"name": "Grace Hopper"}'
    assert shop.stage.get(path, shop.key).body["name"] == "Grace at Stripe"
    assert shop.stage.call("PATCH", path, body, **headers).status == 200
    (entry,) = entries(shop)
    assert entry["detail"]["before"] == {"name": "Grace at Stripe"}
    assert entry["detail"]["after"] == {"name": "Grace Hopper"}


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


def test_a_page_of_stripes_is_in_the_log_before_stripe_makes_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shop.post("portal").status == 200
    (entry,) = entries(shop)
    assert (entry["action"], entry["account_id"]) == ("portal.opened", shop.account)
    assert shop.post("portal", account="acc_nobody").status == 404
    assert entries(shop) == [entry]
    made = len(shop.sim.engine.store.all("billing_portal.session"))
    assert made == 1

    monkeypatch.setattr(wiring.audit_log(), "put", refused)
    assert shop.post("portal").status == 503
    assert len(shop.sim.engine.store.all("billing_portal.session")) == made


SIGNUP = {"email": "grace@example.com", "name": "Grace", "external_id": "u-7"}


def signs_up(shop: Shop, values: Any, key: str | None) -> Answer:
    headers = {"Content_Type": "application/json"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {"Origin": "https://acme.example"}
    return shop.stage.call("POST", "/signups", json.dumps(values).encode(), **headers)


def test_a_signup_by_the_product_is_in_the_log_and_a_visitors_is_not(shop: Shop) -> None:
    answer = signs_up(shop, SIGNUP, shop.key)
    assert answer.status == 201
    (entry,) = entries(shop)
    assert (entry["actor"], entry["action"]) == ("key:test", "account.signed_up")
    assert entry["account_id"] == answer.body["account_id"]
    assert entry["detail"] == {}
    assert signs_up(shop, {"email": "hedy@example.com"}, None).status == 201
    assert entries(shop) == [entry]


def test_a_signup_whose_account_is_not_made_leaves_no_word_of_the_person(shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.key}", "Content_Type": "application/json"}
    path, body = f"/accounts/{shop.account}/external_id", b'{"external_id": "u-7"}'
    assert shop.stage.call("PUT", path, body, **headers).status == 200
    assert signs_up(shop, SIGNUP, shop.key).status == 202
    assert "grace" not in json.dumps(entries(shop)).lower()
    table = boto3.client("dynamodb").scan(TableName=TABLE)["Items"]
    logged = [item for item in table if item["sk"]["S"].startswith("AUDIT#")]
    assert logged
    assert "grace" not in str(logged).lower()


def test_who_erased_an_account_stays_and_the_details_go(shop: Shop) -> None:
    shop.post("grants", GRANT)
    admin = {"Authorization": f"Bearer {shop.stage.key('admin')}"}
    assert shop.stage.call("DELETE", f"/accounts/{shop.account}", **admin).status == 202
    erased, given = entries(shop)
    assert erased["action"] == "account.erased"
    assert given["detail"] == {}
    assert "a partner" not in str(entries(shop))


def test_without_its_entry_nothing_is_changed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring.audit_log(), "put", refused)
    assert shop.post("grants", GRANT).status == 503
    account = wiring.accounts().load(shop.account)
    assert account
    assert account.grants == ()


def test_the_log_is_for_admin_keys(shop: Shop) -> None:
    assert shop.stage.get("/audit", shop.stage.key("write")).status == 403
    assert shop.stage.get("/audit", None).status == 401
    answer = shop.stage.get("/audit?cursor=x", shop.stage.key("admin"))
    assert (answer.status, answer.body["error"]["field"]) == (400, "cursor")
