"""The texts of the customer's pages: one catalogue for each language, `texts/<language>.toml`. A
text is HTML with placeholders, and is named by its tables and its key: `billing.title`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from chalicelib.localization.plurals import FORMS, plural

if TYPE_CHECKING:
    from markupsafe import Markup

CATALOGUES = Path(__file__).parent / "texts"

Text = str | Mapping[str, str]
"""A text, or its plural forms by CLDR's names."""


def text(key: str, language: str, /, **values: object) -> str:
    """The text with this name as plain text, for values that a template escapes. Raises KeyError
    for an unknown name and for a missing value.
    """
    return _form(key, language, values).format(**values)


def markup(key: str, language: str, /, **values: object) -> "Markup":
    """The text with this name as HTML, with its values escaped. Raises KeyError for an unknown name
    and for a missing value.
    """
    from markupsafe import Markup

    # The text is ours, and `format` escapes the values.
    return Markup(_form(key, language, values)).format(**values)  # noqa: S704  # nosec B704


def has_text(key: str, language: str) -> bool:
    """Whether there is a text with this name."""
    return key in catalogue(language)


def placeholders(key: str, language: str) -> frozenset[str]:
    """The names of the values that a text needs; of one with plural forms, that any form needs."""
    found = catalogue(language)[key]
    forms = (found,) if isinstance(found, str) else found.values()
    return frozenset(
        name for form in forms for _, name, _, _ in Formatter().parse(form) if name is not None
    )


@cache
def catalogue(language: str) -> Mapping[str, Text]:
    """All texts of a language by name. Read once, because a deployed package does not change."""
    source = (CATALOGUES / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_texts(tomllib.loads(source), ""))


def _texts(table: Mapping[str, Any], path: str) -> Iterator[tuple[str, Text]]:
    for name, value in table.items():
        if isinstance(value, dict) and not value.keys() <= FORMS:
            yield from _texts(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _form(key: str, language: str, values: Mapping[str, object]) -> str:
    """The text; of several plural forms that of the value `n`."""
    found = catalogue(language)[key]
    return found if isinstance(found, str) else plural(found, int(str(values["n"])), language)
