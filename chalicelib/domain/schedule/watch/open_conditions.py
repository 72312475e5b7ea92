"""Which conditions are open, and which of them have to be reported to the operator."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from chalicelib.domain.schedule.watch.conditions import CONDITIONS
from chalicelib.values import frozen, replace

APART = timedelta(minutes=15)
"""Between two tellings. The alarm mails when it goes off, so it must be over before the next one:
its period is five minutes.
"""

SEEN_APART = timedelta(minutes=10)
"""A condition that was seen less than this ago, and will be reported, is not written again."""

KEPT = timedelta(days=7)
"""How long an occurrence stays in the list."""

BEHIND = timedelta(minutes=15)
"""How late due work, and deliveries of events, may be."""

NO_LOOK = timedelta(hours=3)
"""After how long without a look at the stage the sweep notices."""


@frozen
class OpenCondition:
    """One condition that was noticed: first, last, and when the operator was last told. `details`
    has ids and numbers only.
    """

    name: str
    since: datetime
    seen_at: datetime
    told_at: datetime | None = None
    details: str = ""

    @property
    def is_news(self) -> bool:
        """Whether it was seen after it was last told."""
        return self.told_at is None or self.seen_at > self.told_at


@frozen
class OpenConditions:
    """All that are open. `told_at` is when the operator was last told of any, `looked_at` when the
    stage was last looked at.
    """

    entries: tuple[OpenCondition, ...] = ()
    told_at: datetime | None = None
    looked_at: datetime | None = None
    version: int = 0

    def named(self, name: str) -> OpenCondition | None:
        """The entry of a condition, if it is open."""
        return next((one for one in self.entries if one.name == name), None)


def noticed(known: OpenConditions, found: Mapping[str, str], now: datetime) -> OpenConditions:
    """With the conditions that were found, name → details."""
    kept = {one.name: one for one in known.entries}
    for name, details in found.items():
        old = kept.get(name)
        if old is None:
            kept[name] = OpenCondition(name, now, now, details=details)
        elif not (old.is_news and now - old.seen_at < SEEN_APART and details in ("", old.details)):
            kept[name] = replace(old, seen_at=now, details=details or old.details)
    return replace(known, entries=tuple(kept[name] for name in sorted(kept)))


def over(known: OpenConditions, names: Collection[str]) -> OpenConditions:
    """What is open once these conditions are over."""
    left = tuple(one for one in known.entries if one.name not in names)
    return replace(known, entries=left)


def looked(known: OpenConditions, found: Mapping[str, str], now: datetime) -> OpenConditions:
    """After a look at the stage: of what a look notices, only what it found is open."""
    gone = {name for name, one in CONDITIONS.items() if one.noticed == "look"} - found.keys()
    return replace(noticed(over(known, gone), found, now), looked_at=now)


def swept(
    known: OpenConditions,
    oldest: timedelta,
    now: datetime,
    deliveries: timedelta = timedelta(0),
) -> OpenConditions:
    """After a sweep. `oldest` is for how long work has been due, `deliveries` the same of events to
    be delivered. Occurrences of a week ago go.
    """
    states = {
        "ClockworkBehind": oldest > BEHIND,
        "DeliveriesWaitLong": deliveries > BEHIND,
        "WatchStopped": known.looked_at is not None and now - known.looked_at > NO_LOOK,
    }
    old = {one.name for one in known.entries if now - one.seen_at > KEPT}
    gone = old | {name for name, holds in states.items() if not holds}
    seen = noticed(over(known, gone), {name: "" for name, holds in states.items() if holds}, now)
    # A new stage has not been looked at: its time counts from the first sweep.
    return replace(seen, looked_at=known.looked_at or now)


def to_tell(known: OpenConditions, now: datetime) -> tuple[OpenCondition, ...]:
    """What the operator has to be told of now: all of it at once, and nothing until the alarm about
    what was told before is over.
    """
    if known.told_at is not None and now - known.told_at < APART:
        return ()
    return tuple(one for one in known.entries if _is_to_tell(one, now))


def told(known: OpenConditions, names: Collection[str], now: datetime) -> OpenConditions:
    """After these were reported to the operator."""
    entries = (replace(one, told_at=now) if one.name in names else one for one in known.entries)
    return replace(known, entries=tuple(entries), told_at=now)


def _is_to_tell(one: OpenCondition, now: datetime) -> bool:
    row = CONDITIONS.get(one.name)
    if row is None:  # of a newer release, which was rolled back
        return False
    waited = one.told_at is None or now - one.told_at >= row.again
    return one.is_news and waited and one.seen_at - one.since >= row.lasts
