"""How long to wait between two tries."""

from datetime import timedelta

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 60, 180, 360))
"""How long to wait after each failure in a row. After the last one an account is dead and waits for
an operator; everything else goes on waiting as long as that.
"""


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row (one or more)."""
    return BACKOFF[min(failures, len(BACKOFF)) - 1]
