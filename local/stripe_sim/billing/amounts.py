"""Arithmetic of money in minor units: shares of an amount, rounded as Stripe rounds, and what is
too little to be charged.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

MINIMUM = {
    "gbp": 30,
    "dkk": 250,
    "nok": 300,
    "sek": 300,
    "pln": 200,
    "czk": 1500,
    "huf": 17500,
    "mxn": 1000,
}
"""The least that Stripe charges, where it is not 50 minor units (docs.stripe.com/currencies,
"Minimum and maximum charge amounts").
"""

STEPS = {"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10, "isk": 100, "ugx": 100}
"""Currencies whose amounts end in zeros: three decimals of which the last is 0, and two that are
always 00 (docs.stripe.com/currencies, "Special cases").
"""

MAXIMUM = 99_999_999
"""The most that one amount may be: eight digits."""


def rounded(value: Fraction) -> int:
    """The nearest whole amount; a half goes away from zero."""
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def share(amount: int, part: int, whole: int) -> int:
    """The part of an amount that falls on `part` of `whole`, to the nearest."""
    return rounded(Fraction(amount * part, whole)) if whole else 0


def prorated(amount: int, part: int, whole: int, currency: str) -> int:
    """The part of an amount, of a credit below zero, that falls on `part` of `whole`: rounded down,
    each line of a proration by itself, to what the currency can be charged in.
    """
    step = step_of(currency)
    return floor(Fraction(amount * part, whole * step)) * step if whole else 0


def step_of(currency: str) -> int:
    """The smallest difference between two amounts of a currency."""
    return STEPS.get(currency, 1)


def percent(amount: int, percentage: float) -> int:
    """A percentage of an amount; percentages have two decimal places."""
    return rounded(amount * Fraction(str(percentage)) / 100)


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in parts as the weights are, which together are the amount to the cent."""
    total, parts, given = sum(weights), [], 0
    so_far = 0
    for weight in weights:
        so_far += weight
        parts.append(share(amount, so_far, total) - given)
        given += parts[-1]
    return parts


def least(currency: str) -> int:
    """The least amount that can be charged in a currency."""
    return MINIMUM.get(currency, 50)
