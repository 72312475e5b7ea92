"""Renders messages: a compiled HTML part and a hand-written text part, filled with the variables of
one reader. Each language has its own folder.

Templates are Jinja2's and run in its sandbox. Variables are values, never templates. Each is made
one line, so that a name that a customer typed can start neither a header nor a paragraph.
jinja2 is imported with the first message, not with this module.
"""

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.policy.languages import DEFAULT

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

SOURCES = Path(__file__).parent / "sources"
COMPILED = Path(__file__).parent / "compiled"

SUBJECT_AT_MOST = 150
LINE_AT_MOST = 76

_FROM_TEXT_PART = {"subject", "preheader"}
"""The variables of the HTML part that come from the text part, not from the caller."""

_DIRECTION_MARKS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class UnknownMessage(BillhookError):
    """There is no message with this name."""

    code = "unknown_message"


class BrokenMessage(BillhookError):
    """A message that cannot be rendered: a variable is missing, or its template has a mistake."""

    code = "broken_message"


@dataclass(frozen=True)
class RenderedEmail:
    """A message ready to be sent. The subject is one line of at most 150 characters, without
    control characters.
    """

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True)
class _Sources:
    """A message as it is written."""

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True)
class _Parts:
    """A message ready to be filled."""

    subject: "Template"
    preheader: "Template"
    html: "Template"
    text: "Template"


def messages() -> tuple[str, ...]:
    """The names of all messages of all languages, in alphabetical order."""
    return tuple(_compiled(COMPILED))


def languages(message: str) -> tuple[str, ...]:
    """The languages of a message, in alphabetical order; empty if there is no such message."""
    return _compiled(COMPILED).get(message, ())


def language_for(message: str, wanted: str, default: str) -> str:
    """The wanted language if the message exists in it, else the default. Raises UnknownMessage if
    it exists in neither.
    """
    available = languages(message)
    found = next((language for language in (wanted, default) if language in available), None)
    if found is None:
        raise UnknownMessage(
            f"There is no message {message!r} in {default}. Known messages:"
            f" {', '.join(messages())}.",
            "message",
        )
    return found


def missing(
    message: str, variables: Mapping[str, object], language: str = DEFAULT
) -> tuple[str, ...]:
    """The variables that any branch of the message uses and that are missing or None, in
    alphabetical order.
    """
    return tuple(
        sorted(name for name in _names_of(message, language) if variables.get(name) is None)
    )


def render(message: str, variables: Mapping[str, object], language: str = DEFAULT) -> RenderedEmail:
    """The message with these variables. Raises UnknownMessage if there is none with this name,
    BrokenMessage if a variable is missing or the template fails.
    """
    from jinja2 import TemplateError

    parts = _parts(message, language)
    if absent := missing(message, variables, language):
        raise BrokenMessage(
            f"The message {message} uses {', '.join(absent)}, but got no value for it.",
            absent[0],
        )
    values = {
        name: _one_line(value) if isinstance(value, str) else value
        for name, value in variables.items()
    }
    try:
        subject = _shortened(_one_line(parts.subject.render(values)))
        preheader = _one_line(parts.preheader.render(values))
        html = parts.html.render({**values, "subject": subject, "preheader": preheader})
        text = _wrapped(parts.text.render(values))
    except (TemplateError, TypeError, ValueError) as error:
        raise BrokenMessage(
            f"The message {message} cannot be rendered: {error}.", message
        ) from error
    return RenderedEmail(subject, preheader, html, text)


def split(text: str) -> tuple[str, str, str]:
    """The subject, the preheader and the body in the file of a text part. Raises ValueError if the
    first two are missing.
    """
    found = re.match(r"Subject: *(.+)\nPreheader: *(.+)\n\s*", text)
    if not found:
        raise ValueError("its text must begin with a line 'Subject: …' and a line 'Preheader: …'")
    return found[1], found[2], text[found.end() :]


@cache
def _compiled(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Message → its languages, both in alphabetical order. Lists the folder once, because a
    deployed package does not change.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*/*.html"), key=lambda path: (path.stem, path.parent.name)):
        found.setdefault(path.stem, []).append(path.parent.name)
    return {message: tuple(languages) for message, languages in found.items()}


@cache
def _sources(message: str, language: str) -> _Sources:
    language_for(message, language, language)
    folder = SOURCES / language
    try:
        subject, preheader, text = split((folder / f"{message}.txt").read_text(encoding="utf-8"))
        html = (COMPILED / language / f"{message}.html").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _mistake(message, error) from error
    return _Sources(subject, preheader, html, text)


@cache
def _names_of(message: str, language: str) -> frozenset[str]:
    """The variables that the message needs. It finds every mistake of a template without making
    a program of it, which takes as long again: a check of all messages sends none.
    """
    from jinja2 import TemplateError

    folder, sources = SOURCES / language, _sources(message, language)
    plain, marked = _environment(folder, markup=False), _environment(folder, markup=True)
    try:
        names = _names(plain, folder, sources.subject, sources.preheader, sources.text)
        names |= _names(marked, folder, sources.html)
    except (OSError, TemplateError) as error:
        raise _mistake(message, error) from error
    return frozenset(names - _FROM_TEXT_PART)


@cache
def _parts(message: str, language: str) -> _Parts:
    from jinja2 import TemplateError

    folder, sources = SOURCES / language, _sources(message, language)
    plain, marked = _environment(folder, markup=False), _environment(folder, markup=True)
    try:
        return _Parts(
            plain.from_string(sources.subject),
            plain.from_string(sources.preheader),
            marked.from_string(sources.html),
            plain.from_string(sources.text),
        )
    except TemplateError as error:
        raise _mistake(message, error) from error


def _mistake(message: str, error: Exception) -> BrokenMessage:
    return BrokenMessage(f"The message {message} has a mistake: {error}.", message)


@cache
def _environment(folder: Path, markup: bool) -> "SandboxedEnvironment":
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=markup,
        trim_blocks=not markup,
        lstrip_blocks=not markup,
    )


def _names(environment: "SandboxedEnvironment", folder: Path, *sources: str) -> set[str]:
    """The variables that these sources and their includes use."""
    from jinja2 import meta

    names: set[str] = set()
    for source in sources:
        tree = environment.parse(source)
        names |= meta.find_undeclared_variables(tree)
        included = [name for name in meta.find_referenced_templates(tree) if name]
        names |= _names(
            environment, folder, *((folder / name).read_text(encoding="utf-8") for name in included)
        )
    return names


def _one_line(value: str) -> str:
    """The value as one line, without control characters, unpaired surrogates and marks of text
    direction.
    """
    if value.isascii() and value.isprintable():  # the fast path for most values
        return re.sub(" {2,}", " ", value).strip()
    kept = (
        letter
        for letter in value
        if letter not in _DIRECTION_MARKS and unicodedata.category(letter) != "Cs"
    )
    spaced = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in kept
    )
    return re.sub(" {2,}", " ", spaced).strip()


def _shortened(subject: str) -> str:
    if len(subject) <= SUBJECT_AT_MOST:
        return subject
    return subject[: SUBJECT_AT_MOST - 1].rstrip() + "…"


def _wrapped(text: str) -> str:
    """The text with lines wrapped at 76 characters, links left whole, and at most one empty line in
    a row.
    """
    lines: list[str] = []
    for line in text.splitlines():
        indent = "  " if line.startswith("- ") else ""
        lines += textwrap.wrap(
            line,
            LINE_AT_MOST,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
