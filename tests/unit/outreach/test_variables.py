"""The amounts, prices and days of messages, in every kind of currency and in every language."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.facts import SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, Profile, TrackedInvoice
from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.messaging.occasions import Occasion
from chalicelib.domain.stripe_objects.objects import Invoice, Item, Subscription
from chalicelib.outreach.rendering import render
from chalicelib.outreach.variables import variables
from tests.fakes.services import SHIPPED
from tests.unit.domain.messaging.test_due_messages import LINKS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAYMENT_MESSAGES = ("payment_failed", "payment_reminder", "payment_last_try", "receipt")
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


def test_days_are_those_of_the_customers_zone_in_the_customers_language() -> None:
    late = datetime(2026, 3, 13, 23, 30, tzinfo=UTC)
    account = billed("eur", 100, next_payment_attempt=late)
    assert told(account, "en")["next_try_on"] == "Saturday, 14 March 2026"
    assert told(account, "de")["next_try_on"] == "Samstag, 14. März 2026"
