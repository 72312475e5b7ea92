"""How far an export is, as a bar."""

from collections.abc import Callable

WIDTH = 30


def bar(done: int, about: int) -> str:
    """A bar with the items that were read, of about so many: DynamoDB counts them every six hours
    only, so without a count, or behind it, there is no bar.
    """
    if about < done or not about:
        return f"{done:,} items"
    filled = WIDTH * done // about
    return f"[{'#' * filled}{' ' * (WIDTH - filled)}] {done:,} items of about {about:,}"


class Bar:
    """Adds up the items of pages, and says each time how far it is."""

    def __init__(self, about: int, say: Callable[[str], None]) -> None:
        self._about, self._say, self._done = about, say, 0

    def add(self, items: int) -> None:
        """A page was read."""
        self._done += items
        self._say(bar(self._done, self._about))
