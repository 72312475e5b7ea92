"""Faults on purpose: outside calls counted, and a use case ended after any one of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from chalicelib.usecases.ports.stripe import Stripe
from chalicelib.usecases.services import Services

Whole = TypeVar("Whole")


QUEUES = {
    "events": "events_queue",
    "act": "act_queue",
    "mail": "mail_queue",
    "deliveries": "deliveries_queue",
}
"""Names of queues in a list of calls, where the field alone would not say that it is a queue."""


class Crash(BaseException):
    """The end of the process, as far as the code under test is concerned: nothing may catch it."""


@dataclass
class OutsideCalls:
    """Every call that leaves the use case, by name, in order."""

    made: list[str] = field(default_factory=list)
    crash_at: int | None = None
    reply_lost: bool = True

    def watch(self, services: Services, *only: str) -> Services:
        """The same services, with every store, queue and resource of Stripe's API watched, or with
        only those that are named; `stripe` is all of Stripe's API.

        The responses are not: they are kept after the work is done, and a repeat is tested apart.
        """
        stores = only or [one.name for one in fields(services.stores) if one.name != "responses"]
        watched = {
            one.name: _Watched(
                QUEUES.get(one.name, one.name), getattr(services.queues, one.name), self
            )
            for one in fields(services.queues)
            if not only or QUEUES.get(one.name, one.name) in only
        }
        return replace(
            services,
            stores=self.watch_parts(
                services.stores, *(name for name in stores if hasattr(services.stores, name))
            ),
            queues=replace(services.queues, **watched),
            stripe=services.stripe
            if only and "stripe" not in only
            else self._watched_stripe(services.stripe),
        )

    def watch_parts(self, whole: Whole, *names: str) -> Whole:
        """The same, with these adapters of it watched."""
        watched = {name: _Watched(name, getattr(whole, name), self) for name in names}
        return replace(whole, **watched)  # type: ignore[type-var]

    def _watched_stripe(self, stripe: Stripe) -> Stripe:
        parts = [part.name for part in fields(stripe)]
        return replace(
            stripe,
            **{part: _Watched(f"stripe.{part}", getattr(stripe, part), self) for part in parts},
        )

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self.made.append(name)
        if self.crash_at is None or len(self.made) != self.crash_at:
            return function(*args, **kwargs)
        if self.reply_lost:
            function(*args, **kwargs)
        raise Crash(f"after call {self.crash_at}, {name}")


COMPUTED = frozenset({"mark", "remembered"})
"""Verbs of adapters that call nothing outside, or once in some seconds only."""


class _Watched:
    def __init__(self, name: str, adapter: Any, calls: OutsideCalls) -> None:
        self._name, self._adapter, self._calls = name, adapter, calls

    def __getattr__(self, verb: str) -> Any:
        if verb in COMPUTED:
            return getattr(self._adapter, verb)
        return lambda *args, **kwargs: self._calls.call(
            f"{self._name}.{verb}", getattr(self._adapter, verb), *args, **kwargs
        )


def crashing_after(n: int, *, reply_lost: bool) -> OutsideCalls:
    """Calls of which the n-th (from 1) is the last: made with its reply lost, or
    not made at all."""
    return OutsideCalls(crash_at=n, reply_lost=reply_lost)
