"""Reads single fields of Stripe's JSON. Each function returns the value, or raises Unreadable where
the field holds something else than it should.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from chalicelib.domain.errors import Unreadable
from chalicelib.stripe_api.transport import Raw

T = TypeVar("T")

_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
"""Ids become parts of keys and paths; Stripe's have no other characters (docs.stripe.com/upgrades:
up to 255).
"""


def reference(value: Any) -> str | None:
    """The id in a field that holds an id or, expanded, the object; None for none. Raises Unreadable
    for anything else.
    """
    id = (
        words(value, "id")
        if isinstance(value, Mapping)
        else words({"reference": value}, "reference")
    )
    if id is not None and not _ID.fullmatch(id):
        raise Unreadable("A reference is no id of Stripe's.")
    return id


def identity(raw: Raw) -> str:
    """The id that an object must have. Raises Unreadable if it is missing."""
    id = reference(raw)
    if id is None:
        raise Unreadable("The field id is missing.", "id")
    return id


def when(value: Any) -> datetime | None:
    """The moment of Unix seconds; None for None. Raises Unreadable for anything else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 36:
        raise Unreadable("A time is no number of Unix seconds.")
    return datetime.fromtimestamp(value, UTC)


def moment(raw: Raw, key: str) -> datetime:
    """A time that must be there. Raises Unreadable if it is missing."""
    value = when(raw.get(key))
    if value is None:
        raise Unreadable(f"The field {key} is missing.", key)
    return value


def text(raw: Raw, key: str) -> str:
    """A text that must be there. Raises Unreadable if it is missing or empty."""
    value = words(raw, key)
    if value is None:
        raise Unreadable(f"The field {key} is missing.", key)
    return value


def words(raw: Raw, key: str) -> str | None:
    """A text; None if it is missing or empty. Raises Unreadable for anything else, and for text
    that UTF-8 cannot encode.
    """
    value = raw.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Unreadable(f"The field {key} is no text.", key)
    return value


def whole(raw: Raw, key: str) -> int | None:
    """A whole number; None if it is missing. Raises Unreadable for anything else."""
    value = raw.get(key)
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 53
    ):
        raise Unreadable(f"The field {key} is no whole number.", key)
    return value


def decimal_text(value: Any) -> str | None:
    """A decimal number, which Stripe writes as a text or, where few digits are enough, as a number
    of JSON; None for anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def mapping(value: Any) -> Raw:
    """The object in a field; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def read(reader: Callable[[Any], T], raw: Any) -> T | Unreadable:
    """What `reader` makes of an object, or why it cannot be read."""
    try:
        return reader(raw)
    except Unreadable as failure:
        return failure
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        return Unreadable(
            f"An object has a shape that this release does not know ({type(error).__name__})."
        )


def if_readable(reader: Callable[[Any], T], raw: Any) -> T | None:
    """What `reader` makes of an object; None if it cannot be read."""
    found = read(reader, raw)
    return None if isinstance(found, Unreadable) else found
