"""Decides which of two states of a Stripe object is newer, and when only Stripe can say.

Stripe delivers events out of order and more than once, and dates them in whole seconds. Within one
second only `previous_attributes` can prove an order. What stays undecided is kept as a doubt until
the object has been fetched.
"""

from datetime import datetime, timedelta
from typing import Generic, TypeVar

from chalicelib.domain.bounds import most
from chalicelib.domain.stripe_objects.objects import Customer, Subscription, digest
from chalicelib.values import frozen, replace


@frozen
class FromEvent:
    """The source of a state that came with an event. `created` is the event's, in whole seconds.

    `before` is the digest of the state before the event, by its `previous_attributes`; None if it
    has none. `is_creation` says that the event created the object; `stale` that the event was more
    than a day old when it was received.
    """

    created: datetime
    before: str | None = None
    is_creation: bool = False
    stale: bool = False


@frozen
class FromFetch:
    """The source of a state that was fetched. `requested_at` is when the request began, in whole
    seconds by Billhook's clock.

    `mark` is the object's mark at that time. If it is unchanged when the response is applied, no
    event has come in between, and the response is the newest state whatever the clocks say.
    """

    requested_at: datetime
    mark: str


ASKED_WINDOW = timedelta(seconds=10)
"""How far Stripe's clock and Billhook's may differ: an event this close to a fetch may be from
before or after it.
"""


NOTHING = ""
"""Stands in a trail for the time before the object was created."""


T = TypeVar("T", Customer, Subscription)


@frozen
class Tracked(Generic[T]):
    """The newest known state of a customer or a subscription.

    `seen` is the second of the newest report of it; `asked` says that this report was a fetch.
    `trail` has the digests of the states within that second in their proven order, the present one
    last. `doubts` names the reports that tied with it and wait for a fetch; `settled` the reports
    that are known to be older than the last fetch, so that a repeat of one causes no new fetch.
    """

    value: T
    seen: datetime
    asked: bool = False
    trail: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Identifies all that has been reported of the object so far. A fetch keeps the mark of
        the time at which it began (see FromFetch).
        """
        return f"{self.seen.timestamp():.0f} {' '.join(self.trail)}" + (
            f" or {' '.join(self.doubts)}" if self.doubts else ""
        )


def newest(stored: Tracked[T] | None, value: T, source: FromEvent | FromFetch) -> Tracked[T] | None:
    """The newest state after `value` was reported. With doubts, or if the result is None (nothing
    is certain yet), the object has to be fetched.

    Neither the order nor the number of reports changes the final result.
    """
    if isinstance(source, FromFetch):
        return _after_fetch(stored, value, source)
    if stored is None:
        return None if source.stale and not value.final else _by_event(value, source)
    report = _report_name(source.created, digest(value), source.before)
    return _after_event(stored, value, source) or _with_doubt(stored, report)


def _with_doubt(stored: Tracked[T], report: str) -> Tracked[T]:
    if report in stored.settled or report in stored.doubts:
        return stored
    return replace(stored, doubts=(*stored.doubts, report)[-most("reports") :])


def _after_event(stored: Tracked[T], value: T, source: FromEvent) -> Tracked[T] | None:
    """The newest state; None for a tie."""
    if value.final != stored.value.final:
        return _by_event(value, source) if value.final else stored
    if stored.asked:
        if abs(source.created - stored.seen) <= ASKED_WINDOW:
            return stored if value == stored.value else None
    elif source.created == stored.seen:
        return _same_second(stored, value, source)
    return _by_event(value, source) if source.created > stored.seen else stored


def _by_event(value: T, source: FromEvent) -> Tracked[T]:
    current = digest(value)
    before = NOTHING if source.is_creation else source.before
    trail = (current,) if before is None or before == current else (before, current)
    return Tracked(value, source.created, trail=trail)


def _after_fetch(stored: Tracked[T] | None, value: T, source: FromFetch) -> Tracked[T] | None:
    fetched = Tracked(value, source.requested_at, asked=True, trail=(digest(value),))
    if stored is None:
        return fetched
    if value.final != stored.value.final:
        return fetched if value.final else replace(stored, doubts=())
    if source.mark == stored.mark:
        seen = max(source.requested_at, stored.seen)
        return replace(fetched, seen=seen, settled=_settled(stored))
    # An event was applied while the request ran. Doubts stay: the fetch may be older than them.
    if value == stored.value or source.requested_at < stored.seen - ASKED_WINDOW:
        return stored
    if stored.doubts or source.requested_at <= stored.seen + ASKED_WINDOW:
        doubt = _report_name(source.requested_at, digest(value))
        return stored if stored.doubts else replace(stored, doubts=(doubt,))
    return fetched


def _settled(stored: Tracked[T]) -> tuple[str, ...]:
    """The last reports that are older than a fetch which began at this mark."""
    in_its_second: list[str] = []
    if not stored.asked:
        in_its_second = [
            _report_name(stored.seen, state, before)
            for before, state in zip((None, *stored.trail), stored.trail, strict=False)
        ]
    return (*stored.settled, *in_its_second, *stored.doubts)[-most("reports") :]


def _report_name(at: datetime, state: str, before: str | None = None) -> str:
    """Identifies a report by its second, its state and the state before it: a state may return
    within a second, and that is another report.
    """
    return f"{at.timestamp():.0f}:{before or ''}>{state}"


def _same_second(stored: Tracked[T], value: T, source: FromEvent) -> Tracked[T] | None:
    """The newest state if `previous_attributes` prove an order within the second; None for a tie.

    The trail grows at both ends. A state that returns within the second (on, off, on) leaves the
    order open: a tie.
    """
    current = digest(value)
    trail: tuple[str, ...] = stored.trail
    before = None if source.before == current else source.before
    if source.is_creation:
        return stored
    if current == trail[0] and before is not None:
        return replace(stored, trail=(before, *trail)) if before not in trail else None
    if current in trail:
        known_before = trail[trail.index(current) - 1] if current != trail[0] else None
        return stored if before in (None, known_before) else None
    if before == trail[-1]:
        return replace(stored, value=value, trail=(*trail, current)[-most("reports") :])
    if trail[0] == NOTHING and len(trail) == 2:
        # Only the creation is known, and nothing is older than that.
        return replace(
            stored, value=value, trail=(current,) if before is None else (before, current)
        )
    return None
