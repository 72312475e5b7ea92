"""The catalogues of texts, and that no page says anything that is not in them."""

import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import available_timezones

import pytest
from babel.dates import get_day_names, get_month_names
from markupsafe import escape

from chalicelib import pages
from chalicelib.domain.account.queries import zone_of
from chalicelib.domain.account.standing import REASONS, Standing
from chalicelib.domain.instances.shown import PHASES
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.entry import pages as entry_pages
from chalicelib.entry.http import page_responses
from chalicelib.localization.wording import WORDING
from chalicelib.pages import texts
from chalicelib.pages.customer import NOTICES, standing_words
from chalicelib.pages.rendering import TEMPLATES, page
from chalicelib.pages.standing_wording import BY_DEBIT, FIRST_RETURNED, FIRST_VOID, SENT
from chalicelib.pages.texts import Text, catalogue, markup, placeholders, text
from chalicelib.usecases.billing.checkout import RETURNS
from tests.fakes.customer_pages import EMAIL, NOW, SOLD, Shown, customer, every_page

ROOM = Path(pages.__path__[0])
OPEN, CLOSE = "⟦", "⟧"


def html_of(shown: Shown, language: str) -> str:
    return page(shown.template, language=language, root="", product="Acme", **shown.values)


def sources() -> str:
    """The code and the templates that may name a text."""
    files = [
        *ROOM.glob("*.py"),
        *(ROOM / "templates").glob("*.html"),
        *Path(entry_pages.__path__[0]).glob("*.py"),
        Path(page_responses.__file__),
    ]
    return "\n".join(path.read_text() for path in files)


def test_every_language_has_the_same_texts_with_the_same_placeholders() -> None:
    english = catalogue("en")
    for language in LANGUAGES:
        other = catalogue(language)
        assert other.keys() == english.keys()
        assert {key for key in english if isinstance(english[key], str)} == {
            key for key in other if isinstance(other[key], str)
        }
        for key in english:
            assert placeholders(key, language) == placeholders(key, "en"), (language, key)


def test_there_is_a_catalogue_for_every_language_and_no_other() -> None:
    assert {path.stem for path in texts.CATALOGUES.iterdir()} == set(LANGUAGES)


def test_every_plural_has_the_forms_that_its_language_needs() -> None:
    for language in LANGUAGES:
        forms = [
            value.keys() for value in catalogue(language).values() if not isinstance(value, str)
        ]
        assert forms
        assert all(names == {"one", "other"} for names in forms)


def test_texts_hold_no_markup_but_emphasis_and_links() -> None:
    allowed = re.compile(r'</?strong>|<strong id="[a-z-]+">|<a href="(mailto:)?\{\w+\}">|</a>')
    for language in LANGUAGES:
        for key in catalogue(language):
            for form in forms_of(catalogue(language)[key]):
                rest = allowed.sub("", form)
                assert not set(rest) & set("<>&"), (language, key)


def forms_of(value: Text) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value.values())


def test_no_text_is_unused() -> None:
    named = sources()
    computed = [
        r"standing\.\w+\.(headline|detail|without_plan)",
        r"(status|notice|invoice_status|by|reason|problem|returned|language)\.[\w.]+",
        r"cancel\.take_\w+",
        r"discount\.(once|forever)",
        r"welcome\.(instance|step)\.\w+",
    ]
    unused = [
        key
        for key in catalogue("en")
        if f'"{key}"' not in named and not any(re.fullmatch(one, key) for one in computed)
    ]
    assert unused == []


def test_every_computed_name_has_a_text() -> None:
    known = catalogue("en").keys()
    tables = (SENT, BY_DEBIT, FIRST_RETURNED, FIRST_VOID)
    variants = {"trial_paused", *(name for table in tables for name in table.values())}
    reasons = {f"standing.{reason}" for reason in (*REASONS, *variants)}
    phases = {*PHASES, "late"} - {"ready"}
    wanted = {
        *(f"{name}.{part}" for name in reasons for part in ("headline", "detail")),
        *(f"notice.{notice}" for notice in NOTICES),
        *(f"reason.{reason}" for reason in CANCELLATION_REASONS),
        *(f"returned.{notice}.{part}" for notice in RETURNS for part in ("title", "text")),
        *(f"by.{interval}" for interval in ("day", "week", "month", "year")),
        *(f"language.{code}" for code in LANGUAGES),
        *(f"invoice_status.{one}" for one in ("open", "paid", "void", "uncollectible")),
        *(f"cancel.take_{kind}" for kind in ("pause", "plan", "coupon")),
        *(f"welcome.instance.{told}" for told in phases),
        *(f"welcome.instance.{told}_heading" for told in phases),
        *(f"welcome.step.{name}" for name in ("account", "trial", "asked", "made")),
    }
    assert wanted <= known
    groups = ("standing", "notice", "reason", "returned", "by", "invoice_status", "language")
    groups = (*groups, "welcome.instance", "welcome.step")
    computed = {key for key in known if key.startswith(tuple(f"{group}." for group in groups))}
    spare = {key for key in computed - wanted if not key.endswith(".without_plan")}
    assert spare == set(), "each is for something that there is"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_standing_can_be_told_with_and_without_a_plan(language: str) -> None:
    zone = zone_of(customer(), SOLD.mail)
    for reason in REASONS:
        for plan in ("pro", None):
            for until in (NOW, None):
                words = standing_words(
                    Standing("active", "full", reason, plan, until=until),
                    customer(),
                    SOLD,
                    zone,
                    language,
                )
                assert words["headline"]
                assert not re.search(r"[{}]|  | ,| \.", words["detail"]), (reason, words)
                assert ("Pro" in words["detail"]) <= (plan is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_can_be_shown_in_every_language(language: str) -> None:
    seen = set()
    for shown in every_page(language):
        html = html_of(shown, language)
        seen.add(shown.template)
        assert f'<html lang="{language}">' in html
        assert not re.search(r"[{}]|&lt;|&amp;lt;", html.partition("</style>")[2]), shown.name
    assert {f"{name}.html" for name in seen} | {"_layout.html", "_not_sold.html"} == {
        path.name for path in TEMPLATES.glob("*.html")
    }


def test_a_page_says_nothing_that_is_not_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text is put in brackets. What stays outside of them must be a value: a name, an amount,
    a day.
    """
    plain = catalogue("de")

    def marked(value: Text) -> Text:
        if isinstance(value, str):
            return f"{OPEN}{value}{CLOSE}"
        return {form: f"{OPEN}{words}{CLOSE}" for form, words in value.items()}

    bracketed: Mapping[str, Text] = {key: marked(value) for key, value in plain.items()}
    monkeypatch.setattr(texts, "catalogue", lambda language: bracketed)
    for shown in every_page("de"):
        outside = values_removed(seen_by_a_reader(html_of(shown, "de")))
        assert not re.search(r"[^\W\d_]", outside), (shown.name, outside)


def seen_by_a_reader(html: str) -> str:
    """The words of a page with its title and its labels, without what is in brackets."""
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    labels = " ".join(re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]*)"', body))
    words = re.sub(r"<[^>]*>", " ", body) + labels
    inner = rf"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}"
    while re.search(inner, words):
        words = re.sub(inner, " ", words)
    return words


def values_removed(words: str) -> str:
    """The words without names, addresses, amounts, intervals, days and time zones."""
    zones = sorted(available_timezones(), key=len, reverse=True)
    days = "|".join(get_day_names("wide", locale="de").values())
    months = "|".join(
        re.escape(name)
        for width in ("wide", "abbreviated")
        for name in get_month_names(width, locale="de").values()
    )
    values = [
        rf"(({days}), )?\d+\. ({months}) \d{{4}}",
        r"-?[\d.,]+ ([A-Z]{3}|\$)",
        "|".join(WORDING["de"].per.values()),
        re.escape(EMAIL),
        re.escape("a…@example.com"),
        r"\b(Acme|Pro|Scale)\b",
        "|".join(re.escape(zone.replace("_", " ")) for zone in zones),
    ]
    for value in values:
        words = re.sub(value, " ", words)
    return words


def test_values_are_escaped_and_texts_are_not() -> None:
    link = markup("left.come_back", "en", link='x"><script>')
    assert '<a href="x&#34;&gt;&lt;script&gt;">' in link
    assert text("billing.back", "de", product="<b>") == "Zurück zu <b>"
    assert escape(text("billing.back", "de", product="<b>")) == "Zurück zu &lt;b&gt;"


def test_an_unknown_text_and_a_missing_value_are_errors() -> None:
    with pytest.raises(KeyError):
        text("billing.nothing", "en")
    with pytest.raises(KeyError):
        text("billing.title", "en")
