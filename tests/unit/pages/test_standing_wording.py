"""What the billing page says to customers who pay by bank debit or by sent invoice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.account.parts.invoices import PaymentState, TrackedInvoice
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Invoice
from chalicelib.pages.customer import billing_view
from chalicelib.pages.rendering import page
from chalicelib.pages.standing_wording import (
    BY_DEBIT,
    FIRST_RETURNED,
    FIRST_VOID,
    SENT,
    wording_of,
)
from chalicelib.pages.texts import text
from tests.fakes.customer_pages import DAY, NOW, SOLD, by_debit, customer
from tests.fakes.mailed_lifecycles import BANK_FAILS, BANK_PAYS, MailedLife
from tests.fakes.services import SHIPPED

LANGUAGES = pytest.mark.parametrize("language", ["en", "de"])
CARD = {"en": "card", "de": "Karte"}


def wording(reason: str, account: Account) -> str:
    (known,) = account.subscriptions.values()
    return wording_of(reason, account, known.value)


def owing(account: Account, status: str = "open") -> Account:
    """The account with a debit that has failed."""
    invoice = Invoice("in_1", "cus_1", status, NOW - DAY, "sub_1", "eur", 4500, attempt_count=1)
    failed = PaymentState(1, NOW, NOW, "insufficient_funds", NOW - timedelta(hours=1))
    return replace(
        account,
        invoices={"in_1": TrackedInvoice(invoice, NOW)},
        payments={"in_1": failed},
    )


@pytest.mark.parametrize("reason", BY_DEBIT)
def test_who_pays_by_debit_is_told_of_a_payment_method_and_who_pays_by_card_of_a_card(
    reason: str,
) -> None:
    assert wording(reason, by_debit(customer())) == BY_DEBIT[reason]
    assert wording(reason, owing(customer())) == BY_DEBIT[reason], "the debit that has failed"
    assert wording(reason, customer()) == reason


@pytest.mark.parametrize("reason", FIRST_RETURNED)
def test_a_first_debit_that_failed_is_not_called_under_way_nor_an_ended_trial(reason: str) -> None:
    assert wording(reason, owing(by_debit(customer()))) == FIRST_RETURNED[reason]
    assert wording(reason, owing(by_debit(customer()), "void")) == FIRST_VOID[reason]
    assert wording(reason, by_debit(customer())) == reason
    assert wording(reason, customer()) == reason


@pytest.mark.parametrize("reason", SENT)
def test_a_sent_invoice_is_overdue_and_no_failed_payment(reason: str) -> None:
    for account in (customer(send_invoice=True), by_debit(customer(send_invoice=True))):
        assert wording(reason, account) == SENT[reason]
    assert wording("active", customer(send_invoice=True)) == "active"


def test_without_a_subscription_the_reason_says_it() -> None:
    assert wording_of("no_subscription", Account("acc_2"), None) == "no_subscription"


@LANGUAGES
@pytest.mark.parametrize("status", ["past_due", "unpaid"])
def test_the_billing_page_of_a_bank_payer_names_no_card(status: str, language: str) -> None:
    view = billing_view(by_debit(customer(status=status)), SOLD, NOW, None, language)
    assert view["card_label"] == text("billing.update_method", language)
    shown = page("billing", language=language, root="", product="Acme", **view)
    words = shown.partition("</style>")[2].partition("<h2>")[0]
    assert CARD[language] not in words.replace('id="card"', "").replace('id="add-card"', "")
    of_card = billing_view(customer(status=status), SOLD, NOW, None, language)
    assert CARD[language] in of_card["card_label"]


def page_of(life: MailedLife, language: str, policy: Policy = SHIPPED) -> dict[str, Any]:
    return billing_view(life.account, policy, life.place.now.at, None, language)


@LANGUAGES
@pytest.mark.parametrize(("kind", "failed"), [("purchase", 5), ("first_after_trial", 12)])
def test_a_first_debit_is_told_as_what_it_is_until_access_ends(
    kind: str, failed: int, language: str
) -> None:
    life = MailedLife()
    life.sells(BANK_FAILS["usd"]) if kind == "purchase" else life.first_after_trial(
        BANK_FAILS["usd"]
    )
    life.days(failed - 1)
    assert page_of(life, language)["tone"] == "good"
    headline = text("standing.payment_processing.headline", language)
    assert kind == "purchase" or page_of(life, language)["headline"] == headline
    name = "first_debit_failed" if kind == "purchase" else "debit_failed"
    life.days(failed + 0.5)
    assert page_of(life, language)["headline"] == text(f"standing.{name}_grace.headline", language)
    assert page_of(life, language)["tone"] == "warn"
    life.days(failed + 2)
    assert page_of(life, language)["detail"] == text(f"standing.{name}.detail", language)
    assert page_of(life, language)["tone"] == "bad"


@LANGUAGES
def test_a_renewal_by_debit_that_failed_asks_for_a_payment_method(language: str) -> None:
    life = MailedLife(currency="eur").renewal(BANK_FAILS["eur"])
    life.days(35)
    assert page_of(life, language)["tone"] == "good"
    life.days(37)
    view = page_of(life, language)
    assert view["headline"] == text("standing.debit_failed_grace.headline", language)
    assert CARD[language] not in view["detail"]
    life.gives_card(BANK_PAYS["eur"])
    owed = next(one for one in life.objects("invoice") if one["status"] == "open")
    life.stage.post(f"/v1/invoices/{owed['id']}/pay")
    life.hear()
    life.days(39)
    assert page_of(life, language)["tone"] == "good"
