"""How long to wait between two attempts."""

from datetime import timedelta

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 60, 180, 360))
"""The wait after each failure in a row. After the last one an account is dead and waits for an
operator; everything else keeps the last wait.
"""


def wait_after(failures: int) -> timedelta:
    """The wait after so many failures in a row; at least one."""
    return BACKOFF[min(failures, len(BACKOFF)) - 1]
