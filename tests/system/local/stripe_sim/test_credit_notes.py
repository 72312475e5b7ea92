"""Credit notes, and changes that wait for their payment."""

from typing import Any

import pytest
import stripe

from local.stripe_sim.api.object_shapes import missing, undeclared
from tests.fakes.stripe.sim import DAY, START, SimStage

MONTH = START + 31 * DAY


class Shop(SimStage):
    """One customer with one subscription."""

    customer_id: str = ""
    id: str = ""

    def sells(self) -> "Shop":
        self.customer_id = self.customer("tok_visa")
        items = [{"price": self.price("pro_monthly")}]
        made = self.post("/v1/subscriptions", customer=self.customer_id, items=items)
        self.id = made["id"]
        return self

    @property
    def subscription(self) -> Any:
        return self.get(f"/v1/subscriptions/{self.id}")

    @property
    def plan(self) -> str:
        return str(self.subscription["items"]["data"][0]["price"]["lookup_key"])

    @property
    def invoice(self) -> Any:
        return self.get("/v1/invoices", customer=self.customer_id)["data"][0]

    def credit(self, **wanted: Any) -> tuple[int, Any]:
        return self.call("POST", "/v1/credit_notes", {"invoice": self.invoice["id"], **wanted})

    def line(self) -> str:
        return str(self.invoice["lines"]["data"][0]["id"])

    def owes(self) -> "Shop":
        self.sells()
        self.gives(self.customer_id, "tok_chargeCustomerFail")
        self.advance(MONTH)
        return self

    def upgrades(self, card: str) -> Any:
        self.gives(self.customer_id, card)
        return self.post(
            f"/v1/subscriptions/{self.id}",
            items=[
                {
                    "id": self.subscription["items"]["data"][0]["id"],
                    "price": self.price("scale_monthly"),
                }
            ],
            payment_behavior="pending_if_incomplete",
            proration_behavior="always_invoice",
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_credit_note_lowers_what_an_open_invoice_asks_for(shop: Shop) -> None:
    shop.owes()
    status, note = shop.credit(amount=900, reason="order_change")
    assert (status, note["type"], note["status"]) == (200, "pre_payment", "issued")
    assert undeclared(stripe.CreditNote, note) == missing(stripe.CreditNote, note) == []
    assert shop.told()[-1] == "credit_note.created issued"
    assert (shop.invoice["amount_remaining"], shop.invoice["status"]) == (4000, "open")
    voided = shop.post(f"/v1/credit_notes/{note['id']}/void")
    assert (voided["status"], shop.invoice["amount_remaining"]) == ("void", 4900)
    shop.credit(lines=[{"type": "invoice_line_item", "invoice_line_item": shop.line()}])
    assert (shop.invoice["status"], shop.subscription["status"]) == ("paid", "active")


def test_a_credit_note_gives_back_what_was_paid(shop: Shop) -> None:
    shop.sells()
    status, note = shop.credit(amount=3000, refund_amount=1000, credit_amount=2000)
    assert (status, note["type"], note["total"]) == (200, "post_payment", 3000)
    assert shop.get(f"/v1/customers/{shop.customer_id}")["balance"] == -2000
    (charge,) = shop.get("/v1/charges")["data"]
    assert charge["amount_refunded"] == 1000
    assert note["refunds"][0]["refund"] == shop.get("/v1/refunds")["data"][0]["id"]
    listed = shop.get("/v1/credit_notes", invoice=shop.invoice["id"])["data"]
    assert [one["id"] for one in listed] == [note["id"]]
    assert shop.invoice["post_payment_credit_notes_amount"] == 3000


@pytest.mark.parametrize(
    "wanted",
    [
        {"amount": 5000, "refund_amount": 5000},
        {"amount": 1000},
        {"amount": 1000, "credit_amount": 900},
        {"amount": 0},
        {"lines": [{"type": "invoice_line_item", "invoice_line_item": "il_none"}]},
    ],
)
def test_a_credit_note_that_does_not_add_up_is_refused(shop: Shop, wanted: Any) -> None:
    shop.sells()
    assert shop.credit(**wanted)[0] == 400
    assert shop.get("/v1/credit_notes")["data"] == []


def test_a_change_that_waits_leaves_the_subscription_until_it_is_paid(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    since = len(shop.told())
    waiting = shop.upgrades("tok_threeDSecure2Required")
    assert (waiting["status"], shop.plan) == ("active", "pro_monthly")
    (wanted,) = waiting["pending_update"]["subscription_items"]
    assert wanted["price"]["lookup_key"] == "scale_monthly"
    assert waiting["pending_update"]["expires_at"] == START + 10 * DAY + 23 * 3600
    assert (shop.invoice["status"], shop.invoice["id"]) == ("open", waiting["latest_invoice"])
    assert "customer.subscription.updated past_due" not in shop.told(since)
    assert "invoice.payment_action_required open" in shop.told(since)
    shop.engine.checkout.authenticate(shop.engine.store.find("invoice", shop.invoice["id"]))
    assert (shop.plan, shop.subscription["pending_update"]) == ("scale_monthly", None)
    assert "customer.subscription.pending_update_applied active" in shop.told()
    assert shop.invoice["amount_paid"] == 10160


def test_a_change_that_is_not_paid_in_time_is_dropped(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    shop.upgrades("tok_chargeCustomerFail")
    shop.advance(START + 11 * DAY)
    assert shop.told()[-2:] == [
        "invoice.voided void",
        "customer.subscription.pending_update_expired active",
    ]
    assert (shop.plan, shop.subscription["pending_update"]) == ("pro_monthly", None)
    shop.gives(shop.customer_id, "tok_visa")
    shop.advance(MONTH)
    assert shop.invoice["amount_paid"] == 4900


def test_a_change_that_is_paid_at_once_does_not_wait(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    done = shop.upgrades("tok_visa")
    assert (shop.plan, done["pending_update"], shop.invoice["status"]) == (
        "scale_monthly",
        None,
        "paid",
    )


def test_only_some_changes_may_wait(shop: Shop) -> None:
    shop.sells()
    status, body = shop.call(
        "POST",
        f"/v1/subscriptions/{shop.id}",
        {"metadata": {"a": "b"}, "payment_behavior": "pending_if_incomplete"},
    )
    assert (status, body["error"]["param"]) == (400, "metadata")
