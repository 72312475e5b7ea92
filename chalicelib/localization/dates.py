"""Days and times as text, in a language and a time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.localization.wording import WORDING


def spoken_day(moment: datetime, zone: ZoneInfo, language: str = DEFAULT) -> str:
    """The day of a time in a time zone: Friday, 13 March 2026."""
    from babel.dates import format_date

    day = moment.astimezone(zone).date()
    return format_date(day, WORDING[language].day, locale=language)


def short_day(moment: datetime, zone: ZoneInfo, language: str = DEFAULT) -> str:
    """The day of a time in a time zone, for tables: 13 Mar 2026."""
    from babel.dates import format_date

    day = moment.astimezone(zone).date()
    return format_date(day, WORDING[language].short_day, locale=language)


def spoken_moment(moment: datetime, zone: ZoneInfo, language: str = DEFAULT) -> str:
    """The day with the time of day and the time zone."""
    from babel.dates import format_time

    words, local = WORDING[language], moment.astimezone(zone)
    return words.moment.format(
        day=spoken_day(moment, zone, language),
        clock=format_time(local.time(), words.clock, locale=language),
        zone=zone.key,
    )


def spoken_month(year: int, month: int, language: str = DEFAULT) -> str:
    """A month with its year: April 2026."""
    from babel.dates import format_date

    return format_date(date(year, month, 1), WORDING[language].month, locale=language)
