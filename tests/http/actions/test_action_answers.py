"""What the product is told of an action that Stripe refuses, of a payment that takes days, and of
one that the bank wants confirmed.
"""

import json
from typing import Any

import pytest

from chalicelib.domain.account.operations import pending
from chalicelib.runtime import wiring
from tests.fakes.stripe.answers import Confirmation, Debits, Schedule, StripeAnswers, refusal
from tests.http.actions.test_actions import CHARGE, Shop, shop

__all__ = ["shop"]

SUBSCRIPTION = r"/v1/subscriptions/sub_\w+"
NOW = CHARGE | {"bill": "now"}


def nothing_waits(shop: Shop) -> bool:
    account = wiring.accounts().load(shop.account)
    return account is not None and not pending(account.errands)


REFUSED: list[tuple[str, Any, str, str, int]] = [
    ("discount", {"coupon": "LOYAL20"}, "POST", SUBSCRIPTION, 400),
    ("cancel", {"when": "period_end"}, "POST", SUBSCRIPTION, 400),
    ("cancel", {"when": "now"}, "DELETE", SUBSCRIPTION, 409),
    ("plan", {"plan": "scale"}, "POST", SUBSCRIPTION, 404),
    ("charges", CHARGE, "POST", "/v1/invoiceitems", 402),
    ("charges", NOW, "POST", "/v1/invoices", 409),
    ("portal", None, "POST", "/v1/billing_portal/sessions", 400),
]
"""A call, the call to Stripe that is refused, and the status of the refusal."""


@pytest.mark.parametrize(("name", "body", "method", "path", "status"), REFUSED)
def test_a_refusal_is_a_422_with_stripes_code_and_message(
    shop: Shop, name: str, body: Any, method: str, path: str, status: int
) -> None:
    shop.sim.post("/v1/coupons", id="LOYAL20", percent_off=20, duration="forever")
    answers = StripeAnswers(shop.sim)
    message = "This cannot be used because it has expired."
    answers.reply(method, path, status, refusal(message, "thing_expired"))
    answer = shop.post(name, body, "key-1")
    assert (answer.status, answer.body["error"]["code"]) == (422, "stripe_refused")
    assert answer.body["error"]["stripe_code"] == "thing_expired"
    assert message in answer.body["error"]["message"]
    assert "goes on by itself" not in answer.body["error"]["message"]
    assert "Retry-After" not in answer.headers
    assert nothing_waits(shop)


@pytest.mark.parametrize(
    ("status", "code"), [(409, "idempotency_key_in_use"), (429, "lock_timeout"), (503, None)]
)
def test_what_passes_is_a_503_that_says_when_to_come_back_and_goes_on(
    shop: Shop, status: int, code: str | None
) -> None:
    answers = StripeAnswers(shop.sim)
    answers.reply("POST", SUBSCRIPTION, status, refusal("Later.", code))
    answer = shop.post("cancel", {"when": "period_end"}, "key-1")
    assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert "goes on by itself" in answer.body["error"]["message"]
    assert not nothing_waits(shop)
    answers.rules.clear()
    assert shop.post("cancel", {"when": "period_end"}, "key-1").body["reason"] == "canceling"


def test_a_key_that_lacks_a_permission_is_not_the_callers_mistake_and_does_not_go_on(
    shop: Shop,
) -> None:
    body = refusal("The key sk_test_9 lacks a permission.")
    StripeAnswers(shop.sim).reply("POST", SUBSCRIPTION, 403, body)
    answer = shop.post("cancel", {"when": "period_end"})
    assert (answer.status, answer.body["error"]["code"]) == (503, "refused")
    assert "sk_test_9" not in json.dumps(answer.body)
    assert "Retry-After" not in answer.headers
    assert nothing_waits(shop)


def test_a_decline_is_a_402_with_the_banks_reason(shop: Shop) -> None:
    body = refusal("Your card has insufficient funds.", "card_declined", "card_error")
    body["error"]["decline_code"] = "insufficient_funds"
    StripeAnswers(shop.sim).reply("POST", SUBSCRIPTION, 402, body)
    for _ in range(2):
        answer = shop.post("plan", {"plan": "scale"}, "key-1")
        assert (answer.status, answer.body["error"]["code"]) == (402, "card_declined")
        assert answer.body["error"]["stripe_code"] == "insufficient_funds"
        assert "Your card has insufficient funds." in answer.body["error"]["message"]


def test_a_charge_by_debit_is_under_way_until_the_same_key_tells_that_it_is_paid(
    shop: Shop,
) -> None:
    debits = Debits(StripeAnswers(shop.sim))
    first = shop.post("charges", NOW, "key-1")
    assert (first.status, first.body["status"]) == (202, "processing")
    assert first.body["url"].startswith("http")
    assert shop.post("charges", NOW, "key-1").body == first.body
    debits.settle("succeeded")
    later = shop.post("charges", NOW, "key-1")
    assert (later.status, later.body["status"]) == (201, "paid")
    assert later.body["invoice"] == first.body["invoice"]
    assert debits.answers.paths("POST").count(f"/v1/invoices/{first.body['invoice']}/pay") == 1


def test_a_debit_that_comes_back_is_told_by_the_same_key(shop: Shop) -> None:
    debits = Debits(StripeAnswers(shop.sim))
    shop.post("charges", NOW, "key-1")
    debits.settle("requires_payment_method")
    answer = shop.post("charges", NOW, "key-1")
    assert (answer.status, answer.body["error"]["code"]) == (402, "payment_failed")


def test_a_charge_that_the_bank_wants_confirmed_leads_to_the_page(shop: Shop) -> None:
    Debits(StripeAnswers(shop.sim), "requires_action")
    answer = shop.post("charges", NOW, "key-1")
    assert (answer.status, answer.body["status"]) == (202, "requires_action")
    assert answer.body["url"].startswith("http")


def test_an_upgrade_that_the_bank_wants_confirmed_leads_to_the_page(shop: Shop) -> None:
    Confirmation(StripeAnswers(shop.sim), "https://i.example/c")
    answer = shop.post("plan", {"plan": "scale"})
    assert (answer.status, answer.body) == (
        202,
        {"status": "requires_action", "invoice": "in_confirm", "url": "https://i.example/c"},
    )
    assert nothing_waits(shop)


def test_a_subscription_with_a_schedule_is_canceled_and_its_timeline_says_how(shop: Shop) -> None:
    schedule = Schedule(StripeAnswers(shop.sim))
    answer = shop.post("cancel", {"when": "period_end"})
    assert (answer.status, answer.body["reason"]) == (200, "canceling")
    assert not schedule.active
    entries = shop.stage.get(f"/accounts/{shop.account}/timeline", shop.key).body["entries"]
    types = [entry["type"] for entry in entries if entry["kind"] == "call"]
    assert sorted(types) == ["cancel.done", "schedule.released"]
