"""Which of two states of one Stripe object is the newer, and when only Stripe can say."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from chalicelib.domain.stripe_objects.objects import Customer, Subscription, digest


@dataclass(frozen=True, slots=True)
class FromEvent:
    """News that came by an event. `created` is Stripe's second.

    `before` is the digest of the state that `previous_attributes` tells of; `born` says that
    nothing was before; `stale` that the news was more than a day old when it was heard.
    """

    created: datetime
    before: str | None = None
    born: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class FromFetch:
    """News that Stripe gave when asked. `began` is the second in which the request began, by our
    clock.

    `mark` is what was known of the object at that moment: while it still is, nothing newer than the
    answer has been heard, whatever the clocks.
    """

    began: datetime
    mark: str


ASKED_WINDOW = timedelta(seconds=10)
"""How far Stripe's clock and ours may differ: news this near to an answer may be from before or
after it.
"""


SETTLED_KEPT = 12


NOTHING = ""
"""Stands in a trail before the state in which an object was created."""


T = TypeVar("T", Customer, Subscription)


@dataclass(frozen=True, slots=True)
class Tracked(Generic[T]):
    """A customer or a subscription as last heard of.

    `seen` is the second of the newest news; `asked` says that it came as Stripe's answer to us.
    `trail` are the digests of the states within that second in their proven order, the present one
    last. `doubts` name the news that tied with it and wait for Stripe; `settled` the news that an
    answer is known to be newer than, so that their repeats raise no question again.
    """

    value: T
    seen: datetime
    asked: bool = False
    trail: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """A name for all that was heard until now: an answer is fenced by the mark that stood when
        its request began.
        """
        return f"{self.seen.timestamp():.0f} {' '.join(self.trail)}" + (
            f" or {' '.join(self.doubts)}" if self.doubts else ""
        )


def newest(stored: Tracked[T] | None, value: T, by: FromEvent | FromFetch) -> Tracked[T] | None:
    """What is known once `value` has been heard of too. Doubts are for Stripe to settle, and so is
    None: nothing to be believed yet.

    A join: whatever the order and number of the news, what is known in the end is the same.
    """
    if isinstance(by, FromFetch):
        return _answered(stored, value, by)
    if stored is None:
        return None if by.stale and not value.final else _told(value, by)
    return _told_too(stored, value, by) or _doubting(
        stored, _news(by.created, digest(value), by.before)
    )


def _doubting(stored: Tracked[T], news: str) -> Tracked[T]:
    return (
        stored
        if news in stored.settled or news in stored.doubts
        else replace(stored, doubts=(*stored.doubts, news))
    )


def _told_too(stored: Tracked[T], value: T, by: FromEvent) -> Tracked[T] | None:
    if value.final != stored.value.final:
        return _told(value, by) if value.final else stored
    if stored.asked:
        if abs(by.created - stored.seen) <= ASKED_WINDOW:
            return stored if value == stored.value else None
    elif by.created == stored.seen:
        return _same_second(stored, value, by)
    return _told(value, by) if by.created > stored.seen else stored


def _told(value: T, by: FromEvent) -> Tracked[T]:
    now = digest(value)
    before = NOTHING if by.born else by.before
    return Tracked(
        value, by.created, trail=(now,) if before is None or before == now else (before, now)
    )


def _answered(stored: Tracked[T] | None, value: T, by: FromFetch) -> Tracked[T] | None:
    answer = Tracked(value, by.began, asked=True, trail=(digest(value),))
    if stored is None:
        return answer
    if value.final != stored.value.final:
        return answer if value.final else replace(stored, doubts=())
    if by.mark == stored.mark:
        return replace(answer, seen=max(by.began, stored.seen), settled=_settled(stored))
    # Other news was learnt while Stripe answered. What is still in doubt stays so: the question was
    # not about that news.
    if value == stored.value or by.began < stored.seen - ASKED_WINDOW:
        return stored
    if stored.doubts or by.began <= stored.seen + ASKED_WINDOW:
        return (
            stored if stored.doubts else replace(stored, doubts=(_news(by.began, digest(value)),))
        )
    return answer


def _settled(stored: Tracked[T]) -> tuple[str, ...]:
    in_its_second: list[str] = []
    if not stored.asked:
        in_its_second = [
            _news(stored.seen, state, before)
            for before, state in zip((None, *stored.trail), stored.trail, strict=False)
        ]
    return (*stored.settled, *in_its_second, *stored.doubts)[-SETTLED_KEPT:]


def _news(at: datetime, state: str, before: str | None = None) -> str:
    """A name for one piece of news. By what it changed too: a state may come back within its
    second, and is then other news.
    """
    return f"{at.timestamp():.0f}:{before or ''}>{state}"


def _same_second(stored: Tracked[T], value: T, by: FromEvent) -> Tracked[T] | None:
    """Stripe's `created` is a whole second, so only `previous_attributes` can prove an order within
    it.

    The trail grows at both ends. A state that comes back within the second (on, off, on) leaves the
    order open: a tie.
    """
    now = digest(value)
    trail: tuple[str, ...] = stored.trail
    before = None if by.before == now else by.before
    if by.born:
        return stored
    if now == trail[0] and before is not None:
        return replace(stored, trail=(before, *trail)) if before not in trail else None
    if now in trail:
        known_before = trail[trail.index(now) - 1] if now != trail[0] else None
        return stored if before in (None, known_before) else None
    if before == trail[-1]:
        return replace(stored, value=value, trail=(*trail, now))
    if (
        trail[0] == NOTHING and len(trail) == 2
    ):  # only the creation is known of, and nothing is older
        return replace(stored, value=value, trail=(now,) if before is None else (before, now))
    return None
