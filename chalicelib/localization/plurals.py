"""Words by number: which form a language uses for one, two or many."""

from collections.abc import Mapping


def plural(forms: Mapping[str, str], number: int, language: str) -> str:
    """The form for a number, of those by CLDR's names (`one`, `few`, `other` …), with `{n}` filled
    in. `other` stands for a form that is not given.
    """
    from babel import Locale

    form = Locale.parse(language).plural_form(number)
    return forms.get(form, forms["other"]).format(n=number)
