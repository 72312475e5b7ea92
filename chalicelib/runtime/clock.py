"""The one clock that all time is read through."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Real time, plus how far it was moved ahead. On AWS it is never moved; `local` moves it to
    play days in seconds.
    """

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        return datetime.now(UTC) + self._ahead

    def move_to(self, moment: datetime) -> None:
        """Make it `moment` now; time runs on from there. A moment already past leaves the clock as
        it is: it never goes back.
        """
        self._ahead = max(self._ahead, moment - datetime.now(UTC))


clock = Clock()
