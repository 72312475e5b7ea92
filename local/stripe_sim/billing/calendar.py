"""Billing periods: as long as a price says, anchored to a day of the month that short months do not
wear away.
"""

import calendar
from datetime import UTC, datetime, timedelta

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}


def period_end(start: int, anchor: int, interval: str, count: int) -> int:
    """The end of the period that begins at `start`: the first moment after it that lies whole
    intervals from `anchor`. All Unix seconds.
    """
    if interval in DAYS:
        length = DAYS[interval] * count * 86400
        return anchor + ((start - anchor) // length + 1) * length
    first = datetime.fromtimestamp(anchor, UTC)
    months = 0
    while (end := _months_after(first, months)) <= start:
        months += MONTHS[interval] * count
    return end


def months_later(moment: int, months: int) -> int:
    """The same time of day some months later; in a shorter month its last day."""
    return _months_after(datetime.fromtimestamp(moment, UTC), months)


def _months_after(first: datetime, months: int) -> int:
    year, month = divmod(first.month - 1 + months, 12)
    year, month = first.year + year, month + 1
    day = min(first.day, calendar.monthrange(year, month)[1])
    return int(first.replace(year=year, month=month, day=day).timestamp())


def days(number: float) -> int:
    """Days in seconds."""
    return int(timedelta(days=number).total_seconds())
