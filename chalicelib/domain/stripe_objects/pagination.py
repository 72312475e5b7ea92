"""Long lists of Stripe's, the newest first, a page at a time: what a page holds, and where to go
on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ListCursor:
    """Behind this object, made at that second, the list goes on."""

    id: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list's objects as Stripe tells them. `behind` is None at the end of the list."""

    things: Sequence[Mapping[str, Any]]
    behind: ListCursor | None = None
