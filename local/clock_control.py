"""Moves the clock forward: stops at each due moment on the way, runs the sweep, and goes on once
the system is idle.
"""

import logging
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from chalicelib.runtime.clock import clock
from local.aws.progress import Progress
from local.aws.queue_drain import Rest
from local.aws.schedules import ScheduleTrigger

log = logging.getLogger("billhook.local")

LOOK_AFTER = timedelta(days=2)
"""How long after something has happened the clock stops for the hourly schedules: by then the
comparison with Stripe and the team's digest have come. Nothing happens until the next change, so
they find nothing until then either, and a stop in each hour would make a year take minutes. The
schedules also run at any other stop when they are due.
"""

A_WEEK = timedelta(days=7)
"""How often it stops for them where nobody knows what happens at Stripe."""

ROUNDS = 6
"""How often an item may be due at the same second before the clock passes it."""


class Timed(Protocol):
    """Another system that follows the clock: the simulated Stripe."""

    def next_due(self) -> datetime | None:
        """The next moment at which something happens there by itself, if there is one."""

    def catch_up(self) -> None:
        """Do all that is due by now."""

    def changes(self) -> Hashable:
        """The same as before while nothing has happened there."""


class ClockControl:
    """Moves the clock, one move at a time.

    `stuck` lists the items that the last move passed, because processing them did not move their
    `due_at`. With a `stride` the clock stops only at its multiples, and what falls due within one
    happens at its end. That is for many customers: stopping at each due moment would take too long.

    `watch` is the hourly look at the stage. The sweep reports a stage that nobody has looked at for
    three hours, so the look comes first.

    `changes` is the same as before while no account has changed; None where that is not known.
    """

    def __init__(
        self,
        rest: Rest,
        sweep: ScheduleTrigger,
        progress: Progress,
        other: Timed | None = None,
        watch: ScheduleTrigger | None = None,
        schedules: Sequence[ScheduleTrigger] = (),
        changes: Callable[[], Hashable | None] = lambda: None,
    ) -> None:
        self.stride: timedelta | None = None
        self._rest, self._progress, self._other = rest, progress, other
        self._sweep, self._watch, self._schedules = sweep, watch, schedules
        self._changes = changes
        self._looked_over: Hashable | None = None
        self._stopped_at = clock.now()
        self._moving = threading.Lock()
        self.stuck: list[dict[str, str]] = []
        self._moves = [(datetime.min.replace(tzinfo=UTC), _ahead())]

    def by_own_clock(self, machine: datetime) -> datetime:
        """What the clock said when the machine's said this. It is ahead by what it was then."""
        place = bisect_right(self._moves, machine, key=lambda move: move[0])
        return machine + self._moves[place - 1][1]

    def settle(self) -> None:
        """Wait until the system is idle and nothing is due. Runs the sweep at once instead of at
        the next minute. Raises NotSettled and Stopped.
        """
        with self._moving:
            self._catch_up(Counter())

    def move_to(self, target: datetime) -> None:
        """Move the clock to `target`, process everything that falls due on the way, and wait until
        the system is idle. Raises NotSettled and Stopped.
        """
        with self._moving:
            met: Counter[tuple[str, str]] = Counter()
            self._rest.wait()
            while self._go_on(target, met):
                pass
            self._stop_at(target)
            self._catch_up(met)

    def _catch_up(self, met: Counter[tuple[str, str]]) -> None:
        self._rest.wait()
        while due := self._first(clock.now(), met):
            self._stop_at(due)
        self.stuck = [
            {"id": key.partition("#")[2], "due_at": due_at}
            for due_at, key in self._rest.due()
            if met[due_at[:19], key] >= ROUNDS
        ]

    def _go_on(self, target: datetime, met: Counter[tuple[str, str]]) -> bool:
        """Go to the next moment before `target` at which there is something to do,
        if there is one."""
        latest = min(self._next_look() or target, target)
        if due := self._first(latest, met):
            self._stop_at(min(stride_end(due, self.stride), target) if self.stride else due)
        elif latest < target:
            self._set_clock(latest)
            # What they set off themselves is for the next look.
            self._looked_over = self._state()
            self._run_schedules()
        return due is not None or latest < target

    def _next_look(self) -> datetime | None:
        """When the clock stops for the schedules, if they may find something."""
        if not self._schedules:
            return None
        state = self._state()
        if state is None:
            return self._stopped_at + A_WEEK
        return self._stopped_at + LOOK_AFTER if state != self._looked_over else None

    def _state(self) -> Hashable | None:
        """What the schedules look at: the same as before if they would find nothing new."""
        changes = self._changes()
        return (changes, self._other.changes()) if self._other and changes is not None else None

    def _first(self, until: datetime, met: Counter[tuple[str, str]]) -> datetime | None:
        """The first due moment up to `until`, without items that were met too often. Counts all
        items of that moment as met.
        """
        waiting = [
            (due_at, key) for due_at, key in self._rest.due() if met[due_at[:19], key] < ROUNDS
        ]
        elsewhere = self._other.next_due() if self._other else None
        if (
            elsewhere
            and elsewhere <= until
            and (not waiting or elsewhere < datetime.fromisoformat(waiting[0][0]))
        ):
            return elsewhere
        if not waiting or datetime.fromisoformat(waiting[0][0]) > until:
            return None
        first = waiting[0][0]
        met.update((due_at[:19], key) for due_at, key in waiting if due_at == first)
        return datetime.fromisoformat(first)

    def _stop_at(self, moment: datetime) -> None:
        self._set_clock(moment)
        self._progress.forget_waiting()
        if self._other:
            self._other.catch_up()
            # Stripe's events arrive before the sweep looks for due accounts.
            self._rest.wait_for_own_work()
        if self._is_due(clock.now()):
            self._run(self._sweep)
            self._rest.wait_for_own_work()
        self._run_schedules()

    def _set_clock(self, moment: datetime) -> None:
        at = datetime.now(UTC)
        clock.move_to(moment)
        self._moves.append((at, _ahead()))
        if self._watch and self._watch.is_due(clock.now()):
            self._run(self._watch)

    def _is_due(self, now: datetime) -> bool:
        """Whether the sweep would find anything: one look at all shards, instead of one at each."""
        first = self._rest.next_due()
        return first is not None and datetime.fromisoformat(first) <= now

    def _run_schedules(self) -> None:
        self._stopped_at = clock.now()
        due = [schedule for schedule in self._schedules if schedule.is_due(self._stopped_at)]
        for schedule in due:
            self._run(schedule)
        if due:
            self._rest.wait_for_own_work()

    def _run(self, schedule: ScheduleTrigger) -> None:
        try:
            schedule.run()
        except Exception:  # as on AWS, where the next run follows anyway
            log.exception("a schedule failed")


def _ahead() -> timedelta:
    return clock.now() - datetime.now(UTC)


def stride_end(moment: datetime, stride: timedelta) -> datetime:
    """The end of the stride that contains a moment. Strides count from midnight UTC on 1 January
    2000.
    """
    return moment + (datetime(2000, 1, 1, tzinfo=UTC) - moment) % stride
