"""Pages of Stripe's long lists, which have the newest object first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, TypeVar

from chalicelib.values import frozen

T = TypeVar("T")

MOST_INVOICES = 1000
"""How many invoices of one customer are read at most, the newest: eighty years of months. A
customer may also be billed each day, for another product.
"""


@frozen
class ListCursor:
    """Where a list continues: after the object with this id, which was created in this second."""

    id: str
    created: datetime


@frozen
class Page(Generic[T]):
    """One page of a list, and where the list continues; `next_page` is None at the end of it."""

    entries: Sequence[T]
    next_page: ListCursor | None = None
