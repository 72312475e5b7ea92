"""Stripe's long lists, read a page at a time: what a page holds, and where the next one starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListCursor:
    """A place in a list: behind this object, which was created at that second."""

    id: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some entries of a list, the newest first. The next page starts at `behind`; None at the end
    of the list.
    """

    things: Sequence[T]
    behind: ListCursor | None = None
