"""The mail of those who pay by bank debit or by sent invoice, from the sale on."""

from typing import Any

import pytest

from chalicelib.domain.policy.policy import Policy
from tests.fakes.mailed_lifecycles import (
    BANK_FAILS,
    BANK_PAYS,
    MailedLife,
    reminding,
    steps_only,
)
from tests.fakes.services import SHIPPED
from tests.fakes.simulated_lifecycles import DAY

DUNNING = steps_only(SHIPPED, "dunning", "last_try", "trial_end", "recovery")
REMINDING = reminding()
DECLINES = "4000000000000341"
PEOPLE = pytest.mark.parametrize(("currency", "language"), [("usd", "en"), ("eur", "de")])
KINDS = pytest.mark.parametrize("kind", ["purchase", "first_after_trial", "renewal"])
BEGINS = {"purchase": 0, "first_after_trial": 7, "renewal": 31}
"""The day on which the debit in question begins. It ends five days later."""
DEBIT_DAYS = 5
UNTIL = {"en": "Until", "de": "Bis"}


def life_of(
    kind: str, account: str, currency: str, language: str, policy: Policy = DUNNING
) -> MailedLife:
    life = MailedLife(policy, currency=currency, language=language)
    return life.sells(account) if kind == "purchase" else getattr(life, kind)(account)


def days(life: MailedLife, number: float) -> MailedLife:
    life.days(number)
    return life


@PEOPLE
@KINDS
def test_a_debit_that_succeeds_brings_no_mail_about_a_payment_and_no_failure(
    kind: str, currency: str, language: str
) -> None:
    life = life_of(kind, BANK_PAYS[currency], currency, language)
    for day in range(BEGINS[kind], BEGINS[kind] + 20):
        days(life, day + 0.5)
        assert life.standing.access == "full"
    assert [step for step, _ in life.calendar if step != "notice"] == []
    assert "payment.failed" not in life.types()


@PEOPLE
@KINDS
def test_a_debit_that_is_returned_is_told_once_and_when_it_is_returned(
    kind: str, currency: str, language: str
) -> None:
    life = life_of(kind, BANK_FAILS[currency], currency, language)
    failed_on = BEGINS[kind] + DEBIT_DAYS
    days(life, failed_on - 0.1)
    assert [step for step, _ in life.calendar if step != "notice"] == []
    assert "payment.failed" not in life.types()
    days(life, failed_on + 2.9)
    assert life.calendar[-1] == ("failed_debit", failed_on)
    days(life, failed_on + 20)
    told = [(step, day) for step, day in life.calendar if step != "notice"]
    assert told == [
        ("failed_debit", failed_on),
        ("failed_3", failed_on + 3),
        ("failed_7", failed_on + 7),
    ]
    assert life.types().count("payment.failed") == 1


@PEOPLE
def test_the_mail_about_a_returned_debit_names_account_amount_and_days(
    currency: str, language: str
) -> None:
    life = days(life_of("renewal", BANK_FAILS[currency], currency, language), 37)
    text = life.text("failed_debit")
    facts = {
        "en": (
            "$49.00",
            "bank account ending in 2227",
            "Until Tuesday, 14 April 2026",
            "try again",
        ),
        "de": (
            "45,00 €",
            "Bankkonto mit den Endziffern 3001",
            "Bis Dienstag, 14. April 2026",
            "nicht noch einmal",
        ),
    }[language]
    for fact in facts:
        assert fact in text
    assert "Karte" not in text
    assert "card" not in text


@PEOPLE
def test_a_first_debit_that_is_returned_leaves_no_invoice_to_pay(
    currency: str, language: str
) -> None:
    """Stripe voids it, and the subscription stays active."""
    life = days(life_of("purchase", BANK_FAILS[currency], currency, language), 9)
    assert [one["status"] for one in life.objects("invoice")] == ["void"]
    for step in ("failed_debit", "failed_3"):
        text = life.text(step)
        assert {"en": "answer this mail", "de": "antworten Sie auf diese E-Mail"}[language] in text
        assert {"en": "$49.00", "de": "45,00 €"}[language] in text


@PEOPLE
@pytest.mark.parametrize(
    ("kind", "day"),
    [
        ("purchase", {"en": "Sunday, 8 March 2026", "de": "Sonntag, 8. März 2026"}),
        ("first_after_trial", {"en": "Sunday, 15 March 2026", "de": "Sonntag, 15. März 2026"}),
    ],
)
def test_who_owes_the_first_payment_is_told_when_access_ends(
    kind: str, day: dict[str, str], currency: str, language: str
) -> None:
    life = life_of(kind, BANK_FAILS[currency], currency, language)
    text = days(life, BEGINS[kind] + DEBIT_DAYS + 0.5).text("failed_debit")
    assert f"{UNTIL[language]} {day[language]}" in text
    assert days(life, BEGINS[kind] + DEBIT_DAYS + 1.5).standing.access == "none"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    "account",
    ["000111111113", "000111111116", "000333333335", "000444444440"],
    ids=["closed", "no account", "not authorized", "wrong currency"],
)
def test_an_account_that_cannot_be_debited_again_asks_for_another_payment_method(
    account: str, language: str
) -> None:
    text = days(life_of("renewal", account, "usd", language), 37).text("failed_debit")
    assert {
        "en": "Please add another payment method",
        "de": "Bitte geben Sie auf Ihrer Abrechnungsseite eine andere Zahlungsart an",
    }[language] in text
    assert "try again" not in text
    assert "nächsten Versuch" not in text


@PEOPLE
def test_what_is_paid_after_a_returned_debit_is_dunned_no_more(
    currency: str, language: str
) -> None:
    life = days(life_of("renewal", BANK_FAILS[currency], currency, language), 37)
    life.gives_card("tok_visa")
    life.minutes(1)
    owed = next(one for one in life.objects("invoice") if one["status"] == "open")
    life.stage.post(f"/v1/invoices/{owed['id']}/pay")
    life.hear()
    days(life, 60)
    assert [step for step, _ in life.calendar] == ["failed_debit"]


@PEOPLE
def test_a_second_debit_under_way_for_the_same_invoice_holds_the_reminders(
    currency: str, language: str
) -> None:
    life = days(life_of("renewal", BANK_FAILS[currency], currency, language), 37)
    life.gives_card(BANK_PAYS[currency])
    owed = next(one for one in life.objects("invoice") if one["status"] == "open")
    life.stage.post(f"/v1/invoices/{owed['id']}/pay")
    life.hear()
    days(life, 60)
    assert [step for step, _ in life.calendar] == ["failed_debit"]


def test_events_of_a_returned_debit_in_another_order_bring_one_mail() -> None:
    for order in (reversed, lambda events: sorted(events, key=lambda one: one["type"])):
        life = MailedLife(DUNNING, order=lambda events, order=order: list(order(events)))
        days(life.renewal(BANK_FAILS["usd"]), 50)
        assert [step for step, _ in life.calendar] == ["failed_debit", "failed_3", "failed_7"]


@PEOPLE
def test_a_card_that_fails_is_dunned_as_a_card(currency: str, language: str) -> None:
    life = MailedLife(DUNNING, currency=currency, language=language).sells("tok_visa")
    days(life, 20).gives_card(DECLINES)
    days(life, 35)
    assert life.calendar == [("failed", 31.0), ("failed_3", 34.0)]
    assert {"en": "Change your card", "de": "Karte ändern"}[language] in life.text("failed")


@PEOPLE
@pytest.mark.parametrize("terms", [{}, {"trial_period_days": 7}], ids=["purchase", "after trial"])
def test_a_sent_invoice_is_no_failed_payment_before_its_due_date_nor_after_it(
    terms: dict[str, Any], currency: str, language: str
) -> None:
    life = MailedLife(DUNNING, currency=currency, language=language).sends(**terms)
    for day in range(60):
        days(life, day)
        assert not {"failed", "failed_debit", "ended", "left_unpaid"} & {
            step for step, _ in life.calendar
        }
    assert "payment.failed" not in life.types()
    assert life.stands() == ("limited", "past_due")


@PEOPLE
def test_reminders_of_a_sent_invoice_are_sent_once_they_are_switched_on(
    currency: str, language: str
) -> None:
    life = MailedLife(REMINDING, currency=currency, language=language).sends(14)
    days(life, 30)
    assert life.calendar == [("invoice_due", 11.0), ("overdue_1", 15.0), ("overdue_7", 21.0)]
    due, first, last = (life.text(step) for step, _ in life.calendar)
    day = {"en": "Monday, 16 March 2026", "de": "Montag, 16. März 2026"}[language]
    amount = {"en": "$49.00", "de": "45,00 €"}[language]
    assert all(day in text and amount in text for text in (due, first, last))
    until = {"en": "Until Monday, 23 March 2026", "de": "Bis Montag, 23. März 2026"}[language]
    assert until in first
    assert until not in last
    assert {"en": "You cannot work in", "de": "erst wieder arbeiten"}[language] in last
    assert not any("failed" in text or "card" in text for text in (due, first, last))
    assert MailedLife(SHIPPED).sends(14).days(30).mails == []


@PEOPLE
@pytest.mark.parametrize("end", ["paid", "void", "uncollectible", "debit"])
def test_no_reminder_follows_once_nothing_is_to_be_paid_or_a_payment_is_under_way(
    end: str, currency: str, language: str
) -> None:
    life = MailedLife(REMINDING, currency=currency, language=language).sends(14)
    days(life, 12)
    (sent,) = [one for one in life.objects("invoice") if one["status"] == "open"]
    match end:
        case "paid":
            life.transferred()
        case "debit":
            life.stage.engine.store.settings["debit_days"] = 20
            life.gives_card(BANK_PAYS[currency])
            life.stage.post(f"/v1/invoices/{sent['id']}/pay")
            life.hear()
        case _:
            action = {"void": "void", "uncollectible": "mark_uncollectible"}[end]
            life.stage.post(f"/v1/invoices/{sent['id']}/{action}")
            life.hear()
    days(life, 30)
    about = [told for told in life.calendar if told[0] != "paid_plan"]
    assert about == [("invoice_due", 11.0)]


def test_a_sent_invoice_of_another_product_brings_no_reminder() -> None:
    life = MailedLife(REMINDING).sells("tok_visa")
    product = life.stage.post("/v1/products", name="Another product")["id"]
    price = life.stage.post(
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount=900,
        recurring={"interval": "month"},
    )
    life.stage.post(
        "/v1/subscriptions",
        customer=life.only("customer")["id"],
        items=[{"price": price["id"]}],
        collection_method="send_invoice",
        days_until_due=5,
    )
    days(life, 25)
    assert [step for step, _ in life.calendar] == ["paid_plan"]


def test_an_invoice_that_is_due_at_once_is_overdue_a_day_later_and_not_announced() -> None:
    life = days(MailedLife(REMINDING).sends(1), 4)
    assert [step for step, _ in life.calendar] == ["overdue_1"]
    assert life.mails[0].at >= life.sold_at + 2 * DAY


@PEOPLE
def test_a_trial_with_sent_invoices_is_asked_for_no_card_and_told_of_no_charge(
    currency: str, language: str
) -> None:
    life = MailedLife(SHIPPED, currency=currency, language=language).sends(30, trial_period_days=14)
    days(life, 30)
    assert {step for step, _ in life.calendar} == {"welcome", "note", "nudge"}
    text = life.text("welcome")
    assert {"en": "you get an invoice", "de": "Sie bekommen eine Rechnung"}[language] in text
    assert {"en": "card", "de": "Karte"}[language] not in text


@PEOPLE
def test_a_trial_with_a_bank_account_is_told_that_the_account_is_debited(
    currency: str, language: str
) -> None:
    life = MailedLife(SHIPPED, currency=currency, language=language)
    life.sells(BANK_PAYS[currency], trial_period_days=14)
    days(life, 12)
    account = {"en": "bank account", "de": "Bankkonto"}[language]
    card = {"en": "card", "de": "Karte"}[language]
    for step in ("welcome", "notice"):
        assert account in life.text(step)
        assert card not in life.text(step)


@PEOPLE
def test_an_invoice_that_the_owner_voids_after_a_card_has_failed_is_dunned_no_more(
    currency: str, language: str
) -> None:
    life = MailedLife(DUNNING, currency=currency, language=language)
    days(life.first_after_trial(DECLINES), 8)
    (owed,) = [one for one in life.objects("invoice") if one["status"] == "open"]
    life.stage.post(f"/v1/invoices/{owed['id']}/void")
    life.hear()
    days(life, 30)
    assert [step for step, _ in life.calendar if step.startswith("failed")] == ["failed"]


@PEOPLE
@KINDS
def test_who_takes_the_bank_account_away_after_a_failure_is_still_reminded(
    kind: str, currency: str, language: str
) -> None:
    life = life_of(kind, BANK_FAILS[currency], currency, language)
    failed_on = BEGINS[kind] + DEBIT_DAYS
    days(life, failed_on + 1)
    for method in life.stage.get("/v1/payment_methods", customer=life.only("customer")["id"])[
        "data"
    ]:
        life.stage.post(f"/v1/payment_methods/{method['id']}/detach")
    life.hear()
    days(life, failed_on + 4)
    assert [step for step, _ in life.calendar if step != "notice"] == ["failed_debit", "failed_3"]
    text = life.text("failed_3")
    assert {"en": "your bank returned", "de": "Ihre Bank hat"}[language] not in text
    assert {"en": "card", "de": "Karte"}[language] not in text
