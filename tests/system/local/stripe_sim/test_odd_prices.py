"""Metered and tiered prices, fractions of a cent, and invoices whose tax cannot be known."""

from email.message import Message
from typing import Any

import pytest

from local.http_server import Request
from local.stripe_sim.hosted import hosted_pages
from tests.fakes.stripe.sim import DAY, START, SimStage

MONTH = START + 31 * DAY
NOWHERE = {"country": "ZZ", "line1": "1 Some Street"}


@pytest.fixture
def sim() -> SimStage:
    return SimStage()


def metered(sim: SimStage) -> str:
    product = sim.post("/v1/products", name="Calls")["id"]
    recurring = {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}
    made = sim.post(
        "/v1/prices", product=product, currency="usd", unit_amount=3, recurring=recurring
    )
    return str(made["id"])


def test_a_metered_price_takes_no_quantity(sim: SimStage) -> None:
    price, customer = metered(sim), sim.customer("tok_visa")
    sold: dict[str, Any] = {"customer": customer, "items": [{"price": price, "quantity": 2}]}
    status, body = sim.call("POST", "/v1/subscriptions", sold)
    assert (status, body["error"]["param"]) == (400, "items[0][quantity]")
    assert sim.get("/v1/subscriptions", status="all")["data"] == []
    sold["items"] = [{"price": sim.price("pro_monthly")}, {"price": price}]
    made = sim.post("/v1/subscriptions", **sold)
    pro, calls = made["items"]["data"]
    assert (pro["quantity"], calls["quantity"]) == (1, None)
    (paid,) = sim.get("/v1/invoices")["data"]
    assert [line["amount"] for line in paid["lines"]["data"]] == [4900, 0]
    change = {"items": [{"id": calls["id"], "quantity": 2}]}
    assert sim.call("POST", f"/v1/subscriptions/{made['id']}", change)[0] == 400


@pytest.mark.parametrize(
    ("decimal", "whole", "text", "cost"),
    [("0.5", None, "0.5", 4), ("12", 12, "12", 84), ("0.070", None, "0.07", 0), ("0", 0, "0", 0)],
)
def test_a_fraction_of_a_cent_is_rounded_once_for_the_line(
    sim: SimStage, decimal: str, whole: int | None, text: str, cost: int
) -> None:
    product = sim.post("/v1/products", name="Calls")["id"]
    given = {"product": product, "currency": "usd", "recurring": {"interval": "month"}}
    price = sim.post("/v1/prices", **given, unit_amount_decimal=decimal)
    assert (price["unit_amount"], price["unit_amount_decimal"]) == (whole, text)
    items = [{"price": price["id"], "quantity": 7}]
    sold = sim.post("/v1/subscriptions", customer=sim.customer("tok_visa"), items=items)
    plan = sold["items"]["data"][0]["plan"]
    assert (plan["amount"], plan["amount_decimal"]) == (whole, text)
    (invoice,) = sim.get("/v1/invoices")["data"]
    assert invoice["total"] == cost


def test_a_price_with_tiers_has_no_amount(sim: SimStage) -> None:
    product = sim.post("/v1/products", name="Seats")["id"]
    price = sim.post(
        "/v1/prices",
        product=product,
        currency="usd",
        recurring={"interval": "month"},
        billing_scheme="tiered",
        tiers_mode="volume",
        tiers=[{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount": 50}],
    )
    assert (price["billing_scheme"], price["tiers_mode"]) == ("tiered", "volume")
    assert price["unit_amount"] is None


def test_a_discount_of_an_item_is_refused_and_not_passed_over(sim: SimStage) -> None:
    sim.post("/v1/coupons", id="TENTH", percent_off=10, duration="forever")
    item = {"price": sim.price("pro_monthly"), "discounts": [{"coupon": "TENTH"}]}
    sold = {"customer": sim.customer("tok_visa"), "items": [item]}
    status, body = sim.call("POST", "/v1/subscriptions", sold)
    assert (status, body["error"]["param"]) == (400, "items[0][discounts]")
    made = sim.post("/v1/subscriptions", **sold | {"items": [{"price": item["price"]}]})
    change = {"items": [{"id": made["items"]["data"][0]["id"], "discounts": item["discounts"]}]}
    status, body = sim.call("POST", f"/v1/subscriptions/{made['id']}", change)
    assert (status, body["error"]["param"]) == (400, "items[0][discounts]")


def test_an_invoice_that_cannot_be_taxed_stays_a_draft_and_says_so(sim: SimStage) -> None:
    customer = sim.customer("tok_visa")
    items = [{"price": sim.price("pro_monthly")}]
    sold = {"customer": customer, "items": items, "automatic_tax": {"enabled": True}}
    sim.post("/v1/subscriptions", **sold)
    sim.post(f"/v1/customers/{customer}", address=NOWHERE)
    sim.advance(MONTH)
    assert "invoice.finalization_failed draft" in sim.told()
    newest = sim.get("/v1/invoices")["data"][0]
    assert (newest["status"], newest["automatic_tax"]["status"]) == (
        "draft",
        "requires_location_inputs",
    )
    assert newest["last_finalization_error"]["code"] == "customer_tax_location_invalid"
    status, body = sim.call("POST", f"/v1/invoices/{newest['id']}/finalize")
    assert (status, body["error"]["code"]) == (400, "customer_tax_location_invalid")
    status, body = sim.call("POST", "/v1/subscriptions", sold)
    assert (status, body["error"]["code"]) == (400, "customer_tax_location_invalid")
    sim.post(f"/v1/customers/{customer}", address={"country": "DE"})
    done = sim.post(f"/v1/invoices/{newest['id']}/pay")
    assert (done["status"], done["last_finalization_error"]) == ("paid", None)


def test_a_customer_changes_the_address_in_the_portal(sim: SimStage) -> None:
    customer = sim.customer()
    portal = sim.post("/v1/billing_portal/sessions", customer=customer)
    form = b"do=email&email=new%40example.com"
    request = Request("POST", f"/p/session/{portal['id']}", [], Message(), form, "127.0.0.1")
    assert hosted_pages.answer(sim.engine, request).status == 200
    told = sim.engine.store.events[-1]
    assert (told["type"], told["data"]["previous_attributes"]) == (
        "customer.updated",
        {"email": "ada@example.com"},
    )


def a_fee(sim: SimStage, amount: int = 9900) -> str:
    product = sim.post("/v1/products", name="Setup")["id"]
    made = sim.post("/v1/prices", product=product, currency="usd", unit_amount=amount)
    return str(made["id"])


@pytest.mark.parametrize(("trial", "paid"), [({}, 14800), ({"trial_period_days": 14}, 9900)])
def test_a_fee_for_the_beginning_is_on_the_first_invoice(
    sim: SimStage, trial: Any, paid: int
) -> None:
    made = sim.post(
        "/v1/subscriptions",
        customer=sim.customer("tok_visa"),
        items=[{"price": sim.price("pro_monthly")}],
        add_invoice_items=[{"price": a_fee(sim)}],
        **trial,
    )
    assert made["status"] == ("trialing" if trial else "active")
    (first,) = sim.get("/v1/invoices")["data"]
    assert (first["status"], first["amount_paid"], first["attempt_count"]) == ("paid", paid, 1)
    sim.advance(MONTH + 14 * DAY)
    assert sim.get("/v1/invoices")["data"][0]["amount_paid"] == 4900


@pytest.mark.parametrize(("card", "refused"), [("tok_chargeCustomerFail", 402), (None, 400)])
def test_a_subscription_that_is_refused_leaves_no_fee_behind(
    sim: SimStage, card: str | None, refused: int
) -> None:
    customer = sim.customer(card)
    wanted = {
        "customer": customer,
        "items": [{"price": sim.price("pro_monthly")}],
        "add_invoice_items": [{"price": a_fee(sim)}],
        "payment_behavior": "error_if_incomplete",
    }
    assert sim.call("POST", "/v1/subscriptions", wanted)[0] == refused
    assert sim.get("/v1/invoiceitems")["data"] == []


def test_a_checkout_may_sell_a_fee_beside_the_subscription(sim: SimStage) -> None:
    lines = [
        {"price": sim.price("pro_monthly"), "quantity": 1},
        {"price": a_fee(sim), "quantity": 1},
    ]
    session = sim.post(
        "/v1/checkout/sessions",
        mode="subscription",
        customer=sim.customer(),
        line_items=lines,
        success_url="https://a.example",
    )
    sim.completes(session["id"])
    (sold,) = sim.get("/v1/subscriptions")["data"]
    assert len(sold["items"]["data"]) == 1
    assert sim.get("/v1/invoices")["data"][0]["amount_paid"] == 14800


def test_what_is_pending_is_paid_with_the_first_invoice_of_a_trial(sim: SimStage) -> None:
    for card, paid in (("tok_visa", "paid"), ("tok_chargeCustomerFail", "open"), (None, "open")):
        customer = sim.customer(card)
        sim.post("/v1/invoiceitems", customer=customer, amount=700, currency="usd")
        id = sim.trial(customer)
        (first,) = sim.get("/v1/invoices", customer=customer)["data"]
        assert (first["status"], first["total"], sim.status(id)) == (paid, 700, "trialing")


def test_invoices_are_numbered_for_each_customer(sim: SimStage) -> None:
    numbers = []
    for _ in range(2):
        customer = sim.customer("tok_visa")
        items = [{"price": sim.price("pro_monthly")}]
        sim.post("/v1/subscriptions", customer=customer, items=items)
        sim.advance(sim.second + 32 * DAY)
        prefix = sim.get(f"/v1/customers/{customer}")["invoice_prefix"]
        found = sim.get("/v1/invoices", customer=customer)["data"]
        numbers.append([one["number"].removeprefix(prefix) for one in reversed(found)])
    assert numbers == [["-0001", "-0002"]] * 2
