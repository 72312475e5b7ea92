"""Words by number: which form a language uses for one, two or many."""

from collections.abc import Mapping

FORMS = frozenset({"zero", "one", "two", "few", "many", "other"})
"""CLDR's names of plural forms."""


def plural(forms: Mapping[str, str], number: int, language: str) -> str:
    """The form for a number, by CLDR's rules for the language. `other` stands for a form that is
    not given.
    """
    from babel import Locale

    return forms.get(Locale.parse(language).plural_form(number), forms["other"])
