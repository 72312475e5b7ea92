"""Kills workers at random: a function stops in the middle of its work, as a process does, and
whatever started it starts it again.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from threading import Lock, local
from typing import Any

from tests.fakes.faults import Crash, OutsideCalls

LATEST_CALL = 8
"""A worker that is chosen is killed at one of its first outside calls, up to this number."""


class Killed(Exception):
    """What Lambda reports for a function whose process ended."""


class Kills(OutsideCalls):
    """Ends a share of all invocations at an outside call: after it was made, with its reply
    lost, or before it. `killed` counts them by function.
    """

    def __init__(self, share: float, seed: int) -> None:
        super().__init__()
        self._share, self._chance = share, Random(seed)
        self._here, self._lock = local(), Lock()
        self.killed: Counter[str] = Counter()
        self.invoked: Counter[str] = Counter()
        self.is_on = True

    def worker(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which may be killed: then it raises Killed."""

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
        """One outside call of the worker of this thread."""
        left = getattr(self._here, "left", 0)
        if not left:
            return function(*args, **kwargs)
        self._here.left = left - 1
        if left > 1:
            return function(*args, **kwargs)
        if self._here.reply_lost:
            function(*args, **kwargs)
        raise Crash(f"killed at {name}")
