"""Stripe's answers as values: every field, and what is left of an object that cannot be read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import Unreadable
from chalicelib.domain.stripe_objects.answers import (
    Address,
    CheckoutSession,
    Coupon,
    Discount,
    EnteredCard,
    InvoiceItem,
    InvoicePreview,
    StripeCharge,
)
from chalicelib.domain.stripe_objects.objects import Card
from chalicelib.stripe_api import answers, objects
from tests.adapters.stripe_api.test_reader import TRUTH

CUSTOMER = next(iter(TRUTH.customers.values()))
SUBSCRIPTION = next(iter(TRUTH.subscriptions.values()))
INVOICE = next(iter(TRUTH.invoices.values()))
OURS = {"made_by": "billhook", "account_id": "acc_1"}
CARD = {
    "id": "pm_1",
    "type": "card",
    "created": 1772442000,
    "card": {"brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2027},
    "billing_details": {"address": {"country": "AT", "city": "Wien", "line1": ""}},
}


def test_a_customer_comes_with_its_account_and_its_card() -> None:
    raw = {
        **CUSTOMER,
        "metadata": {"account_id": "acc_1"},
        "invoice_settings": {"default_payment_method": CARD},
    }
    found = answers.customer(raw)
    assert (found.id, found.account_id, found.deleted) == (CUSTOMER["id"], "acc_1", False)
    assert found.value == objects.customer(raw)
    assert found.cards == (Card("pm_1", "visa", "4242", 8, 2027),)
    assert answers.customer({"id": "cus_1", "deleted": True}).deleted


def test_a_customers_address_has_the_domain_that_mail_servers_know() -> None:
    """SES takes ASCII only, and a signup of the same mailbox is the same person."""
    found = answers.customer({**CUSTOMER, "email": "Info@Müller.example"})
    assert found.value.email == "Info@xn--mller-kva.example"
    assert answers.customer({**CUSTOMER, "email": None}).value.email is None


def test_a_subscription_comes_with_what_only_some_calls_need() -> None:
    raw = {
        **SUBSCRIPTION,
        "metadata": {"account_id": "acc_1"},
        "status": "paused",
        "default_payment_method": CARD,
        "automatic_tax": {"enabled": True},
        "status_details": {"paused": {"subscription": {"type": "by_request"}}},
    }
    found = answers.subscription(raw)
    assert found.value == objects.subscription(raw)
    assert (found.status, found.payment_method, found.automatic_tax, found.paused_by) == (
        "paused",
        "pm_1",
        True,
        "by_request",
    )
    assert found.line_ids == tuple(line["id"] for line in SUBSCRIPTION["items"]["data"])
    assert found.created == datetime.fromtimestamp(SUBSCRIPTION["created"], UTC)
    assert found.cards == (Card("pm_1", "visa", "4242", 8, 2027),)
    plain = answers.subscription({**SUBSCRIPTION, "default_payment_method": None})
    assert (plain.payment_method, plain.automatic_tax, plain.paused_by) == (None, False, None)


def test_an_invoice_comes_with_its_pages_and_the_charge_it_is_for() -> None:
    raw = {
        **INVOICE,
        "metadata": {**OURS, "charge_id": "chg_1"},
        "hosted_invoice_url": "https://i.example/1",
        "invoice_pdf": "https://i.example/1.pdf",
    }
    found = answers.invoice(raw)
    assert found.value == objects.invoice(raw)
    assert (found.id, found.account_id, found.status, found.charge_id) == (
        INVOICE["id"],
        "acc_1",
        INVOICE["status"],
        "chg_1",
    )
    assert (found.page_url, found.pdf_url) == ("https://i.example/1", "https://i.example/1.pdf")


@pytest.mark.parametrize("read", [answers.customer, answers.subscription, answers.invoice])
@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "sub_1",
        {},
        {"id": 7, "metadata": 7, "status": 7, "items": 7, "default_payment_method": 7},
        {"id": "x_1", "items": {"data": [None, 7]}, "status_details": {"paused": []}},
        {"id": "x_1", "status": "dreaming", "created": "yesterday", "email": 7},
    ],
)
def test_a_misshapen_object_is_answered_with_why_it_cannot_be_read(read: Any, raw: Any) -> None:
    found = read(raw)
    if isinstance(found.state, Unreadable):
        with pytest.raises(Unreadable):
            _ = found.value
    else:
        assert found.state.id == found.id
    assert found.id in {"", "sub_1", "x_1"}


def test_an_unknown_status_leaves_the_rest_of_a_subscription_readable() -> None:
    found = answers.subscription({**SUBSCRIPTION, "status": "dreaming"})
    assert (found.id, found.status) == (SUBSCRIPTION["id"], "dreaming")
    assert isinstance(found.state, Unreadable)
    assert found.state.field == "status"


def test_a_session_of_ours_comes_with_the_card_that_was_entered() -> None:
    raw = {
        "id": "cs_1",
        "status": "complete",
        "mode": "setup",
        "metadata": OURS,
        "customer": "cus_1",
        "setup_intent": {"id": "seti_1", "payment_method": CARD},
    }
    entered = EnteredCard(
        "pm_1", datetime.fromtimestamp(1772442000, UTC), Address("AT", city="Wien")
    )
    session = CheckoutSession("cs_1", "complete", "setup", True, "acc_1", "cus_1", card=entered)
    assert answers.checkout_session(raw) == session


@pytest.mark.parametrize(
    "intent",
    [
        None,
        "seti_1",
        {"payment_method": None},
        {"payment_method": "pm_1"},
        {"payment_method": {**CARD, "created": None}},
        {"payment_method": {**CARD, "id": None}},
    ],
)
def test_a_session_with_an_incomplete_card_has_none(intent: Any) -> None:
    found = answers.checkout_session({"id": "cs_1", "url": "https://c", "setup_intent": intent})
    assert found == CheckoutSession("cs_1", "", "", ours=False, url="https://c")


@pytest.mark.parametrize("details", [None, {}, {"address": None}, {"address": {"city": "Wien"}}])
def test_an_address_without_a_country_is_ignored(details: Any) -> None:
    intent = {"payment_method": {**CARD, "billing_details": details}}
    found = answers.checkout_session({"id": "cs_1", "setup_intent": intent})
    assert found.card
    assert found.card.address is None


def test_a_coupon_has_a_percentage_or_an_amount() -> None:
    share = {"id": "A", "percent_off": 20, "duration": "repeating", "duration_in_months": 3}
    assert answers.coupon(share) == Coupon("A", percent_off=20.0, duration="repeating", months=3)
    amount = {
        "id": "B",
        "amount_off": 500,
        "currency": "eur",
        "duration": "once",
        "percent_off": None,
        "valid": False,
    }
    assert answers.coupon(amount) == Coupon(
        "B", valid=False, amount_off=500, currency="eur", duration="once"
    )


def test_a_discount_names_its_coupon_in_every_version() -> None:
    raw = {
        "discounts": [
            {"id": "di_1", "source": {"coupon": "NEW"}},
            {"id": "di_2", "coupon": {"id": "OLD"}},
            {"id": "di_3"},
            "di_4",
        ]
    }
    assert answers.discounts(raw) == [
        Discount("di_1", "NEW"),
        Discount("di_2", "OLD"),
        Discount("di_3", None),
    ]
    assert answers.discounts({}) == []


def test_charges_items_and_previews_come_as_values() -> None:
    assert answers.charge(
        {"id": "ch_1", "customer": "cus_1", "payment_intent": "pi_1", "paid": True}
    ) == StripeCharge("ch_1", "cus_1", "pi_1", paid=True)
    assert answers.charge({"id": "ch_2", "refunded": True, "disputed": True}) == StripeCharge(
        "ch_2", refunded=True, disputed=True
    )
    item = {"id": "ii_1", "metadata": {"charge_id": "chg_1"}}
    assert answers.invoice_item(item) == InvoiceItem("ii_1", "chg_1")
    preview = {"amount_due": 1500, "currency": "eur"}
    assert answers.invoice_preview(preview) == InvoicePreview(1500, "eur")


def test_an_entry_of_a_list_names_the_accounts_of_both_metadata() -> None:
    raw = {
        **SUBSCRIPTION,
        "metadata": {"account_id": "acc_1"},
        "customer": {**CUSTOMER, "metadata": {"account_id": "acc_2"}},
        "latest_invoice": INVOICE,
    }
    one = answers.list_entry(raw).listed
    assert one
    assert (one.account_id, one.customer_account_id) == ("acc_1", "acc_2")
    assert (one.customer, one.invoice) == (objects.customer(CUSTOMER), objects.invoice(INVOICE))
    plain = answers.list_entry(SUBSCRIPTION).listed
    assert plain
    assert (plain.customer, plain.invoice, plain.customer_account_id) == (None, None, None)


@pytest.mark.parametrize("more", [{"status": "dreaming"}, {"status": "active", "customer": 7}])
def test_an_entry_of_an_unknown_shape_still_has_its_id(more: dict[str, Any]) -> None:
    entry = answers.list_entry({"id": "sub_1", **more})
    assert (entry.id, entry.listed) == ("sub_1", None)
