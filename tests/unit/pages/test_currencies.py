"""Amounts on every page that shows one, in every kind of currency."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.account.operations import Change
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.cancellation_rules import Offer
from chalicelib.domain.billing.preview import Preview
from chalicelib.domain.policy.policy import Policy, RetentionOffer, Tariff
from chalicelib.domain.stripe_objects.answers import Coupon
from chalicelib.pages.cancellation import confirm_view
from chalicelib.pages.customer import billing_view
from chalicelib.pages.plan import plan_view, preview_view
from chalicelib.pages.rendering import page
from tests.fakes.customer_pages import DAY, EMAIL, NOW, SOLD, billed, customer, left

CURRENCIES = [
    ("usd", 4900, "$49.00", "49,00 $"),
    ("chf", 4900, "49.00 CHF", "49,00 CHF"),
    ("jpy", 7400, "7,400 JPY", "7.400 JPY"),
    ("kwd", 15250, "15.250 KWD", "15,250 KWD"),
    ("isk", 650000, "6,500 ISK", "6.500 ISK"),
    ("huf", 1799000, "17,990.00 HUF", "17.990,00 HUF"),
]
in_every_currency = pytest.mark.parametrize(("currency", "amount", "english", "german"), CURRENCIES)


def selling(currency: str, amount: int) -> Policy:
    """A policy that sells `pro` in this currency too."""
    if currency == SOLD.currency:
        return SOLD
    tariff = Tariff({"month": f"pro_{currency}"}, {"month": amount})
    return replace(SOLD, plans={"pro": replace(SOLD.plans["pro"], currencies={currency: tariff})})


def paying(currency: str, amount: int) -> Account:
    """A customer of one seat, with an invoice of this amount in each status."""
    account = billed(customer(currency, amount), currency, amount)
    known = account.subscriptions["sub_1"]
    one = replace(known.value, items=(replace(known.value.items[0], quantity=1),))
    return replace(account, subscriptions={"sub_1": replace(known, value=one)})


@in_every_currency
def test_the_billing_page_shows_price_and_invoices(
    currency: str, amount: int, english: str, german: str
) -> None:
    account, policy = paying(currency, amount), selling(currency, amount)
    for language, text, often in (("en", english, "a month"), ("de", german, "pro Monat")):
        view = billing_view(account, policy, NOW, None, language)
        assert view["price"] == f"{text} {often}"
        assert {one["amount"] for one in view["invoices"]} == {text}


def test_an_open_invoice_shows_what_is_left_to_pay_and_a_paid_one_its_amount() -> None:
    account = paying("kwd", 15250)
    partly = {
        id: replace(known, value=replace(known.value, amount_remaining=5000))
        for id, known in account.invoices.items()
        if known.value.status in {"open", "paid"}
    }
    view = billing_view(replace(account, invoices=partly), SOLD, NOW, None, "en")
    shown = {one["status"]: one["amount"] for one in view["invoices"]}
    assert shown == {"to be paid": "5.000 KWD", "paid": "15.250 KWD"}


@in_every_currency
def test_plans_are_offered_in_the_customers_currency_only(
    currency: str, amount: int, english: str, german: str
) -> None:
    policy = selling(currency, amount)
    for language, text, often in (("en", english, "a month"), ("de", german, "pro Monat")):
        shown = billing_view(left(currency), policy, NOW, None, language)
        offered = plan_view(paying(currency, amount), policy, language)
        assert shown["offers"][0]["price"] == offered["offers"][0]["price"] == f"{text} {often}"
        assert shown["not_sold_in"] == ""
        assert offered["offers"][0]["is_current"]


@in_every_currency
def test_a_preview_and_a_coupon_show_amounts_of_the_currency(
    currency: str, amount: int, english: str, german: str
) -> None:
    account, policy = paying(currency, amount), selling(currency, amount)
    change = Change("pro", "month", 1, "pro", "now", NOW)
    coupon = Coupon("A", amount_off=amount, currency=currency, duration="once")
    for language, text in (("en", english), ("de", german)):
        preview = Preview(change, amount, currency, NOW, amount)
        view = preview_view(account, policy, preview, False, language)
        assert (view["due_now"], view["next_amount"]) == (text, text)
        assert text in view["label"]
        offer = Offer(RetentionOffer("coupon", "A"), coupon)
        confirm = confirm_view(account, policy, offer, "unused", "", NOW, language)
        assert text in confirm["offer_words"]


def new(**signup: Any) -> Account:
    """A visitor who has signed up and whose trial has run out."""
    return Account(
        "acc_1",
        profile=Profile(EMAIL),
        signup=Signup("pro", NOW - DAY, NOW - 15 * DAY, **signup),
    )


@pytest.mark.parametrize(
    ("account", "currency"),
    [
        (new(), "usd"),
        (new(currency="kwd"), "kwd"),
        (replace(left("kwd"), signup=new(currency="jpy").signup), "kwd"),
        (billed(left("usd"), "jpy", 7400), "jpy"),
    ],
)
def test_the_currency_is_what_was_billed_last_else_what_was_signed_up_for(
    account: Account, currency: str
) -> None:
    view = billing_view(account, SOLD, NOW, None, "en")
    prices = {one["price"] for one in view["offers"] if one["plan"] == "pro"}
    wanted = {"usd": "$49.00 a month", "kwd": "15.250 KWD a month", "jpy": "7,400 JPY a month"}
    assert wanted[currency] in prices
    assert not prices & {text for other, text in wanted.items() if other != currency}


def test_a_customer_who_is_billed_in_a_currency_that_nothing_is_sold_in_is_told_so() -> None:
    view = billing_view(left("chf"), SOLD, NOW, None, "en")
    assert (view["offers"], view["not_sold_in"]) == ([], "CHF")
    assert billing_view(customer("chf"), SOLD, NOW, None, "en")["not_sold_in"] == ""
    choice = plan_view(customer("chf"), SOLD, "en")
    assert (choice["offers"], choice["not_sold_in"]) == ([], "CHF")
    html = page("plan", root="", product="Acme", **choice)
    assert "not sold in CHF" in html
    assert "<form" not in html
