"""Amounts as text, for every currency that CLDR knows, in every language."""

import pytest
from babel.numbers import get_currency_symbol, list_currencies, parse_decimal
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.money import in_major_units
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.localization.amounts import WITH_SYMBOL, money

AMOUNTS = st.integers(-(10**12), 10**12)
CODES = sorted(list_currencies())


@pytest.mark.parametrize(
    ("amount", "currency", "english", "german"),
    [
        (4900, "usd", "$49.00", "49,00 $"),
        (123456789, "eur", "€1,234,567.89", "1.234.567,89 €"),
        (90, "gbp", "£0.90", "0,90 £"),
        (5, "chf", "0.05 CHF", "0,05 CHF"),
        (4900, "jpy", "4,900 JPY", "4.900 JPY"),
        (0, "jpy", "0 JPY", "0 JPY"),
        (15250, "kwd", "15.250 KWD", "15,250 KWD"),
        (1234560, "bhd", "1,234.560 BHD", "1.234,560 BHD"),
        (50000, "isk", "500 ISK", "500 ISK"),
        (1525000, "ugx", "15,250 UGX", "15.250 UGX"),
        (1234, "isk", "12.34 ISK", "12,34 ISK"),
        (49000, "huf", "490.00 HUF", "490,00 HUF"),
        (49050, "twd", "490.50 TWD", "490,50 TWD"),
        (4900, "mga", "4,900 MGA", "4.900 MGA"),
        (-4900, "usd", "-$49.00", "-49,00 $"),
        (-15250, "kwd", "-15.250 KWD", "-15,250 KWD"),
    ],
)
def test_money_is_written_as_people_write_it(
    amount: int, currency: str, english: str, german: str
) -> None:
    assert money(amount, currency) == english
    assert money(amount, currency, "de") == german


@given(AMOUNTS, st.sampled_from(CODES), st.sampled_from(LANGUAGES))
def test_an_amount_read_back_is_the_amount(amount: int, code: str, language: str) -> None:
    text = money(amount, code.lower(), language)
    named = get_currency_symbol(code, language) if code.lower() in WITH_SYMBOL else code
    assert named in text
    read = parse_decimal(text.replace(named, "").strip(), locale=language, strict=True)
    assert read == in_major_units(amount, code)


@given(AMOUNTS, st.sampled_from(CODES), st.sampled_from(LANGUAGES))
def test_an_amount_has_plain_spaces_only(amount: int, code: str, language: str) -> None:
    assert not [letter for letter in money(amount, code, language) if letter in "\xa0\u202f\u2009"]
