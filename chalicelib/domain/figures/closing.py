"""Which figures are summed up in a row, and which are summed up when they are read.

Recent figures change often, so their contributions are summed up when somebody reads them. A job
closes the older ones: it writes the row of their sums. What comes later marks its figure, so that
it is summed up again: by readers at once, and by the job for good.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.account.parts.figures import TrialRecord
from chalicelib.domain.figures.contributions import REVENUE, TRIALS, FigureKey, trial_in
from chalicelib.domain.figures.counts import COUNTS, LEAVINGS, added, counts_in, counts_text
from chalicelib.domain.figures.movements import DayTotals
from chalicelib.domain.figures.trials import TrialWeek, counted
from chalicelib.values import frozen, replace

LATE = {
    REVENUE: timedelta(days=2),
    TRIALS: timedelta(weeks=6),
    **dict.fromkeys(COUNTS, timedelta(weeks=1)),
}
"""A contribution to a figure that began longer ago marks it."""

CLOSED = {
    REVENUE: timedelta(days=3),
    TRIALS: timedelta(weeks=7),
    **dict.fromkeys(COUNTS, timedelta(weeks=2)),
}
"""A figure that began longer ago is closed. The time in between is for writers that are slow."""


def is_late(key: FigureKey, now: datetime) -> bool:
    """Whether a contribution to this figure has to mark it."""
    return key.day < now.astimezone(UTC).date() - LATE[key.kind]


FIRST_JOB = timedelta(days=14)
"""The first job closes figures at the latest so long after the first contribution; it is hourly."""


@frozen
class ClosedFigures:
    """The last day, and the Monday of the last week of trials and of COUNTS, that are closed.
    `version` counts the writes of this state. `counts` is None if a release wrote it that had none
    of COUNTS, and whose rows of trials do not say how long conversions took.
    """

    revenue: date
    trials: date
    version: int = 0
    counts: date | None = None

    def of(self, kind: str) -> date:
        """The last closed figure of a kind."""
        if kind in COUNTS:
            return self.counts or date.min
        return self.revenue if kind == REVENUE else self.trials


def closed_by(now: datetime) -> ClosedFigures:
    """What is to be closed by now."""
    today = now.astimezone(UTC).date()
    monday = today - timedelta(days=today.weekday())
    return ClosedFigures(
        today - CLOSED[REVENUE] - timedelta(days=1),
        monday - CLOSED[TRIALS] - timedelta(weeks=1),
        counts=monday - CLOSED[LEAVINGS] - timedelta(weeks=1),
    )


def before_first_job(now: datetime) -> ClosedFigures:
    """What counts as closed as long as no job has closed anything: contributions to what is older
    have marks, unless they were written longer than FIRST_JOB ago.
    """
    return closed_by(now - FIRST_JOB)


def closed_figures(state: ClosedFigures | None, now: datetime) -> ClosedFigures:
    """What is closed by the state of the last job, if there was one."""
    first = before_first_job(now)
    if state is None or state.counts is not None:
        return state or first
    return replace(state, counts=first.counts)


def open_figures(kind: str, closed: date, last: date) -> list[date]:
    """The days, or Mondays, behind `closed` up to `last`."""
    step = timedelta(days=1 if kind == REVENUE else 7)
    return [closed + step * number for number in range(1, (last - closed) // step + 1)]


@frozen
class Mark:
    """Something was contributed to a closed figure, and a mark was left at that time."""

    day: date
    at: datetime


SETTLED = timedelta(minutes=5)
"""A mark is left before the contribution is written. It goes once it is older than the longest run
of a writer, so that the contribution is in the sums.
"""


def day_text(totals: DayTotals) -> str:
    """The row of a day."""
    return json.dumps({"moves": totals.moves, "mrr": totals.mrr}, separators=(",", ":"))


def day_in(day: date, text: str) -> DayTotals:
    """The totals in the row of a day."""
    found = json.loads(text)
    return DayTotals(day, found["moves"], found["mrr"])


def week_text(trials: Sequence[TrialRecord], now: datetime) -> str:
    """The row of a week: how many trials started and converted, and when the running ones end."""
    week = counted(date.min, trials, now)
    ends = sorted(one.ends_at for one in trials if not one.converted_at and now < one.ends_at)
    numbers = {"started": week.started, "converted": week.converted, "days": dict(week.days)}
    return json.dumps({**numbers, "ends": [end.isoformat() for end in ends]})


def row_text(kind: str, texts: Sequence[str], now: datetime) -> str:
    """The row of a week, by the texts of what is contributed to it."""
    if kind == TRIALS:
        return week_text([trial_in(text) for text in texts], now)
    return counts_text(added(map(counts_in, texts)))


def tells_days(text: str) -> bool:
    """Whether the row of a week of trials says how long conversions took."""
    return "days" in json.loads(text)


def week_in(week: date, text: str, now: datetime) -> TrialWeek:
    """The trials of a week by its row, as they are now."""
    found = json.loads(text)
    started, converted = found["started"], found["converted"]
    running = sum(now < datetime.fromisoformat(end) for end in found["ends"])
    days = {int(number): many for number, many in found.get("days", {}).items()}
    return TrialWeek(week, started, converted, started - converted - running, running, days=days)
