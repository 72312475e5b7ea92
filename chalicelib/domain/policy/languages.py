"""The languages of messages and pages. How each writes days and amounts is in
`chalicelib/localization/wording.py`.
"""

from collections.abc import Mapping

DEFAULT = "en"

ACCEPTED_AT_MOST = 20
"""How many languages of an `Accept-Language` header are looked at."""

LANGUAGES = ("en", "de")
"""The languages, by the language code of a locale."""


def language_code(tag: str) -> str:
    """The language of a language tag or locale: `de` for `de`, `de-AT` and `de_AT`."""
    return tag.replace("_", "-").partition("-")[0].lower()


def accepted_language(header: str) -> str | None:
    """The language of messages that an `Accept-Language` header (RFC 9110, 12.5.4) prefers; None if
    it names none of them, or cannot be read.
    """
    wanted: list[tuple[float, str]] = []
    for part in header.split(",")[:ACCEPTED_AT_MOST]:
        tag, _, parameter = part.strip().partition(";")
        name, _, quality = parameter.strip().partition("=")
        try:
            weight = float(quality) if name.strip().lower() == "q" else 1.0
        except ValueError:
            weight = 0.0
        code = language_code(tag.strip())
        if code in LANGUAGES and weight > 0:
            wanted.append((weight, code))
    return max(wanted, key=lambda one: one[0])[1] if wanted else None


def text_in(language: str, texts: Mapping[str, str], default: str) -> str:
    """A text of billing.toml in a language, else in the default one; empty if it is in neither."""
    return texts.get(language) or texts.get(default) or ""
