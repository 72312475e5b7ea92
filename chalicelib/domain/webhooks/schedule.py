"""When a delivery is tried: ten attempts in three days, as Standard Webhooks advises."""

from datetime import datetime, timedelta
from zlib import crc32

from chalicelib.domain.outgoing.answers import CallAnswer, wait_until

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after the attempt before each attempt is made; the first one at once."""

JITTER = 0.05
"""The part of a delay by which an attempt may come earlier, so that the deliveries that failed
together do not all come back together.
"""


def next_attempt(delivery: str, made: int, answer: CallAnswer, at: datetime) -> datetime | None:
    """When a delivery, given its id, is tried again after `made` attempts, of which the last one
    failed with this answer at `at`; None if it was the last. Never earlier than a Retry-After says.
    """
    if made >= len(DELAYS):
        return None
    planned = at + DELAYS[made] * (1 - JITTER * _spread(f"{delivery}.{made}"))
    return max(planned, wait_until(answer, at) or planned)


def _spread(text: str) -> float:
    """A number from 0 to 1 that is the same for the same text, and spread evenly over texts."""
    return crc32(text.encode()) / 0xFFFFFFFF
