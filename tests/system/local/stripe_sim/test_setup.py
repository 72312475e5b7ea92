"""The simulated account's own settings: catalogue, portal, webhook endpoints, as Stripe takes and
refuses them.
"""

from email.message import Message
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe
from stripe.billing_portal import Configuration

from local.http_server import Request
from local.stripe_sim.api.object_shapes import missing, undeclared
from local.stripe_sim.hosted import hosted_pages
from tests.fakes.stripe.sim import SimStage

PRODUCTS = ["data.features.subscription_update.products"]


@pytest.fixture
def sim() -> SimStage:
    return SimStage()


def offering(sim: SimStage, *lookup_keys: str) -> dict[str, Any]:
    """Features with a change of plan among these prices of pro."""
    products = [{"product": "prod_pro", "prices": [sim.price(key) for key in lookup_keys]}]
    return {
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": products,
        }
    }


def refusal(sim: SimStage, path: str, **params: Any) -> str:
    status, body = sim.call("POST", path, params)
    assert status == 400
    return str(body["error"]["message"])


def test_objects_of_the_setup_have_the_fields_that_the_sdk_declares(sim: SimStage) -> None:
    portal = sim.post(
        "/v1/billing_portal/configurations",
        features=offering(sim, "pro_monthly"),
        expand=["features.subscription_update.products"],
    )
    assert undeclared(Configuration, portal) == missing(Configuration, portal) == []
    endpoint = sim.post("/v1/webhook_endpoints", url="https://a.example", enabled_events=["*"])
    assert (
        undeclared(stripe.WebhookEndpoint, endpoint)
        == missing(stripe.WebhookEndpoint, endpoint)
        == []
    )
    for path, kind in (("account", stripe.Account), ("balance", stripe.Balance)):
        found = sim.get(f"/v1/{path}")
        assert undeclared(kind, found) == missing(kind, found) == []


def test_a_lookup_key_moves_only_where_that_is_asked_for(sim: SimStage) -> None:
    wanted = {
        "product": "prod_pro",
        "currency": "usd",
        "unit_amount": 5900,
        "recurring": {"interval": "month"},
        "lookup_key": "pro_monthly",
    }
    old = sim.price("pro_monthly")
    assert "already uses that lookup key" in refusal(sim, "/v1/prices", **wanted)
    new = sim.post("/v1/prices", **wanted, transfer_lookup_key=True)["id"]
    assert sim.price("pro_monthly") == new != old
    assert sim.get(f"/v1/prices/{old}")["lookup_key"] is None
    sim.post(f"/v1/prices/{old}", lookup_key="pro_monthly", transfer_lookup_key=True)
    assert sim.price("pro_monthly") == old


def test_a_default_price_is_not_archived(sim: SimStage) -> None:
    price, other = sim.price("pro_monthly"), sim.price("pro_yearly")
    sim.post("/v1/products/prod_pro", default_price=price, name="Pro")
    assert "default price" in refusal(sim, f"/v1/prices/{price}", active=False)
    sim.post("/v1/products/prod_pro", default_price=other)
    assert not sim.post(f"/v1/prices/{price}", active=False)["active"]
    assert sim.get("/v1/products/prod_pro")["name"] == "Pro"


def test_metadata_is_merged_and_an_empty_value_takes_a_key_away(sim: SimStage) -> None:
    sim.post("/v1/products/prod_pro", metadata={"a": "1", "b": "2"})
    assert sim.post("/v1/products/prod_pro", metadata={"a": "", "c": "3"})["metadata"] == {
        "b": "2",
        "c": "3",
    }
    assert sim.post("/v1/products/prod_pro", metadata="")["metadata"] == {}


def test_what_a_portal_offers_is_told_only_where_it_is_asked_for(sim: SimStage) -> None:
    made = sim.post("/v1/billing_portal/configurations", features=offering(sim, "pro_monthly"))
    assert "products" not in made["features"]["subscription_update"]
    (listed,) = sim.get("/v1/billing_portal/configurations", expand=PRODUCTS)["data"]
    assert [one["prices"] for one in listed["features"]["subscription_update"]["products"]] == [
        [sim.price("pro_monthly")]
    ]


def test_a_change_of_the_portal_keeps_what_it_does_not_name(sim: SimStage) -> None:
    id = sim.post(
        "/v1/billing_portal/configurations",
        features=offering(sim, "pro_monthly") | {"invoice_history": {"enabled": True}},
    )["id"]
    changed = sim.post(
        f"/v1/billing_portal/configurations/{id}",
        features={"subscription_cancel": {"enabled": True}},
        default_return_url="https://a",
    )
    assert changed["features"]["invoice_history"]["enabled"]
    assert (
        changed["features"]["subscription_cancel"] | {"enabled": True, "mode": "at_period_end"}
        == changed["features"]["subscription_cancel"]
    )
    assert changed["default_return_url"] == "https://a"


def test_a_portal_that_stripe_would_refuse_is_refused(sim: SimStage) -> None:
    path = "/v1/billing_portal/configurations"
    assert "Missing required param: features" in refusal(sim, path)
    assert "are required" in refusal(sim, path, features={"subscription_update": {"enabled": True}})
    month = sim.post(
        "/v1/prices",
        product="prod_pro",
        currency="usd",
        unit_amount=1,
        recurring={"interval": "month"},
    )["id"]
    twice = offering(sim, "pro_monthly")
    twice["subscription_update"]["products"][0]["prices"].append(month)
    assert "must differ in their intervals" in refusal(sim, path, features=twice)
    assert "its own" in refusal(sim, path, features=offering(sim, "scale_monthly"))
    sim.post(f"/v1/prices/{sim.price('pro_yearly')}", active=False)
    assert "inactive" in refusal(sim, path, features=offering(sim, "pro_yearly"))


def test_a_portal_session_takes_a_configuration_that_is_on(sim: SimStage) -> None:
    customer = sim.customer()
    id = sim.post(
        "/v1/billing_portal/configurations", features={"invoice_history": {"enabled": True}}
    )["id"]
    assert (
        sim.post("/v1/billing_portal/sessions", customer=customer, configuration=id)[
            "configuration"
        ]
        == id
    )
    sim.post(f"/v1/billing_portal/configurations/{id}", active=False)
    assert "not active" in refusal(
        sim, "/v1/billing_portal/sessions", customer=customer, configuration=id
    )


def test_the_portal_page_allows_what_its_configuration_does(sim: SimStage) -> None:
    customer = sim.customer()

    def saves(email: str, features: dict[str, Any]) -> int:
        path, about = "/v1/billing_portal", {"customer": customer}
        id = sim.post(f"{path}/configurations", features=features)["id"]
        session = sim.post(f"{path}/sessions", configuration=id, **about)
        form = urlencode({"do": "email", "email": email}).encode()
        page = f"/p/session/{session['id']}"
        shown = hosted_pages.answer(
            sim.engine, Request("GET", page, [], Message(), b"", "127.0.0.1")
        )
        answer = hosted_pages.answer(
            sim.engine, Request("POST", page, [], Message(), form, "127.0.0.1")
        )
        assert (b'value="email"' in shown.body) is (answer.status == 200)
        return answer.status

    before = sim.get(f"/v1/customers/{customer}")["email"]
    updates = {"enabled": True, "allowed_updates": ["address"]}
    assert saves("eve@evil.example", {"customer_update": updates}) == 402
    assert saves("eve@evil.example", {"invoice_history": {"enabled": True}}) == 402
    assert sim.get(f"/v1/customers/{customer}")["email"] == before
    updates = {"enabled": True, "allowed_updates": ["email"]}
    assert saves("new@example.com", {"customer_update": updates}) == 200
    assert sim.get(f"/v1/customers/{customer}")["email"] == "new@example.com"


def test_an_endpoints_secret_is_told_once_and_its_version_stays(sim: SimStage) -> None:
    made = sim.post(
        "/v1/webhook_endpoints",
        url="https://a.example",
        enabled_events=["invoice.paid"],
        api_version="2026-03-25.dahlia",
    )
    assert made["secret"].startswith("whsec_")
    assert sim.get(f"/v1/webhook_endpoints/{made['id']}")["secret"] is None
    assert "api_version" in refusal(
        sim, f"/v1/webhook_endpoints/{made['id']}", api_version=stripe.api_version
    )
    assert sim.post(f"/v1/webhook_endpoints/{made['id']}", disabled=True)["status"] == "disabled"
    assert "Missing required param: enabled_events" in refusal(
        sim, "/v1/webhook_endpoints", url="https://a.example"
    )
    assert "enabled_events" in refusal(
        sim, "/v1/webhook_endpoints", url="https://a.example", enabled_events=["invoice.eaten"]
    )
    assert sim.call("DELETE", f"/v1/webhook_endpoints/{made['id']}")[1]["deleted"]
    assert sim.get("/v1/webhook_endpoints")["data"] == []


def test_an_account_has_sixteen_endpoints_at_most(sim: SimStage) -> None:
    for _ in range(16):
        sim.post("/v1/webhook_endpoints", url="https://a.example", enabled_events=["*"])
    assert "maximum" in refusal(
        sim, "/v1/webhook_endpoints", url="https://a.example", enabled_events=["*"]
    )
