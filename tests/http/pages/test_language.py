"""In which language pages answer: the account's, else the browser's, else billing.toml's."""

from dataclasses import replace

import pytest

from chalicelib.runtime import wiring
from tests.fakes.links import token_to
from tests.fakes.services import POLICY
from tests.fakes.visitors import Page, Person
from tests.http.actions.test_actions import Shop, shop  # noqa: F401 - the fixture

GERMAN = {"Accept-Language": "fr, de-AT;q=0.9, en;q=0.8"}


@pytest.fixture
def ada(shop: Shop) -> Person:
    """A paying customer who has opened her billing page."""
    return Person(shop).enters()


def speaks(person: Person, language: str | None) -> None:
    """Give the account a language."""
    accounts, account = wiring.accounts(), person.account
    accounts.save(account, replace(account, profile=replace(account.profile, language=language)))


def language_of(page: Page) -> str:
    """The language of a page, which its header and its HTML agree on."""
    language = page.headers["Content-Language"]
    assert f'<html lang="{language}">' in page.text
    return language


@pytest.mark.parametrize(
    ("own", "preferred", "language", "varies"),
    [
        (None, {}, "en", True),
        (None, GERMAN, "de", True),
        ("de-AT", {}, "de", False),
        ("en", GERMAN, "en", False),
        ("fr", GERMAN, "de", True),
        ("fr", {}, "en", True),
    ],
)
def test_a_page_is_in_the_language_of_the_account_else_of_the_browser(
    own: str | None, preferred: dict[str, str], language: str, varies: bool, ada: Person
) -> None:
    speaks(ada, own)
    for path in ("/billing", "/billing/plan", "/billing/cancel"):
        page = ada.asks("GET", path, **preferred)
        assert (page.status, language_of(page)) == (200, language)
        assert page.headers.get("Vary") == ("Accept-Language" if varies else None)


def test_billing_toml_names_the_language_where_nobody_else_does(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert POLICY.mail
    german = replace(POLICY, mail=replace(POLICY.mail, language="de"))
    monkeypatch.setattr(wiring, "policy", lambda: german)
    assert language_of(ada.gets("/billing")) == "de"
    assert language_of(ada.asks("GET", "/billing", **{"Accept-Language": "en"})) == "en"
    assert language_of(ada.asks("GET", "/billing", **{"Accept-Language": "fr"})) == "de"


def test_days_amounts_and_words_of_a_page_are_in_one_language(ada: Person) -> None:
    speaks(ada, "de")
    page = ada.gets("/billing")
    assert page.says("headline") == "Ihr Abonnement ist aktiv"
    assert "49,00 $ pro Monat" in page.says("plan")
    assert page.says("card").endswith("hinterlegt") or "mit den Endziffern" in page.says("card")
    preview = ada.posts("/billing/plan", choice="scale:month", seats=2)
    assert preview.says("new-price") == "398,00 $ pro Monat"
    assert "2 Plätze" in preview.says("headline")


def test_an_error_is_told_in_the_language_of_the_page(ada: Person) -> None:
    wrong = ada.asks("GET", "/billing/no-such-token", **GERMAN)
    assert (wrong.status, language_of(wrong)) == (404, "de")
    assert "Dieser Link funktioniert nicht" in wrong.text
    speaks(ada, "de")
    refused = ada.posts("/billing/plan", choice="scale:month", seats="none")
    assert (refused.status, refused.says("problem")) == (
        400,
        "Bitte geben Sie eine Zahl von 1 bis 10.000 an.",
    )
    elsewhere = ada.posts("/billing/cancel", site="cross-site")
    assert (elsewhere.status, language_of(elsewhere)) == (403, "en"), "nobody is known yet"


def test_one_request_says_nothing_of_the_reader_of_the_last(ada: Person) -> None:
    speaks(ada, "de")
    assert language_of(ada.gets("/billing")) == "de"
    stranger = Person(ada.shop)
    page = stranger.gets("/check-your-inbox")
    assert (language_of(page), page.headers["Vary"]) == ("en", "Accept-Language")


def test_links_in_mail_open_pages_in_the_language_of_the_mail(ada: Person) -> None:
    speaks(ada, "de")
    token = token_to(ada.account, "unsubscribe", about="lifecycle")
    page = Person(ada.shop).gets(f"/unsubscribe/{token}")
    assert (language_of(page), page.headers.get("Vary")) == ("de", None)
    assert "Tipps und Erinnerungen von Acme" in page.text


def test_a_signup_by_form_that_fails_is_told_in_the_browsers_language(ada: Person) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", **GERMAN}
    page = Person(ada.shop).asks("POST", "/signups", b"email=nobody", **form)
    assert (page.status, language_of(page)) == (400, "de")
    assert page.says("problem") == "Das ist keine gültige E-Mail-Adresse."
    assert set(page.headers["Vary"].split(", ")) == {"Origin", "Accept-Language"}
