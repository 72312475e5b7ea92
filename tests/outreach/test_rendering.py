"""Messages with variables of every kind, and the mistakes that must come out before a mail does."""

import re
import subprocess
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.outreach import rendering
from chalicelib.outreach.rendering import BrokenMessage, UnknownMessage, messages, missing, render, split
from chalicelib.outreach.samples import SAMPLES
from tests.worlds import ROOT

ADA = SAMPLES["without_card"]
UNRULY = SAMPLES["unruly_name"]
LINK = {
    "sign_in": "link_url",
    "confirm": "link_url",
    "confirm_cancel": "link_url",
    "confirm_withdrawal": "link_url",
    "welcome": "app_url",
    "trial_personal_note": "booking_url",
}
EVERY = pytest.mark.parametrize(("message", "sample"), [(message, sample) for message in messages() for sample in SAMPLES])


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of messages of the test's own."""
    monkeypatch.setattr(rendering, "SOURCES", tmp_path)
    monkeypatch.setattr(rendering, "COMPILED", tmp_path)
    for cached in (rendering._parts, rendering._environment):
        cached.cache_clear()
        monkeypatch.setattr(rendering, cached.__name__, cached.__wrapped__)
    return tmp_path


def write(folder: Path, html: str = "<p>{{ name }}</p>", text: str = "Subject: S\nPreheader: P\n\n{{ name }}\n") -> str:
    (folder / "mine.html").write_text(html)
    (folder / "mine.txt").write_text(text)
    return "mine"


@EVERY
def test_every_message_can_be_written_to_every_reader(message: str, sample: str) -> None:
    assert missing(message, SAMPLES[sample]) == ()
    mail = render(message, SAMPLES[sample])
    parts = (mail.subject, mail.preheader, mail.html, mail.text)
    assert all(part.strip() for part in parts)
    if sample != "unruly_name":
        assert not any(mark in part for part in parts for mark in ("{{", "{%", "[[", "[%", "None", "  at ", " ,"))
    assert not any("!" in part for part in (mail.subject, mail.preheader, mail.text)), "no exclamation marks"
    assert len(mail.html.encode()) < 100_000
    assert 30 <= len(mail.preheader) <= 130 or sample == "unruly_name"
    assert len(mail.subject) <= 90


@EVERY
def test_the_text_part_has_the_links_and_reads_as_lines(message: str, sample: str) -> None:
    variables = SAMPLES[sample]
    lines = render(message, variables).text.splitlines()
    link = str(variables[LINK.get(message, "billing_url")])
    assert not link or link in lines
    assert variables["postal_address"] in lines
    for name in ("unsubscribe_url", "preferences_url"):
        assert not variables[name] or variables[name] in lines
    assert all(len(line) <= 78 or line.startswith("https://") for line in lines)
    assert not any(before == after == "" for before, after in pairwise(lines))
    assert not re.search(r"</?\w+>", "\n".join(lines)) or sample == "unruly_name"


def test_no_tag_at_the_end_of_words_swallows_their_line_end() -> None:
    for path in rendering.SOURCES.glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        body = text if path.name.startswith("_") else split(text)[2]
        ends = [line for line in body.splitlines() if line.endswith("%}") and re.sub(r"{%.*?%}", "", line).strip()]
        assert [line for line in ends if not line.endswith("+%}")] == [], path.name


@EVERY
def test_the_footer_has_the_way_out_of_what_can_be_left_and_of_nothing_else(message: str, sample: str) -> None:
    mail = render(message, SAMPLES[sample])
    may_leave = bool(SAMPLES[sample]["unsubscribe_url"])
    assert ("Unsubscribe" in mail.html) == ("Unsubscribe" in mail.text) == may_leave
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
        for fact in ("Pro", "$49.00 a month", "Friday, 13 March 2026", "until you cancel", "Online" if part is mail.html else "online"):
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


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=400), st.sampled_from(messages()))
def test_no_product_name_breaks_the_subject_into_headers(product: str, message: str) -> None:
    mail = render(message, {**ADA, "product": product, "greeting": f"Hello {product},"})
    for line in (mail.subject, mail.preheader):
        assert not [letter for letter in line if unicodedata.category(letter) in {"Cc", "Zl", "Zp", "Cs"}]
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
    lacking = {name: value for name, value in ADA.items() if name not in {"price", "greeting"}} | {"plan": None}
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
    (workshop / "_shared.txt").write_text("{{ postal_address }}\n")
    message = write(workshop, text="Subject: S\nPreheader: P\n\n{% include '_shared.txt' %}\n")
    assert missing(message, {"name": "Ada"}) == ("postal_address",)


def test_a_message_without_its_text_part_is_broken(workshop: Path) -> None:
    write(workshop)
    (workshop / "mine.txt").unlink()
    with pytest.raises(BrokenMessage):
        missing("mine", {})


def test_a_subject_is_cut_and_stays_one_line(workshop: Path) -> None:
    message = write(workshop, text="Subject: Dear {{ name }}\nPreheader: P\n\nx\n")
    mail = render(message, {"name": "Ada\r\nBcc: x@example.com\x00\x85\u2028" + "long " * 60})
    assert mail.subject.startswith("Dear Ada Bcc: x@example.com long")
    assert len(mail.subject) == 150
    assert mail.subject.endswith("…")


def test_loading_the_module_loads_no_jinja2() -> None:
    code = "import sys, chalicelib.outreach.rendering, chalicelib.outreach.samples; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
