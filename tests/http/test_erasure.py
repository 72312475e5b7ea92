"""An operator's key erases an account: here, at Stripe, and in the feed of events."""

from datetime import timedelta

import boto3
import pytest

from chalicelib.domain.schedule.due_work import OUTBOX_PATIENCE
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.schedule.process_due import process_due_account
from tests.adapters.aws.conftest import TABLE
from tests.http.actions.test_actions import Shop, shop
from tests.http.conftest import Answer, Stage

__all__ = ["shop"]


def erases(shop: Shop, query: str = "", scope: str = "admin", account: str = "") -> Answer:
    path = f"/accounts/{account or shop.account}{query}"
    return shop.stage.call("DELETE", path, Authorization=f"Bearer {shop.stage.key(scope)}")


def events(stage: Stage) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        answer = stage.get(f"/events{cursor and '?cursor=' + cursor}", stage.key("read")).body
        found += [one["data"]["account_id"] for one in answer["events"]]
        if answer["cursor"] == cursor:
            return found
        cursor = answer["cursor"]


def left(account: str) -> list[str]:
    """The sort keys of what is in the account's partition."""
    answer = boto3.client("dynamodb").query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"ACCOUNT#{account}"}},
    )
    return [item["sk"]["S"] for item in answer["Items"]]


def test_an_account_is_erased_with_its_customer_at_stripe_and_its_events(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_due_account(shop.account, wiring.services())
    shop.stage.stream(shop.account)
    assert shop.account in events(shop.stage)
    assert erases(shop).status == 202
    assert shop.stage.get(f"/accounts/{shop.account}", shop.stage.key("read")).status == 404
    (customer,) = shop.sim.engine.store.all("customer")
    (subscription,) = shop.sim.engine.store.all("subscription")
    assert (customer["deleted"], subscription["status"]) == (True, "canceled")
    later = clock.now() + timedelta(minutes=2) + OUTBOX_PATIENCE
    monkeypatch.setattr(clock, "now", lambda: later)
    assert events(shop.stage) == []


def test_what_is_written_meanwhile_is_cleared_by_the_schedule(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert erases(shop).status == 202
    assert left(shop.account) == ["ERASED"]
    index = wiring.services().stores.due_index
    assert index.due(clock.now(), 10) == []
    boto3.client("dynamodb").put_item(
        TableName=TABLE,
        Item={"pk": {"S": f"ACCOUNT#{shop.account}"}, "sk": {"S": "MESSAGE#late"}},
    )
    later = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert [id for _, id in index.due(later, 10)] == [shop.account]
    process_due_account(shop.account, wiring.services())
    assert left(shop.account) == []
    assert index.due(later, 10) == []


def test_the_same_again_is_as_good_and_an_unknown_account_is_told(shop: Shop) -> None:
    assert [erases(shop).status, erases(shop).status] == [202, 202]
    assert erases(shop, account="acc_nobody").status == 404
    assert erases(shop, account="%232026-03-02").status == 404


def test_a_subscription_that_would_go_on_is_not_left_alone(shop: Shop) -> None:
    refused = erases(shop, "?stripe=false")
    assert (refused.status, refused.body["error"]["field"]) == (400, "stripe")
    assert shop.stage.get(f"/accounts/{shop.account}", shop.key).status == 200
    assert erases(shop, "?stripe=perhaps").body["error"]["field"] == "stripe"


def test_erasing_takes_an_admin_key_which_may_do_all_else(shop: Shop) -> None:
    for scope in ("access", "read", "write"):
        assert erases(shop, scope=scope).status == 403
    assert shop.post("links/end", scope="admin").status == 204
