"""What the timeline of an account is made of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

EVENTS_KEPT = timedelta(days=30)
"""How long the projected body of a Stripe event stays; Stripe itself keeps events that long."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: `kind` is `stripe` (an event) or `happening`, `id` the source's own.
    `keep_for` None keeps it.
    """

    account_id: str
    at: datetime
    kind: str
    id: str
    type: str
    data: Any
    keep_for: timedelta | None = None
