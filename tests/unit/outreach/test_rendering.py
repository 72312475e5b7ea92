"""Messages with variables of every kind, and the mistakes that must come out before a mail does."""

import re
import subprocess
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS
from chalicelib.outreach import rendering
from chalicelib.outreach.check import check_messages
from chalicelib.outreach.rendering import (
    BrokenMessage,
    UnknownMessage,
    language_for,
    languages,
    messages,
    missing,
    render,
    split,
)
from chalicelib.outreach.samples import SAMPLES as ALL_SAMPLES
from tests.fakes.grids import examples
from tests.fakes.services import ROOT, SHIPPED

SAMPLES = ALL_SAMPLES["en"]
ADA = SAMPLES["without_card"]
UNRULY = SAMPLES["unruly_name"]
LINK = {
    "sign_in": ("link_url",),
    "confirm": ("link_url",),
    "confirm_cancel": ("link_url",),
    "confirm_withdrawal": ("link_url",),
    "confirm_email": ("link_url",),
    "email_changed": ("link_url",),
    "welcome": ("app_url",),
    "instance_ready": ("app_url",),
    "new_features": ("news_url",),
    "nudge": ("article_url", "app_url"),
    "trial_personal_note": ("booking_url",),
    "left_help": ("booking_url",),
    "left_why": ("feedback_url",),
    "payment_confirm": ("invoice_url", "billing_url"),
    "receipt": ("invoice_url", "billing_url"),
    "invoice_due": ("invoice_url", "billing_url"),
    "invoice_overdue": ("invoice_url", "billing_url"),
}
"""Message → where its text leads: the first of these that the reader has; for the rest
`billing_url`.
"""
WAY_OUT = {"en": "Unsubscribe", "de": "Abmelden"}
EVERY = pytest.mark.parametrize(
    ("message", "language"),
    [(message, language) for message in messages() for language in languages(message)],
)


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of messages of the test's own."""
    monkeypatch.setattr(rendering, "SOURCES", tmp_path)
    monkeypatch.setattr(rendering, "COMPILED", tmp_path)
    for cached in (
        rendering._sources,
        rendering._names_of,
        rendering._parts,
        rendering._environment,
        rendering._compiled,
    ):
        cached.cache_clear()
        monkeypatch.setattr(rendering, cached.__name__, cached.__wrapped__)
    return tmp_path


def write(
    folder: Path,
    html: str = "<p>{{ name }}</p>",
    text: str = "Subject: S\nPreheader: P\n\n{{ name }}\n",
) -> str:
    (folder / "en").mkdir(exist_ok=True)
    (folder / "en" / "mine.html").write_text(html)
    (folder / "en" / "mine.txt").write_text(text)
    return "mine"


@EVERY
def test_one_day_is_never_spoken_of_as_several(message: str, language: str) -> None:
    mail = render(message, ALL_SAMPLES[language]["one_day_trial"], language)
    words = " ".join((mail.subject, mail.text, mail.html))
    assert not re.search(r"\b1\s+(days|Tagen?|Testtagen?)\b", words)


@EVERY
def test_every_message_can_be_written_to_every_reader(message: str, language: str) -> None:
    for sample, variables in ALL_SAMPLES[language].items():
        assert missing(message, variables, language) == ()
        mail = render(message, variables, language)
        parts = (mail.subject, mail.preheader, mail.html, mail.text)
        assert all(part.strip() for part in parts)
        if sample != "unruly_name":
            assert not any(
                mark in part
                for part in parts
                for mark in ("{{", "{%", "[[", "[%", "None", "  at ", " ,")
            )
            assert not any(
                mark in part
                for part in (mail.subject, mail.preheader, mail.text)
                for mark in (" .", "()", "..", " :")
            )
        assert not any("!" in part for part in (mail.subject, mail.preheader, mail.text)), (
            "no exclamation marks"
        )
        assert len(mail.html.encode()) < 100_000
        assert 30 <= len(mail.preheader) <= 130 or sample == "unruly_name"
        assert len(mail.subject) <= 90


@EVERY
def test_the_text_part_has_the_links_and_reads_as_lines(message: str, language: str) -> None:
    for sample, variables in ALL_SAMPLES[language].items():
        lines = render(message, variables, language).text.splitlines()
        link = next(
            (
                str(variables[name])
                for name in LINK.get(message, ("billing_url",))
                if variables[name]
            ),
            "",
        )
        assert (
            not link
            or link in lines
            or (message == "payment_reminder" and variables["invoice_url"] in lines)
        )
        assert variables["postal_address"] in lines
        for name in ("unsubscribe_url", "preferences_url"):
            assert not variables[name] or variables[name] in lines
        assert all(len(line) <= 78 or line.startswith("https://") for line in lines)
        assert not any(before == after == "" for before, after in pairwise(lines))
        assert not re.search(r"</?\w+>", "\n".join(lines)) or sample == "unruly_name"


def test_no_tag_at_the_end_of_words_swallows_their_line_end() -> None:
    for path in rendering.SOURCES.glob("*/*.txt"):
        text = path.read_text(encoding="utf-8")
        body = text if path.name.startswith("_") else split(text)[2]
        ends = [
            line
            for line in body.splitlines()
            if line.endswith("%}") and re.sub(r"{%.*?%}", "", line).strip()
        ]
        assert [line for line in ends if not line.endswith("+%}")] == [], path.name


@EVERY
def test_the_footer_has_the_way_out_of_what_can_be_left_and_of_nothing_else(
    message: str, language: str
) -> None:
    for variables in ALL_SAMPLES[language].values():
        mail = render(message, variables, language)
        may_leave = bool(variables["unsubscribe_url"])
        assert (WAY_OUT[language] in mail.html) == (WAY_OUT[language] in mail.text) == may_leave
        assert 'href=""' not in mail.html


def test_the_words_are_true_with_a_card_and_without() -> None:
    for message in ("welcome", "trial_three_days", "trial_one_day"):
        with_card, without = (render(message, {**ADA, "has_card": card}) for card in (True, False))
        for part in ("html", "text"):
            assert "goes on by itself" in getattr(with_card, part)
            assert not re.search(r"[Aa]dd a card|not asked for a card", getattr(with_card, part))
            assert "goes on by itself" not in getattr(without, part)
            assert re.search(r"[Aa]dd a\s+card", getattr(without, part))


def test_the_notice_says_when_how_much_for_what_and_how_to_cancel() -> None:
    mail = render("trial_notice", SAMPLES["with_card"])
    for part in (mail.html, " ".join(mail.text.split())):
        for fact in (
            "Pro",
            "$49.00 a month",
            "Friday, 13 March 2026",
            "until you cancel",
            "Online" if part is mail.html else "online",
        ):
            assert fact in part
    assert "13 March" in mail.subject
    assert "charged" in mail.subject


def test_what_a_customer_typed_is_text_in_every_part() -> None:
    for message in messages():
        mail = render(message, UNRULY)
        assert "<b onclick" not in mail.html
        assert "&lt;b onclick" in mail.html
        assert "<script>" not in mail.html
        assert "{{ product }}" in mail.html, "a name is a value, never a template"
        assert "{{ product }}" in " ".join(mail.text.split())
        assert "\nBcc" not in mail.text
        assert not set("\r\u202e") & set(mail.html + mail.text + mail.subject + mail.preheader)


def test_a_value_that_says_it_is_markup_is_escaped_all_the_same() -> None:
    from markupsafe import Markup

    assert "<i>" not in render("welcome", {**ADA, "greeting": Markup("<i>Hello</i>")}).html


@examples(60)
@given(st.text(max_size=400), st.sampled_from(messages()))
def test_no_product_name_breaks_the_subject_into_headers(product: str, message: str) -> None:
    mail = render(message, {**ADA, "product": product, "greeting": f"Hello {product},"})
    for line in (mail.subject, mail.preheader):
        assert not [
            letter for letter in line if unicodedata.category(letter) in {"Cc", "Zl", "Zp", "Cs"}
        ]
    assert len(mail.subject) <= 150
    mail.html.encode()
    mail.text.encode()


def test_an_unknown_message_names_those_there_are() -> None:
    for name in ("nothing", "../sources/welcome", "_layout", "welcome.html", ""):
        with pytest.raises(UnknownMessage, match="welcome") as caught:
            render(name, ADA)
        assert caught.value.code == "unknown_message"
        with pytest.raises(UnknownMessage):
            missing(name, ADA)


def test_missing_names_what_lacks_in_any_branch_and_render_refuses_it() -> None:
    lacking = {name: value for name, value in ADA.items() if name not in {"price", "greeting"}} | {
        "plan": None
    }
    assert missing("welcome", lacking) == ("greeting", "plan", "price")
    assert "subject" not in missing("welcome", {})
    with pytest.raises(BrokenMessage, match="greeting, plan, price") as caught:
        render("welcome", lacking)
    assert caught.value.code == "broken_message"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("{% if name %}", "Subject: S\nPreheader: P\n\nx"),
        ("x", "Subject: S\nPreheader: P\n\n{{ name | no_such_filter }}"),
        ("x", "Preheader: P\nSubject: S\n\nx"),
        ("x", "Subject:\nPreheader: P\n\nx"),
        ("x", "Subject: S\nPreheader: P\n\n{% include 'gone.txt' %}"),
        ("{{ name.nothing }}", "Subject: S\nPreheader: P\n\nx"),
        ("{{ name.__class__.__mro__ }}", "Subject: S\nPreheader: P\n\nx"),
        ("{{ name + 1 }}", "Subject: S\nPreheader: P\n\nx"),
    ],
)
def test_a_mistake_in_a_template_is_a_broken_message(workshop: Path, html: str, text: str) -> None:
    message = write(workshop, html, text)
    with pytest.raises(BrokenMessage, match="mine"):
        render(message, {"name": "Ada"})


def test_what_an_included_text_uses_counts_as_used(workshop: Path) -> None:
    message = write(workshop, text="Subject: S\nPreheader: P\n\n{% include '_shared.txt' %}\n")
    (workshop / "en" / "_shared.txt").write_text("{{ postal_address }}\n")
    assert missing(message, {"name": "Ada"}) == ("postal_address",)


def test_a_message_without_its_text_part_is_broken(workshop: Path) -> None:
    write(workshop)
    (workshop / "en" / "mine.txt").unlink()
    with pytest.raises(BrokenMessage):
        missing("mine", {})


def test_a_subject_is_cut_and_stays_one_line(workshop: Path) -> None:
    message = write(workshop, text="Subject: Dear {{ name }}\nPreheader: P\n\nx\n")
    mail = render(message, {"name": "Ada\r\nBcc: x@example.com\x00\x85\u2028" + "long " * 60})
    assert mail.subject.startswith("Dear Ada Bcc: x@example.com long")
    assert len(mail.subject) == 150
    assert mail.subject.endswith("…")


def test_loading_the_module_loads_no_jinja2() -> None:
    code = (
        "import sys, chalicelib.outreach.rendering, chalicelib.outreach.samples; sys.exit('jinja2'"
        " in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_message_that_is_not_in_a_language_comes_in_the_default_one(workshop: Path) -> None:
    message = write(workshop)
    (workshop / "de").mkdir()
    (workshop / "de" / "other.html").write_text("x")
    assert language_for(message, "de", "en") == "en"
    assert language_for("other", "de", "en") == "de"
    with pytest.raises(UnknownMessage, match="no message 'other' in en"):
        language_for("other", "en", "en")


def test_every_message_that_the_shipped_policy_sends_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_messages(SHIPPED)
    sent = (
        {step.message for step in SHIPPED.steps}
        | {step.message for step in TRANSACTIONAL_STEPS}
        | {"receipt", "invoice_due", "invoice_overdue", "new_features"}
    )
    assert sent == set(messages()), "none is there that nothing sends"
    lacking = {
        **ALL_SAMPLES,
        "de": {"nobody": {name: value for name, value in ADA.items() if name != "product"}},
    }
    monkeypatch.setattr("chalicelib.outreach.check.SAMPLES", lacking)
    with pytest.raises(BrokenMessage, match=r"\(de\) needs product, which the sample nobody"):
        check_messages(SHIPPED)


PLAIN = {
    "en": {
        "utilize",
        "leverage",
        "seamless",
        "exciting",
        "thrilled",
        "unlock",
        "awesome",
        "amazing",
        "hurry",
        "asap",
        "kindly",
        "please note",
        "!",
    },
    "de": {
        "nutzen sie jetzt",
        "unglaublich",
        "begeistert",
        "exklusiv",
        "seamless",
        "account",
        "upgrade",
        "sofort zugreifen",
        "!",
    },
}


@EVERY
def test_the_words_are_plain_and_the_sentences_short(message: str, language: str) -> None:
    for sample, variables in ALL_SAMPLES[language].items():
        mail = render(message, variables, language)
        if sample == "unruly_name":
            continue
        body = mail.text.partition("\n--\n")[0]
        said = " ".join(line for line in body.splitlines() if not line.startswith("https://"))
        assert [word for word in PLAIN[language] if word in said.lower()] == []
        sentences = re.split(r"(?<=[.?:])\s", said)
        longest = max(sentences, key=lambda sentence: len(sentence.split()))
        assert len(longest.split()) <= 36, longest


def test_german_messages_have_no_english_left_in_them() -> None:
    for message in messages():
        for variables in ALL_SAMPLES["de"].values():
            mail = render(
                message,
                {
                    **variables,
                    "product": "P",
                    "sender": "S",
                    "postal_address": "A",
                    "news": "N",
                    "name": "",
                    "greeting": "G",
                },
                "de",
            )
            words = set(
                re.findall(
                    r"[a-z]+",
                    re.sub(
                        r"\S*(://|@)\S*", "", f"{mail.subject} {mail.preheader} {mail.text}".lower()
                    ),
                )
            )
            assert not words & {"the", "your", "you", "and", "with", "trial", "billing"}, message
    assert set(LANGUAGES) == {"en", "de"}
