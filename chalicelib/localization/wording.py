"""How each language writes days, times, amounts and intervals. A new language needs a row here, in
the domain's LANGUAGES, and the texts of the messages and the pages.
"""

from collections.abc import Mapping

from chalicelib.values import frozen


@frozen
class Wording:
    """The patterns and words of one language. `day`, `short_day`, `clock` and `month` are CLDR's
    patterns of dates, `with_symbol` and `with_code` those of amounts, without decimals, `percent`
    that of a share. The rest is for `str.format`. `per` and `every` are by Stripe's interval: `per`
    for one ("a month"), `every` for several ("every 3 months"). `days` is by CLDR's plural forms.
    """

    day: str
    short_day: str
    clock: str
    month: str
    moment: str
    with_symbol: str
    with_code: str
    percent: str
    per: Mapping[str, str]
    every: Mapping[str, str]
    today: str
    days: Mapping[str, str]
    greeting: str
    greeting_nobody: str
    card: str
    bank_account: str


WORDING: Mapping[str, Wording] = {
    "en": Wording(
        # The day before the month: nobody misreads a month that is written out.
        day="EEEE, d MMMM y",
        short_day="d MMM y",
        clock="HH:mm",
        month="LLLL y",
        moment="{day} at {clock} ({zone})",
        with_symbol="¤#,##0",
        with_code="#,##0 ¤¤",
        percent="#,##0.##%",
        per={"day": "a day", "week": "a week", "month": "a month", "year": "a year"},
        every={
            "day": "every {n} days",
            "week": "every {n} weeks",
            "month": "every {n} months",
            "year": "every {n} years",
        },
        today="today",
        days={"one": "{n} day", "other": "{n} days"},
        greeting="Hello {first},",
        greeting_nobody="Hello,",
        card="{brand} ending in {last4}",
        bank_account="bank account ending in {last4}",
    ),
    "de": Wording(
        day="EEEE, d. MMMM y",
        short_day="d. MMM y",
        clock="HH:mm",
        month="LLLL y",
        moment="{day} um {clock} Uhr ({zone})",
        with_symbol="#,##0 ¤",
        with_code="#,##0 ¤¤",
        percent="#,##0.## %",
        per={"day": "pro Tag", "week": "pro Woche", "month": "pro Monat", "year": "pro Jahr"},
        every={
            "day": "alle {n} Tage",
            "week": "alle {n} Wochen",
            "month": "alle {n} Monate",
            "year": "alle {n} Jahre",
        },
        today="heute",
        days={"one": "{n} Tag", "other": "{n} Tage"},
        greeting="Guten Tag {name},",
        greeting_nobody="Guten Tag,",
        card="{brand} mit den Endziffern {last4}",
        bank_account="Bankkonto mit den Endziffern {last4}",
    ),
}
"""Language → its wording. Names of days and months, separators and symbols are CLDR's."""
