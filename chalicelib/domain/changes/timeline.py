"""The entries of an account's timeline."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.values import frozen

EVENTS_KEPT = timedelta(days=30)
"""How long the entry of a Stripe event is kept. Stripe itself keeps events as long."""


@frozen
class Entry:
    """One entry. `kind` is its source, such as `stripe` (an event of Stripe's) or `happening` (a
    domain event), and `id` its id there. `data` is stored as JSON. `keep_for` None means for ever.
    """

    account_id: str
    at: datetime
    kind: str
    id: str
    type: str
    data: Any
    keep_for: timedelta | None = None


@frozen
class EventEntry:
    """The entry of a domain event, and its document."""

    entry: Entry
    document: str
