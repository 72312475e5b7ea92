"""The languages of messages: how each writes days, amounts and intervals. A new language needs a
row here and the texts of the messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """The words and formats of one language. Formats are for `str.format`. `per` and `every` are by
    Stripe's interval: `per` for one ("a month"), `every` for several ("every 3 months").
    """

    greeting: str
    greeting_nobody: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    day: str
    moment: str
    decimal: str
    thousands: str
    with_symbol: str
    per: Mapping[str, str]
    every: Mapping[str, str]
    today: str
    one_day: str
    days: str
    card: str


LANGUAGES: Mapping[str, Language] = {
    "en": Language(
        greeting="Hello {first},",
        greeting_nobody="Hello,",
        weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        months=(
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
        day="{weekday}, {day} {month} {year}",
        moment="{day} at {time} ({zone})",
        decimal=".",
        thousands=",",
        with_symbol="{symbol}{number}",
        per={"day": "a day", "week": "a week", "month": "a month", "year": "a year"},
        every={
            "day": "every {n} days",
            "week": "every {n} weeks",
            "month": "every {n} months",
            "year": "every {n} years",
        },
        today="today",
        one_day="1 day",
        days="{n} days",
        card="{brand} ending in {last4}",
    ),
    "de": Language(
        greeting="Guten Tag {name},",
        greeting_nobody="Guten Tag,",
        weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        months=(
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ),
        day="{weekday}, {day}. {month} {year}",
        moment="{day} um {time} Uhr ({zone})",
        decimal=",",
        thousands=".",
        with_symbol="{number} {symbol}",
        per={"day": "pro Tag", "week": "pro Woche", "month": "pro Monat", "year": "pro Jahr"},
        every={
            "day": "alle {n} Tage",
            "week": "alle {n} Wochen",
            "month": "alle {n} Monate",
            "year": "alle {n} Jahre",
        },
        today="heute",
        one_day="1 Tag",
        days="{n} Tage",
        card="{brand} mit den Endziffern {last4}",
    ),
}
"""Language, by the language code of a locale → its words and formats."""


def language_of(attributes: Mapping[str, str], default: str) -> str:
    """The language of an account's attribute `language` or `locale` (`de`, `de-AT` or `de_AT`), if
    messages are written in it; else `default`.
    """
    codes = (
        attributes.get(name, "").replace("_", "-").partition("-")[0].lower()
        for name in ("language", "locale")
    )
    return next((code for code in codes if code in LANGUAGES), default)


def text_in(language: str, texts: Mapping[str, str], default: str) -> str:
    """A text of billing.toml in a language, else in the default one; empty if it is in neither."""
    return texts.get(language) or texts.get(default) or ""
