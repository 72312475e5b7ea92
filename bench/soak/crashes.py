"""Workers killed at random: a function ends in the middle of what it does, as a process does, and
what started it starts it again.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from threading import Lock, local
from typing import Any

from tests.fakes.faults import Crash, OutsideCalls

LATEST_CALL = 8
"""A worker that is to be killed is killed at one of so many of its outside calls, if it makes as
many.
"""


class Killed(Exception):
    """What Lambda says of a function whose process ended."""


class Kills(OutsideCalls):
    """Ends a share of all invocations after an outside call that was made, its reply lost, or not
    made. `killed` counts them by function.
    """

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self._share, self._chance = share, Random(seed)
        self._here, self._lock = local(), Lock()
        self.killed: Counter[str] = Counter()
        self.invoked: Counter[str] = Counter()
        self.is_on = True

    def worker(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which may be killed now. Raises Killed then."""

        def invoked(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                self.invoked[name] += 1
                is_chosen = self.is_on and self._chance.random() < self._share
                self._here.left = self._chance.randint(1, LATEST_CALL) if is_chosen else 0
                self._here.reply_lost = self._chance.random() < 0.5
            try:
                return function(*arguments, **named)
            except Crash as crash:
                with self._lock:
                    self.killed[name] += 1
                raise Killed(f"{name}: {crash}") from None
            finally:
                self._here.left = 0

        return invoked

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """One outside call of whatever worker this thread is."""
        left = getattr(self._here, "left", 0)
        if not left:
            return function(*args, **kwargs)
        self._here.left = left - 1
        if left > 1:
            return function(*args, **kwargs)
        if self._here.reply_lost:
            function(*args, **kwargs)
        raise Crash(f"killed at {name}")
