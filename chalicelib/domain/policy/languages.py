"""The languages of messages: how each writes days, amounts and intervals. A new language needs a
row here and the texts of the messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT = "en"

ACCEPTED_AT_MOST = 20
"""How many languages of an `Accept-Language` header are looked at."""


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
