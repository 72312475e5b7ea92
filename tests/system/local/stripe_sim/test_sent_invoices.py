"""Invoices that the customer is sent, and pays until a day (`collection_method=send_invoice`)."""

from typing import Any

import pytest

from tests.fakes.stripe.sim import DAY, START, SimStage

MONTH = START + 31 * DAY
HOUR = 3600


class Shop(SimStage):
    """One customer who pays by transfer."""

    customer_id: str = ""
    id: str = ""

    def sells(self, days: int = 14, **more: Any) -> "Shop":
        self.customer_id = self.customer()
        made = self.post(
            "/v1/subscriptions",
            customer=self.customer_id,
            items=[{"price": self.price("pro_monthly")}],
            collection_method="send_invoice",
            days_until_due=days,
            **more,
        )
        self.id = made["id"]
        return self

    @property
    def invoices(self) -> Any:
        return self.get("/v1/invoices", customer=self.customer_id)["data"]

    def transferred(self, invoice: Any) -> Any:
        return self.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_subscription_runs_at_once_and_its_first_invoice_is_sent_after_an_hour(
    shop: Shop,
) -> None:
    shop.sells()
    made = shop.get(f"/v1/subscriptions/{shop.id}")
    assert (made["status"], made["collection_method"], made["days_until_due"]) == (
        "active",
        "send_invoice",
        14,
    )
    (first,) = shop.invoices
    assert (first["status"], first["due_date"]) == ("draft", START + 14 * DAY)
    assert (first["auto_advance"], first["next_payment_attempt"]) == (True, None)
    since = len(shop.told())
    shop.advance(START + HOUR)
    assert shop.told(since) == ["invoice.finalized open", "invoice.sent open"]


def test_an_invoice_that_is_paid_in_time_is_never_late(shop: Shop) -> None:
    shop.sells().advance(START + 3 * DAY)
    paid = shop.transferred(shop.invoices[0])
    assert (paid["status"], paid["attempted"], paid["attempt_count"]) == ("paid", False, 0)
    since = len(shop.told())
    shop.advance(MONTH - 1)
    assert (shop.told(since), shop.status(shop.id)) == ([], "active")
    shop.advance(MONTH)
    assert shop.told(since) == [
        "invoice.created draft",
        "invoice.finalized open",
        "invoice.sent open",
        "customer.subscription.updated active",
    ]
    assert shop.invoices[0]["due_date"] == MONTH + 14 * DAY


def test_an_invoice_that_is_not_paid_is_overdue_on_its_day_until_it_is(shop: Shop) -> None:
    shop.sells().advance(START + 14 * DAY - 1)
    assert shop.status(shop.id) == "active"
    since = len(shop.told())
    shop.advance(START + 14 * DAY)
    assert shop.told(since) == ["invoice.overdue open", "customer.subscription.updated past_due"]
    shop.advance(START + 20 * DAY)
    shop.transferred(shop.invoices[0])
    assert shop.status(shop.id) == "active"


def test_a_newer_invoice_that_is_not_due_decides_the_status(shop: Shop) -> None:
    shop.sells(days=31)
    shop.advance(MONTH)
    assert shop.told()[-2:] == ["customer.subscription.updated active", "invoice.overdue open"]
    assert shop.status(shop.id) == "active"


def test_a_late_invoice_that_is_withdrawn_is_late_no_more(shop: Shop) -> None:
    shop.sells().advance(START + 15 * DAY)
    shop.post(f"/v1/invoices/{shop.invoices[0]['id']}/void")
    assert shop.status(shop.id) == "active"


def test_a_trial_ends_without_a_card(shop: Shop) -> None:
    shop.sells(days=30, trial_period_days=14)
    shop.advance(START + 14 * DAY)
    newest = shop.invoices[0]
    assert (shop.status(shop.id), newest["status"]) == ("active", "open")
    assert newest["due_date"] == START + 44 * DAY


def test_a_change_that_is_billed_at_once_is_sent_too(shop: Shop) -> None:
    shop.sells().advance(START + 10 * DAY)
    item = shop.get(f"/v1/subscriptions/{shop.id}")["items"]["data"][0]["id"]
    shop.post(
        f"/v1/subscriptions/{shop.id}",
        items=[{"id": item, "price": shop.price("scale_monthly")}],
        proration_behavior="always_invoice",
    )
    newest = shop.invoices[0]
    assert (newest["status"], newest["amount_due"]) == ("open", 10160)
    assert newest["due_date"] == START + 24 * DAY


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"collection_method": "send_invoice"},
            "If invoice collection method is 'send_invoice', you must specify 'days_until_due'.",
        ),
        (
            {"days_until_due": 3},
            "You can only specify 'days_until_due' if invoice collection method is 'send_invoice'.",
        ),
    ],
)
def test_the_days_go_with_invoices_that_are_sent(shop: Shop, wanted: Any, message: str) -> None:
    customer = shop.customer("tok_visa")
    sold = {"customer": customer, "items": [{"price": shop.price("pro_monthly")}]}
    status, body = shop.call("POST", "/v1/subscriptions", sold | wanted)
    assert (status, body["error"]["message"]) == (400, message)
    id = shop.post("/v1/subscriptions", **sold)["id"]
    status, body = shop.call("POST", f"/v1/subscriptions/{id}", wanted)
    assert (status, body["error"]["message"]) == (400, message)
    terms = {"collection_method": "send_invoice", "days_until_due": 7}
    assert shop.post(f"/v1/subscriptions/{id}", **terms)["days_until_due"] == 7
    shop.advance(MONTH)
    newest = shop.get("/v1/invoices", customer=customer)["data"][0]
    assert (newest["status"], newest["due_date"]) == ("open", MONTH + 7 * DAY)


def test_a_one_off_may_be_sent(shop: Shop) -> None:
    shop.customer_id = customer = shop.customer()
    terms = {"collection_method": "send_invoice"}
    status, body = shop.call("POST", "/v1/invoices", {"customer": customer, **terms})
    assert (status, "due_date" in body["error"]["message"]) == (400, True)
    status, body = shop.call("POST", "/v1/invoices", {"customer": customer, "days_until_due": 3})
    assert status == 400
    shop.post("/v1/invoiceitems", customer=customer, amount=700, currency="usd")
    made = shop.post(
        "/v1/invoices",
        customer=customer,
        pending_invoice_items_behavior="include",
        due_date=START + 9 * DAY,
        **terms,
    )
    sent = shop.post(f"/v1/invoices/{made['id']}/send")
    assert (sent["status"], sent["due_date"]) == ("open", START + 9 * DAY)
    shop.advance(START + 9 * DAY)
    assert shop.told()[-1] == "invoice.overdue open"
    shop.gives(customer, "tok_visa")
    assert shop.post(f"/v1/invoices/{made['id']}/pay")["status"] == "paid"
    assert shop.call("POST", f"/v1/invoices/{made['id']}/send")[0] == 400
