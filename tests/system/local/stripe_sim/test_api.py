"""The simulated API as Stripe's own SDK sees it: shapes, refusals, pages, idempotency, faults."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from local.client import Client
from local.stripe_sim.api.api import Fault
from local.stripe_sim.api.object_shapes import blank, missing, undeclared
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.billing.cards import CARDS, card
from tests.fakes.stripe.sim import DAY, PRICES, START, SimStage

KINDS = {
    "products": stripe.Product,
    "prices": stripe.Price,
    "customers": stripe.Customer,
    "subscriptions": stripe.Subscription,
    "invoices": stripe.Invoice,
    "invoiceitems": stripe.InvoiceItem,
    "invoice_payments": stripe.InvoicePayment,
    "charges": stripe.Charge,
    "setup_intents": stripe.SetupIntent,
    "checkout/sessions": stripe.checkout.Session,
    "events": stripe.Event,
}


@pytest.fixture
def sim() -> SimStage:
    return SimStage()


def a_full_life(sim: SimStage) -> str:
    """A customer with one of everything."""
    customer = sim.customer()
    trial = sim.trial(customer)
    session = sim.post(
        "/v1/checkout/sessions",
        mode="setup",
        currency="usd",
        customer=customer,
        success_url="https://a.example",
        ui_mode="hosted_page",
    )
    sim.completes(session["id"])
    sim.gives(customer, "tok_visa")
    sim.post(
        "/v1/invoiceitems", customer=customer, amount=1500, currency="usd", description="Workshop"
    )
    sim.advance(START + 20 * DAY)
    items = [
        {
            "id": sim.get(f"/v1/subscriptions/{trial}")["items"]["data"][0]["id"],
            "price": sim.price("scale_monthly"),
        }
    ]
    sim.post(f"/v1/subscriptions/{trial}", items=items, proration_behavior="always_invoice")
    return customer


def test_every_object_has_the_fields_that_the_sdk_declares_and_no_others(sim: SimStage) -> None:
    customer = a_full_life(sim)
    sim.post("/v1/refunds", charge=sim.get("/v1/charges")["data"][0]["id"])
    for path, kind in KINDS.items():
        found = sim.get(f"/v1/{path}", limit=100)["data"]
        assert found, path
        for thing in found:
            assert undeclared(kind, thing) == [], path
            assert missing(kind, thing) == [], path
    method = sim.get(f"/v1/customers/{customer}/payment_methods")["data"][0]
    assert undeclared(stripe.PaymentMethod, method) == missing(stripe.PaymentMethod, method) == []
    portal = sim.post("/v1/billing_portal/sessions", customer=customer)
    assert (
        undeclared(stripe.billing_portal.Session, portal)
        == missing(stripe.billing_portal.Session, portal)
        == []
    )


def test_what_events_tell_is_in_the_same_shapes(sim: SimStage) -> None:
    a_full_life(sim)
    sim.engine.payments.dispute(sim.engine.store.all("charge")[0], "fraudulent")
    kinds = {
        kind.__annotations__["object"].__args__[0]: kind
        for kind in (*KINDS.values(), stripe.PaymentMethod, stripe.Dispute, stripe.Refund)
    }
    for event in sim.engine.store.events:
        thing = event["data"]["object"]
        assert undeclared(kinds[thing["object"]], thing) == [], event["type"]


def test_a_field_that_the_sdk_does_not_declare_is_found() -> None:
    assert (
        undeclared(stripe.Subscription, blank(stripe.Subscription) | {"current_period_end": 1})[-1:]
        != []
    )
    assert "current_period_end is not declared" in undeclared(
        stripe.Subscription, {"current_period_end": 1}
    )
    assert undeclared(stripe.Customer, {"id": 7, "balance": "x"}) == ["balance is str", "id is int"]
    with pytest.raises(TypeError):
        blank(stripe.Invoice, subscription="sub_1")


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        ("/v1/customers", {"emial": "x"}, "emial"),
        ("/v1/customers", {"metadata": "x"}, "metadata"),
        ("/v1/subscriptions", {"items": [{"price": "price_none"}]}, "customer"),
        ("/v1/subscriptions", {"customer": "cus_none", "trial_end": "soon"}, "trial_end"),
        (
            "/v1/subscriptions",
            {"customer": "cus_none", "trial_period_days": "x"},
            "trial_period_days",
        ),
        (
            "/v1/subscriptions",
            {"customer": "cus_none", "items": [{"prize": "x"}]},
            "items[0][prize]",
        ),
        (
            "/v1/subscriptions",
            {"customer": "cus_none", "cancel_at_period_end": "maybe"},
            "cancel_at_period_end",
        ),
        (
            "/v1/checkout/sessions",
            {"mode": "setup", "success_url": "https://a.example", "ui_mode": "hosted_page"},
            "currency",
        ),
        (
            "/v1/checkout/sessions",
            {"mode": "setup", "currency": "usd", "ui_mode": "hosted", "success_url": "x"},
            "ui_mode",
        ),
        ("/v1/checkout/sessions", {"mode": "subscription", "success_url": "x"}, "line_items"),
        (
            "/v1/checkout/sessions",
            {"mode": "setup", "currency": "usd", "payment_method_types": ["card"]},
            "payment_method_types",
        ),
        ("/v1/invoices/in_none/pay", {"foo": "x"}, "foo"),
    ],
)
def test_unknown_parameters_and_wrong_types_are_refused_by_name(
    sim: SimStage, path: str, params: Any, param: str
) -> None:
    status, body = sim.call("POST", path, params)
    assert status in (400, 404)
    assert body["error"]["param"] == param
    assert body["error"]["type"] == "invalid_request_error"
    assert sim.engine.store.events == []


def test_what_is_not_there_is_not_there(sim: SimStage) -> None:
    assert sim.call("GET", "/v1/customers/cus_none")[1]["error"]["code"] == "resource_missing"
    assert sim.call("GET", "/v1/unicorns")[0] == 404
    assert sim.call("PUT", "/v1/customers")[0] == 404


def test_lists_have_pages(sim: SimStage) -> None:
    ids = [sim.post("/v1/customers", email=f"{n}@example.com")["id"] for n in range(5)]
    page = sim.get("/v1/customers", limit=2)
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([ids[4], ids[3]], True)
    page = sim.get("/v1/customers", limit=3, starting_after=ids[3])
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (
        [ids[2], ids[1], ids[0]],
        False,
    )
    assert [one["id"] for one in sim.get("/v1/customers", email="2@example.com")["data"]] == [
        ids[2]
    ]
    assert sim.call("GET", "/v1/customers", {"limit": 101})[0] == 400


def test_the_same_key_gives_the_same_answer_for_a_day_and_no_more(sim: SimStage) -> None:
    first = sim.call("POST", "/v1/customers", {"email": "a@example.com"}, key="k")
    assert sim.call("POST", "/v1/customers", {"email": "a@example.com"}, key="k") == first
    status, body = sim.call("POST", "/v1/customers", {"email": "b@example.com"}, key="k")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")
    sim.advance(START + DAY)
    assert sim.call("POST", "/v1/customers", {"email": "a@example.com"}, key="k") != first


def test_a_failure_is_kept_under_its_key_and_a_refusal_before_the_start_is_not(
    sim: SimStage,
) -> None:
    sim.api.faults.append(Fault("500", 1))
    assert sim.call("POST", "/v1/customers", {"email": "a@example.com"}, key="k")[0] == 500
    assert sim.call("POST", "/v1/customers", {"email": "a@example.com"}, key="k")[0] == 500
    assert sim.call("POST", "/v1/customers", {"emial": "x"}, key="l")[0] == 400
    assert sim.call("POST", "/v1/customers", {"email": "a@example.com"}, key="l")[0] == 200
    sim.api.faults.append(Fault("429", 1))
    assert sim.call("POST", "/v1/customers", {"email": "c@example.com"}, key="m")[0] == 429
    assert sim.call("POST", "/v1/customers", {"email": "c@example.com"}, key="m")[0] == 200


def test_a_card_is_known_by_token_number_and_name() -> None:
    for one in CARDS:
        for token in one.names:
            assert card(token) is card(one.number) is card(token.replace("tok_", "pm_card_")) is one
    assert card("4111111111111112") is None


def test_the_anchor_of_a_resumption_has_the_form_of_the_version_that_asks(sim: SimStage) -> None:
    paused = sim.trial(sim.customer(), days=1)
    sim.advance(START + 2 * DAY)
    sim.version = "2026-10-28.endive"
    assert (
        sim.call("POST", f"/v1/subscriptions/{paused}/resume", {"billing_cycle_anchor": "now"})[0]
        == 400
    )
    assert (
        sim.call(
            "POST", f"/v1/subscriptions/{paused}/resume", {"billing_cycle_anchor": {"type": "now"}}
        )[0]
        == 200
    )


@pytest.fixture
def server() -> Iterator[StripeSimulator]:
    made = StripeSimulator(lambda: datetime.now(UTC))
    made.register(PRICES)
    made.start()
    yield made
    made.close()


def test_the_sdk_itself_gets_on_with_it(server: StripeSimulator) -> None:
    client = stripe.StripeClient(
        "sk_test_1", base_addresses={"api": server.base}, max_network_retries=0
    )
    customer = client.v1.customers.create(
        {"email": "ada@example.com", "metadata": {"account_id": "acc_1"}}
    )
    price = client.v1.prices.list({"lookup_keys": ["pro_monthly"], "active": True}).data[0]
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "trial_period_days": 14,
            "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
            "expand": ["latest_invoice"],
        }
    )
    assert subscription.status == "trialing"
    assert isinstance(subscription.latest_invoice, stripe.Invoice)
    assert subscription.latest_invoice.amount_due == 0
    found = client.v1.customers.search({"query": "metadata['account_id']:'acc_1'"})
    assert [one.id for one in found.data] == [customer.id]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.customers.create({"emial": "x"})  # type: ignore[typeddict-unknown-key]
    assert refusal.value.code == "parameter_unknown"
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("", base_addresses={"api": server.base}).v1.customers.list()


def test_a_fault_that_there_is_not_is_refused_instead_of_ignored(server: StripeSimulator) -> None:
    status, answer = Client(server.base, "sk_test_1").post("/_test/faults", {"how": "5OO"})
    assert (status, server.api.faults) == (400, [])
    assert "timeout_before" in answer["error"]["message"]


def test_a_fault_on_demand_is_a_silence_that_the_sdk_meets(server: StripeSimulator) -> None:
    client = stripe.StripeClient(
        "sk_test_1", base_addresses={"api": server.base}, max_network_retries=0
    )
    server.api.faults.append(Fault("timeout_after", 1, "/v1/customers", "POST"))
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"email": "ada@example.com"}, {"idempotency_key": "k"})
    assert (
        client.v1.customers.create({"email": "ada@example.com"}, {"idempotency_key": "k"}).email
        == "ada@example.com"
    )
    assert len(client.v1.customers.list().data) == 1
