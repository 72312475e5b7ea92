"""Amounts of money and percentages as text."""

from decimal import Decimal

from chalicelib.domain.money import in_major_units, shown_decimals
from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.localization.wording import WORDING

WITH_SYMBOL = frozenset({"usd", "eur", "gbp"})
"""Currencies that are written with their symbol. Of others a symbol may stand for several ("¥",
"kr"), so they are written with their code.
"""


def money(amount: int, currency: str, language: str = DEFAULT) -> str:
    """An amount in Stripe's minor units as text: 4900 usd as $49.00, 4900 jpy as 4,900 JPY, 15250
    kwd as 15.250 KWD; in German 49,00 $ and 15,250 KWD. Spaces are plain ones.
    """
    from babel.numbers import format_currency

    words = WORDING[language]
    pattern = words.with_symbol if currency.lower() in WITH_SYMBOL else words.with_code
    if digits := shown_decimals(amount, currency):
        pattern = pattern.replace("#,##0", f"#,##0.{'0' * digits}")
    return format_currency(
        in_major_units(amount, currency),
        currency.upper(),
        pattern,
        locale=language,
        currency_digits=False,  # CLDR's digits are not those of Stripe's amounts
    ).replace("\N{NO-BREAK SPACE}", " ")


def percentage(percent: float, language: str = DEFAULT) -> str:
    """A percentage as Stripe writes it, as text: 12.5 as 12.5%, in German 12,5 %."""
    from babel.numbers import format_percent

    share = Decimal(str(percent)) / 100
    return format_percent(share, WORDING[language].percent, locale=language)
