"""Pages of Stripe's long lists, which have the newest object first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListCursor:
    """Where a list continues: after the object with this id, which was created in this second."""

    id: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, and where the list continues; `next_page` is None at the end of it."""

    entries: Sequence[T]
    next_page: ListCursor | None = None
