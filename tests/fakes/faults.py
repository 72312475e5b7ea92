"""Faults on purpose: outside calls counted, and a use case ended after any one of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from chalicelib.usecases.ports import Stripe
from chalicelib.usecases.services import Services

Whole = TypeVar("Whole")


class Crash(BaseException):
    """The end of the process, as far as the code under test is concerned: nothing may catch it."""


@dataclass
class OutsideCalls:
    """Every call that leaves the use case, by name, in order."""

    made: list[str] = field(default_factory=list)
    crash_at: int | None = None
    reply_lost: bool = True

    def watch(self, services: Services) -> Services:
        """The same world, with its adapters watched."""
        parts = (
            "accounts",
            "log",
            "dead_letters",
            "events_queue",
            "stripe",
            "due_index",
            "walks",
            "rounds",
            "comparisons",
            "act_queue",
            "mail_queue",
        )
        return self.watch_parts(services, *parts)

    def watch_parts(self, whole: Whole, *names: str) -> Whole:
        """The same, with these adapters of it watched; of Stripe's API, each resource."""
        watched = {name: self._watched(name, getattr(whole, name)) for name in names}
        return replace(whole, **watched)  # type: ignore[type-var]

    def _watched(self, name: str, adapter: Any) -> Any:
        if isinstance(adapter, Stripe):
            parts = [part.name for part in fields(adapter)]
            return replace(
                adapter,
                **{
                    part: _Watched(f"{name}.{part}", getattr(adapter, part), self) for part in parts
                },
            )
        return _Watched(name, adapter, self)

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self.made.append(name)
        if self.crash_at is None or len(self.made) != self.crash_at:
            return function(*args, **kwargs)
        if self.reply_lost:
            function(*args, **kwargs)
        raise Crash(f"after call {self.crash_at}, {name}")


class _Watched:
    def __init__(self, name: str, adapter: Any, calls: OutsideCalls) -> None:
        self._name, self._adapter, self._calls = name, adapter, calls

    def __getattr__(self, verb: str) -> Any:
        return lambda *args, **kwargs: self._calls.call(
            f"{self._name}.{verb}", getattr(self._adapter, verb), *args, **kwargs
        )


def crashing_after(n: int, *, reply_lost: bool) -> OutsideCalls:
    """Calls of which the n-th (from 1) is the last: made with its reply lost, or
    not made at all."""
    return OutsideCalls(crash_at=n, reply_lost=reply_lost)
