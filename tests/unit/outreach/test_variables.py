"""The amounts, prices and days of messages, in every kind of currency and in every language."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.facts import SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.parts.invoices import PaymentState, TrackedInvoice
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.messaging.occasions import Occasion
from chalicelib.domain.policy.policy import Tariff
from chalicelib.domain.stripe_objects.objects import Card, Invoice, Item, Subscription
from chalicelib.localization.prices import spoken_price
from chalicelib.outreach.rendering import render
from chalicelib.outreach.variables import variables
from tests.fakes.services import SHIPPED
from tests.unit.domain.messaging.test_due_messages import LINKS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAYMENT_MESSAGES = (
    "payment_failed",
    "debit_failed",
    "payment_reminder",
    "payment_last_try",
    "invoice_due",
    "invoice_overdue",
    "receipt",
)
VISA = Card("pm_1", "visa", "4242", 8, 2030)
BANK = Card("pm_2", "", "3000", 0, 0, "sepa_debit")
CURRENCIES = [
    ("kwd", 15250, "15.250 KWD", "15,250 KWD"),
    ("bhd", 1234560, "1,234.560 BHD", "1.234,560 BHD"),
    ("jpy", 15250, "15,250 JPY", "15.250 JPY"),
    ("krw", 49000, "49,000 KRW", "49.000 KRW"),
    ("isk", 1525000, "15,250 ISK", "15.250 ISK"),
    ("ugx", 1525000, "15,250 UGX", "15.250 UGX"),
    ("huf", 1525000, "15,250.00 HUF", "15.250,00 HUF"),
    ("chf", 15250, "152.50 CHF", "152,50 CHF"),
    ("usd", 15250, "$152.50", "152,50 $"),
]


def billed(currency: str, amount: int, **invoice: Any) -> Account:
    """A customer who pays this amount a month, and has an invoice for it."""
    item = Item("p", None, "pro_monthly", 1, amount, currency, "month")
    one = Subscription("sub_1", "cus_1", "past_due", NOW, (item,))
    profile = Profile("ada@example.com", "Ada", timezone="Europe/Vienna")
    account = apply(Account("acc_1", profile=profile), SubscriptionSnapshot(one, FromEvent(NOW)))
    due = Invoice("in_1", "cus_1", "open", NOW, "sub_1", currency, amount, attempt_count=1)
    return replace(account, invoices={"in_1": TrackedInvoice(replace(due, **invoice), NOW)})


def told(account: Account, language: str, message: str = "payment_failed") -> dict[str, Any]:
    """The variables of a message about the invoice."""
    step = next(step for step in SHIPPED.steps if step.message == "payment_failed")
    occasion = Occasion("payment_failed", "in_1", NOW, "in_1")
    due = DueMessage(replace(step, message=message), occasion, NOW, NOW + timedelta(days=1))
    return variables(account, due, SHIPPED, NOW, LINKS, language)


@pytest.mark.parametrize(("currency", "amount", "english", "german"), CURRENCIES)
@pytest.mark.parametrize("message", PAYMENT_MESSAGES)
def test_a_mail_names_an_amount_as_its_currency_has_it(
    message: str, currency: str, amount: int, english: str, german: str
) -> None:
    paid = {"status": "paid", "amount_paid": amount, "paid_at": NOW} if message == "receipt" else {}
    account = billed(currency, amount, **paid)
    for language, text in (("en", english), ("de", german)):
        mail = render(message, told(account, language, message), language)
        assert text in mail.text.replace("\n", " ")
        assert text in mail.html


@pytest.mark.parametrize(("currency", "amount", "english", "german"), CURRENCIES)
def test_a_price_is_told_with_the_decimals_of_its_currency(
    currency: str, amount: int, english: str, german: str
) -> None:
    account = billed(currency, amount)
    assert told(account, "en")["price"] == f"{english} a month"
    assert told(account, "de")["price"] == f"{german} pro Monat"


def test_a_notice_lists_every_subscription_that_is_billed() -> None:
    account = billed("usd", 4900)
    assert told(account, "en")["billed_for"] == []
    (known,) = account.subscriptions.values()
    second = replace(known.value, id="sub_2", created=NOW + timedelta(days=1))
    both = {**account.subscriptions, "sub_2": replace(known, value=second)}
    account = replace(account, subscriptions=both)
    values = told(account, "en")
    assert values["billed_for"] == ["Pro, $49.00 a month"] * 2
    mail = render("payment_failed", values | {"unsubscribe_url": ""}, "en")
    sentence = "You are billed for several subscriptions: Pro, $49.00 a month; Pro, $49.00 a month."
    assert sentence in " ".join(mail.text.split())
    assert sentence in mail.html
    lifecycle = render("payment_failed", values | {"unsubscribe_url": "https://a.example"}, "en")
    assert "several subscriptions" not in lifecycle.text


def test_a_mail_about_one_of_two_subscriptions_names_the_price_of_that_one() -> None:
    account = billed("usd", 4900)
    (known,) = account.subscriptions.values()
    scale = Item("p2", None, "scale_monthly", 1, 19900, "usd", "month")
    newer = replace(known.value, id="sub_2", created=NOW + timedelta(days=1), items=(scale,))
    both = {**account.subscriptions, "sub_2": replace(known, value=newer)}
    account = replace(account, subscriptions=both)
    assert told(account, "en")["price"] == "$49.00 a month"
    ended = {**both, "sub_1": replace(known, value=replace(known.value, status="canceled"))}
    assert told(replace(account, subscriptions=ended), "en")["price"] == "$199.00 a month"


def test_a_mail_about_one_of_two_trials_names_its_plan_and_price() -> None:
    account = billed("usd", 4900)
    (known,) = account.subscriptions.values()
    pro = replace(known.value, status="trialing", trial_end=NOW + timedelta(days=3))
    standing = Standing("trialing", "full", "trialing", "scale", (), 1, NOW + timedelta(days=9))
    account = replace(
        account, subscriptions={"sub_1": replace(known, value=pro)}, standing=standing
    )
    values = told(account, "en")
    assert (values["plan"], values["price"]) == ("Pro", "$49.00 a month")


def test_days_are_those_of_the_customers_zone_in_the_customers_language() -> None:
    late = datetime(2026, 3, 13, 23, 30, tzinfo=UTC)
    account = billed("eur", 100, next_payment_attempt=late)
    assert told(account, "en")["next_try_on"] == "Saturday, 14 March 2026"
    assert told(account, "de")["next_try_on"] == "Samstag, 14. März 2026"


@pytest.mark.parametrize(
    ("currency", "due", "remaining", "text"),
    [
        ("kwd", 30500, 15250, "15.250 KWD"),
        ("jpy", 7400, 400, "400 JPY"),
        ("usd", 4900, 1, "$0.01"),
        ("kwd", 15250, None, "15.250 KWD"),
    ],
)
def test_what_is_asked_for_is_what_is_left_to_pay(
    currency: str, due: int, remaining: int | None, text: str
) -> None:
    account = billed(currency, due, amount_remaining=remaining)
    assert told(account, "en")["amount"] == text


def test_a_receipt_names_what_was_paid() -> None:
    paid = billed("kwd", 15250, status="paid", amount_paid=15250, amount_remaining=0, paid_at=NOW)
    assert told(paid, "en", "receipt")["amount"] == "15.250 KWD"


@pytest.mark.parametrize(
    ("billed_in", "sold_in", "price"),
    [
        ("eur", {"eur": Tariff({"month": "pro_monthly"}, {"month": 4500})}, "€45.00 a month"),
        ("kwd", {"kwd": Tariff({"month": "pro_monthly"}, {"month": 15250})}, "15.250 KWD a month"),
        ("eur", {"eur": Tariff({"month": "pro_monthly"})}, ""),
        ("chf", {}, ""),
        ("usd", {}, "$49.00 a month"),
    ],
)
def test_a_price_is_told_in_the_currency_of_the_subscription_and_never_in_its_own(
    billed_in: str, sold_in: dict[str, Tariff], price: str
) -> None:
    """A price of 49 dollars may have an amount in other currencies, which its object does not
    name.
    """
    account = billed("usd", 4900)
    known = account.subscriptions["sub_1"]
    one = replace(known.value, currency=billed_in)
    account = replace(account, subscriptions={"sub_1": replace(known, value=one)})
    plans = {**SHIPPED.plans, "pro": replace(SHIPPED.plans["pro"], currencies=sold_in)}
    assert spoken_price(account, replace(SHIPPED, plans=plans)) == price


def test_a_metered_price_has_no_amount_before_the_use() -> None:
    account = billed("usd", 10)
    known = account.subscriptions["sub_1"]
    (item,) = known.value.items
    one = replace(known.value, items=(replace(item, metered=True, quantity=None),))
    account = replace(account, subscriptions={"sub_1": replace(known, value=one)})
    assert spoken_price(account, SHIPPED) == ""


def test_a_void_invoice_names_its_amount_and_is_not_offered_to_be_paid() -> None:
    url = "https://invoice.stripe.com/i/1"
    void = billed("eur", 4500, status="void", amount_remaining=0, hosted_invoice_url=url)
    known = told(void, "en")
    assert (known["amount"], known["invoice_url"], known["invoice_is_void"]) == ("€45.00", "", True)
    known = told(billed("eur", 4500, hosted_invoice_url=url), "de")
    assert (known["invoice_url"], known["invoice_is_void"]) == (url, False)


@pytest.mark.parametrize(
    ("payment", "on_file", "was_debit"),
    [
        (PaymentState(processing_at=NOW, first_failed_at=NOW, failure="no_account"), None, True),
        (PaymentState(processing_at=NOW, first_failed_at=NOW), VISA, True),
        (PaymentState(first_failed_at=NOW), BANK, True),
        (PaymentState(first_failed_at=NOW, failure="card_declined"), BANK, False),
        (PaymentState(first_failed_at=NOW), VISA, False),
        (PaymentState(first_failed_at=NOW), None, False),
    ],
)
def test_a_debit_is_known_by_its_payment_else_by_what_is_on_file(
    payment: PaymentState, on_file: Card | None, was_debit: bool
) -> None:
    account = replace(billed("eur", 4500), payments={"in_1": payment})
    known = account.subscriptions["sub_1"]
    one = replace(known.value, card=on_file.id if on_file else None)
    account = replace(account, subscriptions={"sub_1": replace(known, value=one)})
    if on_file:
        account = apply(account, CardSnapshot(on_file, NOW))
    values = told(account, "en")
    assert (values["was_debit"], values["pays_by_debit"]) == (was_debit, on_file == BANK)


@pytest.mark.parametrize("days", [1, 30])
def test_the_mail_to_confirm_has_the_days_that_were_promised_at_the_signup(days: int) -> None:
    ends_at = (NOW + timedelta(days=days)).replace(microsecond=0)
    waits = Signup("pro", ends_at, NOW + timedelta(milliseconds=700), confirm=True)
    account = Account("acc_1", profile=Profile("ada@example.com"), signup=waits)
    assert told(account, "en")["trial_days"] == days != SHIPPED.trial.days
