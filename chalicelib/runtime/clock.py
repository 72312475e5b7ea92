"""The one clock that all code reads the time from."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The real time plus an offset. The offset is always zero on AWS. `local` moves the clock ahead
    to simulate days in seconds.
    """

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The current time, timezone-aware, in UTC."""
        return datetime.now(UTC) + self._ahead

    def move_to(self, moment: datetime) -> None:
        """Set the current time to `moment`, from which it runs on. The clock never goes back: an
        earlier moment changes nothing.
        """
        self._ahead = max(self._ahead, moment - datetime.now(UTC))


clock = Clock()
