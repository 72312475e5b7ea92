"""What is committed as compiled is what the sources say, and is fit to be sent."""

import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.outreach.rendering import COMPILED, SOURCES, languages, messages, render, split
from chalicelib.outreach.samples import SAMPLES
from ops.mail.build import compiled, preview, sources
from tests.fakes.services import ROOT

WITHOUT_BUTTON = {"trial_personal_note", "lead_why", "left_why", "left_help"}
EVERY = [(message, language) for message in messages() for language in languages(message)]


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title", "xml"} & set(self.open):
            self.text += f"{data} "

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for _, attributes in self.elements
            if name in (attributes.get("class") or "").split()
        ]


@cache
def pages() -> list[tuple[str, str, Page]]:
    return [
        (message, language, Page(render(message, variables, language).html))
        for message, language in EVERY
        for variables in SAMPLES[language].values()
    ]


@pytest.mark.parametrize("source", sources(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_compiled_file_is_in_step_with_its_source(source: Path) -> None:
    assert (COMPILED / source.parent.name / f"{source.stem}.html").read_text(
        encoding="utf-8"
    ) == compiled(source), "run: make mail"


def test_compiling_gives_the_same_in_another_process_with_other_hashes() -> None:
    code = (
        "import sys; from ops.mail.build import *; [sys.stdout.write(compiled(source)) for"
        " source in sources()]"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONHASHSEED": "4711"},
    )
    assert run.stdout.decode() == "".join(
        (COMPILED / source.parent.name / f"{source.stem}.html").read_text(encoding="utf-8")
        for source in sources()
    )


def test_every_message_has_its_three_files_in_every_language_and_no_file_is_left_over() -> None:
    assert SAMPLES.keys() == set(LANGUAGES)
    for language in LANGUAGES:
        names = {source.stem for source in sources() if source.parent.name == language}
        assert set(messages()) == names
        assert {
            path.stem
            for path in (SOURCES / language).glob("*.txt")
            if not path.name.startswith("_")
        } == names
        for name in names:
            split((SOURCES / language / f"{name}.txt").read_text(encoding="utf-8"))


def test_every_page_is_well_formed_and_says_what_it_is_to_those_who_hear_it() -> None:
    for message, language, page in pages():
        assert page.open == [], message
        (root,) = [attributes for tag, attributes in page.elements if tag == "html"]
        assert root["lang"] == language
        (body,) = page.of_class("page")
        assert body["role"] == "article"
        assert body["lang"] == language
        assert body["aria-label"]
        assert all(
            attributes.get("alt") is not None for tag, attributes in page.elements if tag == "img"
        )
        tables = [attributes for tag, attributes in page.elements if tag == "table"]
        layout = [attributes for attributes in tables if attributes.get("role") == "presentation"]
        assert len(tables) - len(layout) == len(page.of_class("facts")), message


def test_every_page_has_one_button_and_the_letter_none() -> None:
    for message, _, page in pages():
        assert len(page.of_class("button")) == (0 if message in WITHOUT_BUTTON else 1), message


def test_no_page_fetches_anything_or_leads_anywhere_unsafe() -> None:
    for message, _, page in pages():
        assert not [
            tag
            for tag, _ in page.elements
            if tag in {"img", "link", "script", "iframe", "form", "object"}
        ], message
        links = [attributes.get("href") or "" for tag, attributes in page.elements if tag == "a"]
        assert links
        assert all(link.startswith(("https://", "mailto:")) for link in links), message
    for path in COMPILED.glob("*/*.html"):
        text = path.read_text(encoding="utf-8")
        assert "@import" not in text
        assert "url(" not in text
        assert len(text.encode()) < 50_000, (
            "with its variables a message must stay below 100 KB, where Gmail cuts it"
        )


def test_dark_mode_is_declared_and_every_colour_has_its_dark_one() -> None:
    for message, language in EVERY:
        text = (COMPILED / language / f"{message}.html").read_text(encoding="utf-8")
        page = Page(text)
        declared = {
            attributes.get("name"): attributes.get("content")
            for tag, attributes in page.elements
            if tag == "meta"
        }
        assert declared["color-scheme"] == declared["supported-color-schemes"] == "light dark"
        dark = text.partition("@media (prefers-color-scheme: dark)")[2].partition("</style>")[0]
        dressed = {
            name
            for name in ("page", "card", "words", "quiet", "facts", "button")
            if page.of_class(name)
        }
        assert {"page", "words", "quiet"} <= dressed
        assert all(f".{name}" in dark for name in dressed), message
        assert dark.count("!important") >= dark.count("{") - 1


def test_the_gallery_shows_every_message_in_light_in_dark_and_as_text(tmp_path: Path) -> None:
    index = preview(tmp_path / "gallery")
    text = index.read_text()
    written = {
        path.relative_to(tmp_path / "gallery").as_posix()
        for path in (tmp_path / "gallery").glob("*/*.*.*")
    }
    kinds = ("light.html", "dark.html", "txt")
    assert written == {
        f"{language}/{message}.{sample}.{kind}"
        for message, language in EVERY
        for sample in SAMPLES[language]
        for kind in kinds
    }
    assert all(
        f'id="{message}"' in (tmp_path / "gallery" / language / "index.html").read_text()
        for message, language in EVERY
    )
    for link in [attributes["href"] for tag, attributes in Page(text).elements if tag == "a"]:
        assert (index.parent / str(link)).exists()
    for frame in [attributes["src"] for tag, attributes in Page(text).elements if tag == "iframe"]:
        assert (index.parent / str(frame)).exists()
    assert (
        "prefers-color-scheme" not in (index.parent / "welcome.without_card.dark.html").read_text()
    )


def test_each_message_is_in_the_table_and_each_picture_is_shown() -> None:
    folder = ROOT / "docs" / "mail"
    table = (folder / "README.md").read_text()
    assert [message for message in messages() if f"| `{message}` |" not in table] == []
    shown = {
        *(f"sheet-{language}" for language in LANGUAGES),
        "payment_failed",
        "welcome-dark",
        "welcome-phone",
    }
    assert {path.stem for path in folder.glob("*.png")} == shown
    for name in shown:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f"({name}.png)" in table
