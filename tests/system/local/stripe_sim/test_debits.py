"""Bank debits: a payment that is under way for days, and then succeeds or comes back."""

from datetime import UTC, datetime
from email.message import Message
from typing import Any

import pytest
import stripe

from local.client import Client
from local.http_server import Request
from local.stripe_sim.api.errors import StripeRefusal
from local.stripe_sim.api.object_shapes import missing, undeclared
from local.stripe_sim.api.simulator import StripeSimulator
from local.stripe_sim.billing.bank_accounts import ACCOUNTS, bank_account
from local.stripe_sim.hosted import hosted_pages
from local.stripe_sim.lifecycle.customers import make_customer
from tests.fakes.stripe.sim import DAY, PRICES, START, SimStage

MONTH = START + 31 * DAY
PAYS, FAILS, REVOKES, HANGS, DISPUTED = (
    "000123456789",
    "000222222227",
    "000333333335",
    "000000000009",
    "pm_usBankAccount_dispute",
)


class Shop(SimStage):
    """One customer with a bank account."""

    customer_id: str = ""
    id: str = ""

    def sells(self, account: str = PAYS, **more: Any) -> "Shop":
        self.customer_id = self.customer(account)
        items = [{"price": self.price("pro_monthly")}]
        made = self.post("/v1/subscriptions", customer=self.customer_id, items=items, **more)
        self.id = made["id"]
        return self

    @property
    def state(self) -> tuple[str, str, int]:
        """The status of the subscription and its newest invoice, and how often it was tried."""
        return self.status(self.id), self.invoice["status"], self.invoice["attempt_count"]

    @property
    def invoice(self) -> Any:
        return self.get("/v1/invoices", customer=self.customer_id)["data"][0]

    def payment(self) -> Any:
        """The newest invoice's payment with its intent."""
        found = self.get(
            "/v1/invoice_payments",
            invoice=self.invoice["id"],
            expand=["data.payment.payment_intent"],
        )
        return found["data"][0]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_first_debit_is_under_way_for_days_and_the_subscription_runs(shop: Shop) -> None:
    shop.sells()
    assert shop.state == ("active", "open", 1)
    assert (shop.invoice["attempted"], shop.invoice["next_payment_attempt"]) == (True, None)
    assert shop.told()[-5:] == [
        "invoice.finalized open",
        "payment_intent.created requires_confirmation",
        "payment_intent.processing processing",
        "invoice.updated open",
        "customer.subscription.created active",
    ]
    since = len(shop.told())
    shop.advance(START + 5 * DAY - 1)
    assert shop.told(since) == []
    shop.advance(START + 5 * DAY)
    assert shop.told(since) == [
        "charge.succeeded succeeded",
        "payment_intent.succeeded succeeded",
        "invoice.paid paid",
        "invoice.payment_succeeded paid",
    ]
    assert shop.state == ("active", "paid", 1)


def test_an_invoice_and_its_payment_name_each_other(shop: Shop) -> None:
    shop.sells()
    payment = shop.payment()
    intent = payment["payment"]["payment_intent"]
    assert (payment["status"], intent["status"]) == ("open", "processing")
    assert intent["payment_details"]["order_reference"] == shop.invoice["id"]
    plain = shop.get("/v1/invoice_payments", invoice=shop.invoice["id"])["data"][0]
    assert plain["payment"]["payment_intent"] == intent["id"]
    path = f"/v1/invoices/{shop.invoice['id']}"
    assert shop.get(path)["payments"] is None
    short = shop.get(path, expand=["payments"])["payments"]["data"]
    assert [one["payment"]["payment_intent"] for one in short] == [intent["id"]]
    whole = shop.get(path, expand=["payments.data.payment.payment_intent"])["payments"]["data"]
    assert [one["payment"]["payment_intent"]["status"] for one in whole] == ["processing"]
    of_list = shop.get("/v1/invoices", expand=["data.payments"])
    assert of_list["data"][0]["payments"]["data"] == short
    shop.advance(START + 6 * DAY)
    assert shop.payment()["status"] == "paid"


def test_a_first_debit_that_comes_back_voids_its_invoice_and_leaves_the_subscription(
    shop: Shop,
) -> None:
    shop.sells(FAILS)
    since = len(shop.told())
    shop.advance(START + 6 * DAY)
    assert shop.told(since) == [
        "charge.failed failed",
        "payment_intent.payment_failed requires_payment_method",
        "invoice.payment_failed open",
        "invoice.voided void",
    ]
    assert shop.state == ("active", "void", 1)


def test_a_renewal_that_comes_back_is_past_due_and_not_tried_again(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, FAILS)
    shop.advance(MONTH + 4 * DAY)
    assert shop.state == ("active", "open", 1)
    shop.advance(MONTH + 5 * DAY)
    assert shop.state == ("past_due", "open", 1)
    assert shop.invoice["next_payment_attempt"] is None
    error = shop.payment()["payment"]["payment_intent"]["last_payment_error"]
    assert error["code"] == "insufficient_funds"
    shop.advance(MONTH + 25 * DAY)
    assert shop.state == ("past_due", "open", 1)
    shop.gives(shop.customer_id, "tok_visa")
    shop.post(f"/v1/invoices/{shop.invoice['id']}/pay")
    assert shop.state == ("active", "paid", 1)


def test_a_trial_that_ends_with_a_debit_runs_on(shop: Shop) -> None:
    shop.sells(trial_period_days=14)
    shop.advance(START + 14 * DAY)
    assert shop.state == ("active", "open", 1)
    shop.advance(START + 19 * DAY)
    assert shop.state == ("active", "paid", 1)


def test_a_one_off_is_paid_by_a_debit_and_meanwhile_not_again(shop: Shop) -> None:
    customer = shop.customer_id = shop.customer(PAYS)
    shop.post("/v1/invoiceitems", customer=customer, amount=1500, currency="usd")
    made = shop.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    paid = shop.post(f"/v1/invoices/{made['id']}/pay")
    assert (paid["status"], paid["attempt_count"], paid["amount_remaining"]) == ("open", 1, 1500)
    for path in ("pay", "void"):
        status, body = shop.call("POST", f"/v1/invoices/{made['id']}/{path}")
        assert (status, body["error"]["message"][:35]) == (
            400,
            "Invoices with `processing` payments",
        )
    shop.advance(START + 5 * DAY)
    assert shop.invoice["status"] == "paid"


def test_a_debit_that_nobody_authorized_ends_the_mandate(shop: Shop) -> None:
    shop.sells()
    shop.gives(shop.customer_id, REVOKES)
    since = len(shop.told())
    shop.advance(MONTH + 5 * DAY)
    assert "mandate.updated inactive" in shop.told(since)
    assert shop.state[0] == "past_due"
    status, body = shop.call("POST", f"/v1/invoices/{shop.invoice['id']}/pay")
    assert (status, body["error"]["code"]) == (400, "payment_intent_mandate_invalid")
    assert shop.invoice["status"] == "open"


def test_a_debit_may_stay_under_way_or_be_disputed_once_it_succeeded(shop: Shop) -> None:
    shop.sells(HANGS).advance(START + 20 * DAY)
    assert shop.state == ("active", "open", 1)
    other = Shop().sells(DISPUTED)
    other.advance(START + 6 * DAY)
    assert other.told()[-1] == "charge.dispute.created needs_response"


def test_how_long_a_debit_takes_is_a_setting(shop: Shop) -> None:
    shop.engine.store.settings["debit_days"] = 2
    shop.sells().advance(START + 2 * DAY)
    assert shop.state == ("active", "paid", 1)


@pytest.mark.parametrize(
    ("type", "wanted", "currency"),
    [
        ("sepa_debit", {"iban": "DE89370400440532013000"}, "eur"),
        ("us_bank_account", {"account_number": PAYS, "routing_number": "110000000"}, "usd"),
        ("bacs_debit", {"account_number": "00012345", "sort_code": "108800"}, "gbp"),
    ],
)
def test_a_bank_account_pays_in_its_own_currency_only(
    shop: Shop, type: str, wanted: dict[str, str], currency: str
) -> None:
    method = shop.post("/v1/payment_methods", type=type, **{type: wanted})
    assert (method["type"], method[type]["last4"]) == (type, next(iter(wanted.values()))[-4:])
    customer = shop.customer()
    shop.post(f"/v1/payment_methods/{method['id']}/attach", customer=customer)
    product = shop.post("/v1/products", name="World")["id"]
    recurring = {"interval": "month"}
    for one in ("eur", "usd", "gbp"):
        price = shop.post(
            "/v1/prices", product=product, currency=one, unit_amount=900, recurring=recurring
        )
        status, body = shop.call(
            "POST",
            "/v1/subscriptions",
            {
                "customer": customer,
                "items": [{"price": price["id"]}],
                "default_payment_method": method["id"],
            },
        )
        if one != currency:
            assert (status, body["error"]["param"]) == (400, "currency")
            shop.engine.store.objects["customer"][customer]["currency"] = None
        else:
            assert body["status"] == "active"


def test_a_checkout_that_is_paid_by_a_debit_says_later_what_became_of_it(shop: Shop) -> None:
    shop.customer_id = shop.customer()
    for account, what in ((PAYS, "succeeded"), (FAILS, "failed")):
        session = shop.post(
            "/v1/checkout/sessions",
            mode="subscription",
            customer=shop.customer_id,
            line_items=[{"price": shop.price("pro_monthly"), "quantity": 1}],
            success_url="https://a.example",
        )
        done = shop.completes(session["id"], account)
        assert (done["status"], done["payment_status"]) == ("complete", "unpaid")
        shop.advance(shop.second + 6 * DAY)
        assert shop.told()[-1] == f"checkout.session.async_payment_{what} complete"
    assert done["payment_status"] == "unpaid"


def test_every_account_is_known_by_number_and_token_and_has_the_sdks_shape(shop: Shop) -> None:
    for account in ACCOUNTS:
        assert all(bank_account(name) is account for name in account.names)
        method = shop.engine.payments.make_method(account.number)
        shown = {name: value for name, value in method.items() if not name.startswith("_")}
        assert undeclared(stripe.PaymentMethod, shown) == []
        assert missing(stripe.PaymentMethod, shown) == []
    mandate = shop.engine.store.all("mandate")[0]
    assert undeclared(stripe.Mandate, mandate) == missing(stripe.Mandate, mandate) == []
    shop.sells()
    intent = shop.get("/v1/payment_intents")["data"][0]
    assert undeclared(stripe.PaymentIntent, intent) == []
    assert missing(stripe.PaymentIntent, intent) == []


def test_the_pages_show_a_bank_account(shop: Shop) -> None:
    shop.sells()
    portal = shop.post("/v1/billing_portal/sessions", customer=shop.customer_id)
    for path in (f"/p/session/{portal['id']}", f"/customers/{shop.customer_id}"):
        request = Request("GET", path, [], Message(), b"", "127.0.0.1")
        page = hosted_pages.answer(shop.engine, request)
        assert page.status == 200
        assert "6789" in page.body.decode()


def test_a_debit_ends_when_it_is_told_to(shop: Shop) -> None:
    shop.sells(HANGS)
    intent = shop.engine.store.all("payment_intent")[0]
    shop.engine.end_debit(intent, "account_closed")
    assert shop.state == ("active", "void", 1)
    with pytest.raises(StripeRefusal, match="No debit is under way"):
        shop.engine.end_debit(intent, "succeeded")
    other = Shop().sells(FAILS)
    other.engine.end_debit(other.engine.store.all("payment_intent")[0], "succeeded")
    assert other.state == ("active", "paid", 1)


def test_a_bank_account_is_saved_by_checkout_too(shop: Shop) -> None:
    shop.customer_id = shop.customer()
    session = shop.post(
        "/v1/checkout/sessions",
        mode="setup",
        currency="usd",
        customer=shop.customer_id,
        success_url="https://a.example",
    )
    shop.completes(session["id"], PAYS)
    (method,) = shop.get("/v1/payment_methods", customer=shop.customer_id)["data"]
    assert method["type"] == "us_bank_account"
    typed = shop.get("/v1/payment_methods", customer=shop.customer_id, type="card")["data"]
    assert typed == []


def test_a_debit_is_ended_by_a_call_for_tests() -> None:
    simulator = StripeSimulator(lambda: datetime.now(UTC))
    simulator.register(PRICES)
    simulator.start()
    try:
        client = Client(simulator.base, "sk_test_1")
        engine = simulator.engine
        with engine.lock:
            engine.catch_up()
            customer = make_customer(engine.store, {"email": "ada@example.com"})
            engine.checkout.set_default_card(customer, PAYS)
            price = engine.store.all("price")[-1]["id"]
            engine.subscriptions.create(customer, {"items": [{"price": price}]})
        invoice = engine.store.all("invoice")[0]["id"]
        path = f"/_test/invoices/{invoice}/debit"
        assert client.post(path, {"outcome": "insufficient_funds"}) == (
            200,
            {"id": invoice, "status": "void"},
        )
        assert client.post(path, {})[0] == 400
    finally:
        simulator.close()


def test_a_bank_account_is_made_with_the_name_of_its_holder(shop: Shop) -> None:
    made = shop.post(
        "/v1/payment_methods",
        type="us_bank_account",
        us_bank_account={"account_number": PAYS, "routing_number": "110000000"},
        billing_details={"name": "Dora Debit", "email": "dora@example.com"},
    )
    assert made["billing_details"]["name"] == "Dora Debit"
    assert made["us_bank_account"]["last4"] == PAYS[-4:]
