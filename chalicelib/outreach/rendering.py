"""Messages as they leave: a compiled HTML part, a text part written by hand, and the variables of
one reader. Each language has a folder of them.

Placeholders are Jinja2's, run in its sandbox. Variables are values, never templates, and each is
one line: what a customer typed as a name can neither begin another header nor another paragraph.
jinja2 is loaded with the first message, not with this module.
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

_OURS = {"subject", "preheader"}
_DIRECTIONS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class UnknownMessage(BillhookError):
    """There is no message of that name."""

    code = "unknown_message"


class BrokenMessage(BillhookError):
    """A message that cannot be written: a variable is missing, or its template has a mistake."""

    code = "broken_message"


@dataclass(frozen=True)
class RenderedEmail:
    """One message, ready to be sent. The subject is one line of at most 150 characters without
    control characters.
    """

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True)
class _Parts:
    subject: "Template"
    preheader: "Template"
    html: "Template"
    text: "Template"
    names: frozenset[str]


def messages() -> tuple[str, ...]:
    """The names of all messages, whichever languages they are in, in the order of the alphabet."""
    return tuple(_compiled(COMPILED))


def languages(message: str) -> tuple[str, ...]:
    """The languages that a message is written in."""
    return _compiled(COMPILED).get(message, ())


def language_for(message: str, wanted: str, default: str) -> str:
    """The wanted language if the message is written in it, else the default one; UnknownMessage if
    it is in neither.
    """
    there = languages(message)
    found = next((language for language in (wanted, default) if language in there), None)
    if found is None:
        raise UnknownMessage(
            f"There is no message {message!r} in {default}; there are {', '.join(messages())}.",
            "message",
        )
    return found


def missing(
    message: str, variables: Mapping[str, object], language: str = DEFAULT
) -> tuple[str, ...]:
    """The names that any part of the message uses, in whatever branch, and that the variables lack
    or have as None.
    """
    return tuple(
        sorted(name for name in _parts(message, language).names if variables.get(name) is None)
    )


def render(message: str, variables: Mapping[str, object], language: str = DEFAULT) -> RenderedEmail:
    """The message for these variables. UnknownMessage if there is none of that name; BrokenMessage,
    before anything is written, if one is missing.
    """
    from jinja2 import TemplateError

    parts = _parts(message, language)
    if lacking := missing(message, variables, language):
        raise BrokenMessage(
            f"The message {message} uses {', '.join(lacking)}, which it has not been given.",
            lacking[0],
        )
    values = {
        name: _one_line(value) if isinstance(value, str) else value
        for name, value in variables.items()
    }
    try:
        subject = _shortened(_one_line(parts.subject.render(values)))
        preheader = _one_line(parts.preheader.render(values))
        html = parts.html.render({**values, "subject": subject, "preheader": preheader})
        text = _laid_out(parts.text.render(values))
    except (TemplateError, TypeError, ValueError) as error:
        raise BrokenMessage(
            f"The message {message} cannot be written: {error}.", message
        ) from error
    return RenderedEmail(subject, preheader, html, text)


def split(text: str) -> tuple[str, str, str]:
    """The subject, the preheader and the body of a text part as it stands in its file; ValueError
    if it does not begin with the two.
    """
    found = re.match(r"Subject: *(.+)\nPreheader: *(.+)\n\s*", text)
    if not found:
        raise ValueError("its text must begin with a line 'Subject: …' and a line 'Preheader: …'")
    return found[1], found[2], text[found.end() :]


@cache
def _compiled(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """The languages of each compiled message, by its name, both in alphabetical order. The folder
    is listed once: a deployed package does not change.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*/*.html"), key=lambda path: (path.stem, path.parent.name)):
        found.setdefault(path.stem, []).append(path.parent.name)
    return {message: tuple(languages) for message, languages in found.items()}


@cache
def _parts(message: str, language: str) -> _Parts:
    from jinja2 import TemplateError

    language_for(message, language, language)
    folder = SOURCES / language
    try:
        subject, preheader, text = split((folder / f"{message}.txt").read_text(encoding="utf-8"))
        html = (COMPILED / language / f"{message}.html").read_text(encoding="utf-8")
        plain, marked = _environment(folder, markup=False), _environment(folder, markup=True)
        names = _names(plain, folder, subject, preheader, text) | _names(marked, folder, html)
        return _Parts(
            plain.from_string(subject),
            plain.from_string(preheader),
            marked.from_string(html),
            plain.from_string(text),
            frozenset(names - _OURS),
        )
    except (OSError, ValueError, TemplateError) as error:
        raise BrokenMessage(f"The message {message} has a mistake: {error}.", message) from error


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
    """The variables that these sources use, with what they include."""
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
    """The value without line ends, control characters, halves of characters, and marks that turn
    the direction of what follows.
    """
    if value.isascii() and value.isprintable():  # most values, and nothing below is in them
        return re.sub(" {2,}", " ", value).strip()
    kept = (
        letter
        for letter in value
        if letter not in _DIRECTIONS and unicodedata.category(letter) != "Cs"
    )
    spaced = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in kept
    )
    return re.sub(" {2,}", " ", spaced).strip()


def _shortened(subject: str) -> str:
    if len(subject) <= SUBJECT_AT_MOST:
        return subject
    return subject[: SUBJECT_AT_MOST - 1].rstrip() + "…"


def _laid_out(text: str) -> str:
    """Each line wrapped where it is too long for a screen of old, links left whole; never more than
    one empty line in a row.
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
