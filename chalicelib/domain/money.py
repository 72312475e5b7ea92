"""What an amount at Stripe means: how many of its digits are decimals, and which amounts Stripe
charges.

Amounts are integers in Stripe's minor units. These follow ISO 4217 with exceptions
(docs.stripe.com/currencies).
"""

from collections.abc import Mapping
from decimal import Decimal

from chalicelib.values import frozen


@frozen
class CurrencyRule:
    """How Stripe writes amounts of a currency. The last `decimals` digits are decimals; `step` is
    the smallest unit that can be charged. `shown` is how many decimals a whole amount is written
    with. `reason` says why it is not as usual.
    """

    decimals: int
    step: int
    shown: int
    reason: str


USUAL = CurrencyRule(2, 1, 2, "two decimals unless Stripe says otherwise")

_NO_MINOR_UNIT = CurrencyRule(0, 1, 0, "ISO 4217: no minor unit; a zero-decimal currency at Stripe")
_FIFTHS = CurrencyRule(
    0, 1, 0, "ISO 4217: fifths of an ariary; a zero-decimal currency at Stripe, in whole ariary"
)
_MILLS = CurrencyRule(
    3, 10, 3, "ISO 4217: thousandths; Stripe's card partners take the last digit only as 0"
)
_WHOLE = CurrencyRule(
    2, 100, 0, "ISO 4217: no minor unit any more; Stripe's API keeps two decimals, always 00"
)
_WHOLE_PAYOUTS = CurrencyRule(
    2, 1, 2, "two decimals in charges; Stripe rounds only payouts to whole units"
)

CURRENCIES: Mapping[str, CurrencyRule] = {
    "bif": _NO_MINOR_UNIT,
    "clp": _NO_MINOR_UNIT,
    "djf": _NO_MINOR_UNIT,
    "gnf": _NO_MINOR_UNIT,
    "jpy": _NO_MINOR_UNIT,
    "kmf": _NO_MINOR_UNIT,
    "krw": _NO_MINOR_UNIT,
    "mga": _FIFTHS,
    "pyg": _NO_MINOR_UNIT,
    "rwf": _NO_MINOR_UNIT,
    "vnd": _NO_MINOR_UNIT,
    "vuv": _NO_MINOR_UNIT,
    "xaf": _NO_MINOR_UNIT,
    "xof": _NO_MINOR_UNIT,
    "xpf": _NO_MINOR_UNIT,
    "bhd": _MILLS,
    "jod": _MILLS,
    "kwd": _MILLS,
    "omr": _MILLS,
    "tnd": _MILLS,
    "isk": _WHOLE,
    "ugx": _WHOLE,
    "huf": _WHOLE_PAYOUTS,
    "twd": _WHOLE_PAYOUTS,
}
"""Stripe's lower-case code → its rule, for the currencies that docs.stripe.com/currencies lists as
zero-decimal, three-decimal or special cases. All others are USUAL.
"""


def decimals(currency: str) -> int:
    """How many of the last digits of an amount are decimals: 2 for usd, 0 for jpy, 3 for kwd."""
    return rule_of(currency).decimals


def is_chargeable(amount: int, currency: str) -> bool:
    """Whether Stripe charges this amount exactly: 15250 kwd is, 15255 kwd is not. Limits on how
    small or large a charge may be are Stripe's and not checked.
    """
    return amount % rule_of(currency).step == 0


def in_major_units(amount: int, currency: str) -> Decimal:
    """An amount in minor units as an exact decimal: 4900 usd is 49.00, 15250 kwd is 15.250."""
    return Decimal(amount).scaleb(-decimals(currency))


def shown_decimals(amount: int, currency: str) -> int:
    """How many decimals the amount is written with: those of the currency, unless they are always
    00 and are so here too.
    """
    rule = rule_of(currency)
    return rule.shown if amount % 10**rule.decimals == 0 else rule.decimals


def rule_of(currency: str) -> CurrencyRule:
    """The rule of a currency, by its code in either case."""
    return CURRENCIES.get(currency.lower(), USUAL)
