"""Checks of single keys of billing.toml, and the reader of a table of keys, which reports every
mistake.

A check takes a value and returns what is wrong with it; None if nothing is.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from chalicelib.values import frozen

Check = Callable[[Any], str | None]

INTERVALS = ("day", "week", "month", "year")
"""Stripe's intervals of a recurring price."""

LONGEST = timedelta(days=366)

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@frozen
class Key:
    """What a key of billing.toml must hold, and its `default` if it is not required."""

    check: Check
    example: str
    default: Any = None
    required: bool = True


def whole_number(least: int, most: int) -> Check:
    """A whole number from `least` to `most`."""

    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"must be a whole number from {least} to {most}"

    return check


def one_of(*values: object) -> Check:
    """One of some values."""
    return lambda value: (
        None if value in values else f"must be one of {', '.join(map(str, values))}"
    )


def boolean(value: Any) -> str | None:
    """True or false."""
    return None if value in (True, False) else "must be true or false"


def matching(pattern: str, wrong: str) -> Check:
    """A text that matches a pattern as a whole; `wrong` is what to say if it does not."""
    return lambda value: None if isinstance(value, str) and re.fullmatch(pattern, value) else wrong


identifier = matching("[a-z0-9_]{1,64}", "must be made of a-z, 0-9 and _")
"""The id of a step or the name of a milestone."""


def text(value: Any) -> str | None:
    """A text that is not blank."""
    return None if isinstance(value, str) and value.strip() else "must be a text that is not empty"


def text_list(value: Any) -> str | None:
    """A list of different texts; it may be empty."""
    fits = (
        isinstance(value, list)
        and all(isinstance(item, str) and item.strip() for item in value)
        and len(set(map(str, value))) == len(value)
    )
    return None if fits else "must be a list of different texts"


def https_origin(value: Any) -> str | None:
    """An https address without a path; http for a local one."""
    parts = urlsplit(value) if isinstance(value, str) else None
    fits = parts and parts.hostname and not (parts.path.strip("/") or parts.query or parts.fragment)
    local = parts and parts.hostname in {"127.0.0.1", "localhost"}
    return (
        None
        if fits and parts and (parts.scheme == "https" or (local and parts.scheme == "http"))
        else "must be an https address without a path"
    )


def duration_text(value: Any) -> str | None:
    """A duration (see `duration`)."""
    if duration(value) is not None:
        return None
    return "must be a duration such as 3d, 12h or 30m, at most a year"


def duration(value: Any) -> timedelta | None:
    """The duration in a text such as `3d`, `12h`, `30m` or `2w`; None if it is none, or longer than
    a year.
    """
    match = re.fullmatch(r"(\d{1,4})([mhdw])", value) if isinstance(value, str) else None
    length = int(match[1]) * _UNITS[match[2]] if match else None
    return length if length is not None and length <= LONGEST else None


def table(raw: Mapping[str, Any], name: str, mistakes: list[str]) -> Mapping[str, Any]:
    """The table `name`; empty if it is missing. Adds a mistake if it is not a table."""
    value = raw.get(name, {})
    if isinstance(value, dict):
        return value
    mistakes.append(f"{name}: must be a table. Example: [{name}]")
    return {}


def read_keys(
    raw: Mapping[str, Any],
    keys: Mapping[str, Key],
    prefix: str,
    mistakes: list[str],
    others: Collection[str] = (),
) -> dict[str, Any]:
    """The value of each of `keys` in a table, with defaults where it is missing. Adds a mistake for
    each wrong value, and for each name that is neither in `keys` nor in `others`. `prefix` is the
    name of the table in mistakes, with its dot.
    """
    mistakes += [
        f"{prefix}{name}: no such key. Known here: {', '.join(keys)}"
        for name in raw
        if name not in keys and name not in others
    ]
    values: dict[str, Any] = {}
    for name, key in keys.items():
        if name not in raw:
            values[name] = key.default
            wrong = "is missing" if key.required else None
        else:
            values[name] = raw[name]
            wrong = key.check(raw[name])
        if wrong:
            mistakes.append(f"{prefix}{name}: {wrong}. Example: {key.example}")
    return values
