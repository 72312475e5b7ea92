"""What the customer's pages say, for every standing there is."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.parts.invoices import PaymentState, TrackedInvoice
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.standing import REASONS
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.billing.pending_change import PendingChange
from chalicelib.domain.policy.policy import PagesPolicy
from chalicelib.domain.stripe_objects.objects import Card, Customer, Invoice, Item, Subscription
from chalicelib.entry import pages
from chalicelib.pages.customer import NOTICES, TONES, billing_view
from chalicelib.pages.rendering import headers, page, readable_on
from chalicelib.pages.welcome import welcome_view
from chalicelib.usecases.billing.checkout import RETURNS
from tests.fakes.services import POLICY

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SUBSCRIPTION = Subscription(
    "sub_1",
    "cus_1",
    "active",
    START,
    (Item("p", None, "pro_monthly", 2, 4900, "usd", "month"),),
    period_end=START + 30 * DAY,
)
SIGNUP = Signup("pro", START + 14 * DAY, START)


def customer(card: str | None = None, /, **subscription: Any) -> Account:
    account = Account(
        "acc_1", profile=Profile("ada@example.com", "Ada", timezone="Pacific/Auckland")
    )
    account = apply(
        account, CustomerSnapshot(Customer("cus_1", "ada@example.com", card=card), FromEvent(START))
    )
    return apply(
        account, SubscriptionSnapshot(replace(SUBSCRIPTION, **subscription), FromEvent(START))
    )


def billing(
    account: Account, notice: str | None = None, at: datetime = START + DAY
) -> dict[str, Any]:
    return billing_view(account, POLICY, at, notice, "en")


def test_there_is_a_tone_for_every_reason_and_a_style_for_every_notice() -> None:
    assert set(TONES) == set(REASONS)
    sources = "".join(path.read_text() for path in Path(pages.__path__[0]).glob("*.py"))
    said = set(re.findall(r'redirect_to\("/billing", "(\w+)"\)', sources))
    assert said
    assert {
        *RETURNS,
        *said,
        "nothing_offered",
        "paused",
        "discounted",
        "resumed",
        "uncanceled",
    } == set(NOTICES)


def test_a_trial_without_a_card_is_offered_the_card_page() -> None:
    trial = customer(status="trialing", trial_end=START + 14 * DAY)
    view = billing(trial)
    assert (view["headline"], view["card"], view["card_label"], view["offers"]) == (
        "Your trial runs",
        "none on file",
        "Add a card",
        [],
    )
    assert view["until"] == "Monday, 16 March 2026", "in the customer's zone"
    assert (
        billing(customer("pm_1", status="trialing", trial_end=START + 14 * DAY))["card_label"] == ""
    )


VISA = Card("pm_1", "visa", "4242", 8, 2027)
AMEX = Card("pm_2", "amex", "0005", 12, 2030)


@pytest.mark.parametrize(
    ("customers", "subscriptions", "words"),
    [
        ("pm_1", None, "Visa ending 4242, expires 08/27"),
        ("pm_1", "pm_2", "American Express ending 0005, expires 12/30"),
        (None, "pm_2", "American Express ending 0005, expires 12/30"),
        ("pm_1", "pm_unknown", "on file"),
        ("pm_unknown", None, "on file"),
        (None, None, "none on file"),
    ],
)
def test_the_card_that_pays_is_shown_by_brand_last_digits_and_expiry(
    customers: str | None, subscriptions: str | None, words: str
) -> None:
    account = customer(customers, card=subscriptions)
    for card in (VISA, AMEX):
        account = apply(account, CardSnapshot(card, START))
    view = billing(account)
    assert view["card"] == words
    assert f'<dd id="card">{words}</dd>' in page("billing", root="", product="Acme", **view)


def test_whoever_has_left_sees_the_card_that_the_next_purchase_would_use() -> None:
    left = customer("pm_1", status="canceled", ended_at=START, card="pm_2")
    account = apply(apply(left, CardSnapshot(VISA, START)), CardSnapshot(AMEX, START))
    assert billing(account)["card"] == "Visa ending 4242, expires 08/27"


@pytest.mark.parametrize("status", ["past_due", "unpaid", "paused"])
def test_whoever_owes_reaches_the_card_page_with_a_card_on_file_too(status: str) -> None:
    """32."""
    for card in (None, "pm_1"):
        view = billing(customer(card, status=status))
        assert view["card_label"] == ("Update your card" if card else "Add a card")
        assert view["offers"] == []


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
def test_whoever_has_nothing_left_is_offered_every_plan_by_every_interval(status: str) -> None:
    view = billing(customer(status=status, ended_at=START))
    assert [(one["plan"], one["interval"], one["price"]) for one in view["offers"]] == [
        ("pro", "month", "$49.00 a month"),
        ("pro", "year", "$490.00 a year"),
        ("scale", "month", "$199.00 a month"),
        ("scale", "year", "$1,990.00 a year"),
    ]
    assert view["card_label"] == ""


def test_what_is_paid_is_said_in_money() -> None:
    assert billing(customer("pm_1"))["price"] == "$98.00 a month"
    assert billing(customer("pm_1"))["headline"] == "Your subscription is active"
    assert (
        billing(customer("pm_1", cancel_at=START + 20 * DAY))["headline"]
        == "Your subscription ends"
    )


def test_invoices_are_listed_the_newest_first_without_drafts_and_those_of_nothing() -> None:
    def invoice(number: int, status: str, amount: int = 4900) -> TrackedInvoice:
        url = f"https://invoice.stripe.com/{number}" if status == "open" else None
        return TrackedInvoice(
            Invoice(
                f"in_{number}",
                "cus_1",
                status,
                START + number * DAY,
                "sub_1",
                "usd",
                amount,
                hosted_invoice_url=url,
            ),
            START,
        )

    some = {
        one.value.id: one
        for one in (
            invoice(0, "paid", 0),
            invoice(1, "paid"),
            invoice(2, "open"),
            invoice(3, "draft"),
        )
    }
    view = billing(replace(customer("pm_1", status="past_due"), invoices=some))
    assert [(one["amount"], one["status"]) for one in view["invoices"]] == [
        ("$49.00", "to be paid"),
        ("$49.00", "paid"),
    ]
    assert view["pay_url"] == "https://invoice.stripe.com/2"
    paths = [one["path"] for one in view["invoices"]]
    assert paths == ["/billing/invoices/in_2", "/billing/invoices/in_1"], "fetched when clicked"


def test_the_welcome_page_tells_nothing_that_was_not_typed_a_moment_ago() -> None:
    account = replace(
        customer("pm_1", status="trialing", trial_end=START + 14 * DAY), signup=SIGNUP
    )
    view = welcome_view(account, POLICY, START, "en")
    assert view["state"] == "runs"
    assert view["written_to"] == "a…@example.com"
    shown = page("welcome", product="Acme", **view)
    assert "ada@example.com" not in shown
    assert "Ada" not in shown.replace("Ada at", "")
    assert "card" not in shown.replace("No card is needed", "")


def test_the_first_steps_are_told_in_the_readers_language_else_in_the_policys() -> None:
    steps = ({"en": "Read", "de": "Lesen"}, {"en": "Write"}, {"de": "Rechnen"})
    policy = replace(POLICY, pages=replace(POLICY.pages, first_steps=steps))
    account = Account("acc_1", profile=Profile("ada@example.com"), signup=SIGNUP)
    told = {
        language: welcome_view(account, policy, START, language)["first_steps"]
        for language in ("en", "de")
    }
    assert told == {"en": ["Read", "Write"], "de": ["Lesen", "Write", "Rechnen"]}


def test_the_welcome_page_says_when_an_address_is_to_be_confirmed_and_when_all_is_over() -> None:
    waiting = Account(
        "acc_1", profile=Profile("ada@example.com"), signup=replace(SIGNUP, confirm=True)
    )
    assert welcome_view(waiting, POLICY, START, "en")["state"] == "confirm"
    over = Account("acc_1", profile=Profile("ada@example.com"), signup=SIGNUP)
    assert welcome_view(over, POLICY, START + 15 * DAY, "en")["state"] == "over"


def test_what_a_customer_typed_is_text_and_never_markup() -> None:
    account = replace(customer(), profile=Profile('"><script>alert(1)</script>@example.com'))
    assert "<script" not in page("billing", root="", product="<b>", **billing(account))


@pytest.mark.parametrize(
    "colour", ["#1f4b99", "#ffff00", "#ffffff", "#000000", "#777777", "#e0a030"]
)
def test_a_button_can_be_read_in_any_colour(colour: str) -> None:
    def luminance(value: str) -> float:
        channels = [int(value[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [
            one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(colour), luminance(readable_on(colour))), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_policy_for_content_lets_in_the_owners_logo_and_leads_to_stripe_and_nowhere_else() -> (
    None
):
    brand = PagesPolicy("#ff8800", "https://cdn.acme.example/logo.svg")
    policy = str(headers(brand, ("https://checkout.stripe.com",))["Content-Security-Policy"])
    assert "img-src https://cdn.acme.example;" in policy
    assert "form-action 'self' https://checkout.stripe.com;" in policy
    assert "unsafe" not in policy
    assert "img-src" not in str(headers()["Content-Security-Policy"])
    assert str(headers(PagesPolicy("#000000"))["Content-Security-Policy"]) != str(
        headers()["Content-Security-Policy"]
    ), "the colour is in the hash"
    assert '<img class="logo" src="https://cdn.acme.example/logo.svg"' in page(
        "message", brand, title="failure.busy_title", text="failure.busy"
    )


def test_an_invoice_that_a_debit_is_paying_is_not_offered_to_be_paid_again() -> None:
    url = "https://invoice.stripe.com/1"
    one = Invoice(
        "in_1",
        "cus_1",
        "open",
        START,
        "sub_1",
        "usd",
        4900,
        attempt_count=1,
        hosted_invoice_url=url,
    )
    account = replace(customer("pm_1"), invoices={"in_1": TrackedInvoice(one, START)})
    assert billing(account)["pay_url"] == url
    under_way = replace(account, payments={"in_1": PaymentState(processing_at=START)})
    assert billing(under_way)["pay_url"] == ""
    came_back = PaymentState(processing_at=START, failed_at=START + DAY)
    assert billing(replace(account, payments={"in_1": came_back}))["pay_url"] == url


@pytest.mark.parametrize(
    ("plan", "words"),
    [("scale", "From Tuesday, 31 March 2026 on you have Scale."), (None, "are planned")],
)
def test_what_a_schedule_will_change_is_on_the_page(plan: str | None, words: str) -> None:
    account = customer("pm_1", schedule="sub_sched_1")
    pending = [PendingChange(START + 29 * DAY, plan, 1)]
    view = billing_view(account, POLICY, START + DAY, None, "en", pending)
    assert words in view["schedule"]
    assert billing(customer("pm_1"))["schedule"] == ""
