"""What people typed, made fit for mail: a name that may greet, and words that lead nowhere."""

import re
import unicodedata

LONGEST_NAME = 60
"""Letters of a name that greets: longer ones are messages."""

_PIECE = r"(?:(?:am*\.)+|'?a[am']*)"
_NAME = re.compile(rf"{_PIECE}(?:[ -]+{_PIECE})*")
"""The shape of a name: words of letters and marks, or initials with their full stops."""

_SHAPES = {" ": " ", ".": ".", "-": "-", "\u2010": "-", "'": "'", "\u2018": "'", "\u2019": "'"}
_DOT = re.compile(r"(?<=\w)[.\u3002](?=\w)")


def spoken_name(name: str | None) -> str:
    """The name with which mail may greet, in Unicode's form NFKC; empty if it is none.

    A name has letters, marks, spaces, apostrophes, hyphens, and full stops after initials, at most
    60 of them. Spammers sign up strangers under names that mail programs show as links or that have
    a telephone number, to get them mailed.
    """
    text = " ".join(unicodedata.normalize("NFKC", name or "").split())
    shape = "".join(map(_shape, text))
    return text if len(text) <= LONGEST_NAME and _NAME.fullmatch(shape) else ""


def broken_up(text: str) -> str:
    """The text with its links and addresses broken up, so that no mail program makes a link of
    them.
    """
    plain = unicodedata.normalize("NFKC", text)
    return _DOT.sub(" . ", plain.replace("://", " : // ")).replace("@", " at ")


def _shape(letter: str) -> str:
    kind = unicodedata.category(letter)[0]
    return {"L": "a", "M": "m"}.get(kind) or _SHAPES.get(letter, "?")
