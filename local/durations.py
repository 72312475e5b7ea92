"""Moments and lengths of time as people write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LENGTH = re.compile(r"(\d{1,9})([smhdw])")


def iso(moment: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(value: Any) -> datetime:
    """A moment such as 2027-01-31T12:00:00Z, or Unix seconds. Raises ValueError, TypeError,
    AttributeError, OverflowError or OSError.
    """
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int | float) or value.isdecimal():
        return datetime.fromtimestamp(float(value), UTC)
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def length(value: str) -> timedelta:
    """A length such as 3d, 12h, 30m, 10s or 2w. Raises ValueError, TypeError or OverflowError."""
    match = LENGTH.fullmatch(value)
    if match is None:
        raise ValueError(value)
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def distance(moment: datetime, now: datetime) -> str:
    """How far a moment is from now, in its largest unit: in 14 days, 2 hours ago, now."""
    seconds = (moment - now).total_seconds()
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number = round(abs(seconds) / size)
        if number >= 1:
            words = f"{number} {unit}" + ("s" if number > 1 else "")
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "now"
