"""Reports of revenue, of trials, and of what became of customers. A page of them reads the rows of
its days, and what accounts contributed to the few days, or weeks, that are not summed up in a row:
never the accounts.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.figures.closing import (
    ClosedFigures,
    closed_figures,
    day_in,
    open_figures,
    tells_days,
    week_in,
)
from chalicelib.domain.figures.contributions import (
    REVENUE,
    TRIALS,
    FigureKey,
    moves_in,
    trial_in,
)
from chalicelib.domain.figures.counts import (
    ACTIVATED,
    CUSTOMERS,
    LEAVINGS,
    MESSAGES,
    Counts,
    ReasonCount,
    RetentionWeek,
    StepEffect,
    added,
    counts_in,
    effects_of,
    reasons_of,
    retention_of,
    with_milestones,
)
from chalicelib.domain.figures.movements import (
    CurrencyRevenue,
    DayTotals,
    revenue_rows,
    summed,
    totals,
)
from chalicelib.domain.figures.trials import TrialWeek, counted, weeks
from chalicelib.usecases.services import Services, Stores

LONGEST = 731
"""The most days of a report."""

DEFAULT = 30
"""The days of a report for which none are named."""


def closed_now(services: Services) -> ClosedFigures:
    """What is closed: one read, for as many of these reports as a page has. Raises Unavailable."""
    return _closed(services.stores, services.clock.now())


def revenue(services: Services, first: date, last: date) -> dict[str, CurrencyRevenue]:
    """Revenue by currency, with a row for each day from `first` to `last`, both included. Raises
    Unavailable.
    """
    now = services.clock.now()
    days = revenue_days(services.stores, now, first, last)
    before = [one for one in days if one.day < first]
    opening = before[-1].mrr if before else {}
    return revenue_rows(opening, [one for one in days if first <= one.day], first, last)


def revenue_days(stores: Stores, now: datetime, first: date, last: date) -> list[DayTotals]:
    """The totals of the days with movements up to `last`, the oldest first: all from `first` on,
    and those before it that lead to its opening MRR.
    """
    today = now.astimezone(UTC).date()
    closed = _closed(stores, now)
    marks = [mark.day for mark in stores.figures.marks(REVENUE)]
    begin = min([first, closed.revenue + timedelta(days=1), *marks])
    fresh = {*marks, *open_figures(REVENUE, closed.revenue, min(last, today))}
    opening, rows = stores.figures.rows_behind(REVENUE, begin, last)
    moves = {day: day_in(day, text).moves for day, text in rows.items()}
    for day in sorted(fresh):
        if begin <= day <= min(last, today):
            texts = stores.figures.contributions(FigureKey(REVENUE, day))
            moves[day] = summed(map(moves_in, texts))
    before = day_in(*opening) if opening else None
    found = totals(before.mrr if before else {}, {day: of for day, of in moves.items() if of})
    return [*([before] if before else []), *found]


def trials(
    services: Services, first: date, last: date, closed: ClosedFigures | None = None
) -> list[TrialWeek]:
    """The trials of each week from that of the day `first` to that of the day `last`, the oldest
    first, as they are now. `closed` is what `closed_now` found, if it was asked. Raises
    Unavailable.
    """
    now, stores = services.clock.now(), services.stores
    wanted = weeks(first, last)
    closed = closed or closed_now(services)
    marks = {mark.day for mark in stores.figures.marks(TRIALS)}
    rows = stores.figures.rows(TRIALS, wanted[0], wanted[-1])
    reached = _counts(services, ACTIVATED, wanted, closed)
    found = []
    for week in wanted:
        row = rows.get(week)
        if week > now.astimezone(UTC).date():
            one = TrialWeek(week)
        elif week > closed.trials or week in marks or (row and not tells_days(row)):
            texts = stores.figures.contributions(FigureKey(TRIALS, week))
            one = counted(week, map(trial_in, texts), now)
        else:
            one = week_in(week, row, now) if row else TrialWeek(week)
        found.append(with_milestones(one, reached[week]))
    return found


def retention(
    services: Services, first: date, last: date, closed: ClosedFigures | None = None
) -> list[RetentionWeek]:
    """How many of the customers of each week are still customers, for the weeks from that of the
    day `first` to that of the day `last`, the oldest first. `closed` as in `trials`. Raises
    Unavailable.
    """
    now = services.clock.now()
    found = _counts(services, CUSTOMERS, weeks(first, last), closed or closed_now(services))
    return [retention_of(week, counts, now) for week, counts in found.items()]


def reasons(
    services: Services, first: date, last: date, closed: ClosedFigures | None = None
) -> list[ReasonCount]:
    """Why customers left in the weeks from that of the day `first` to that of the day `last`, and
    why trials did not become customers. `closed` as in `trials`. Raises Unavailable.
    """
    found = _counts(services, LEAVINGS, weeks(first, last), closed or closed_now(services))
    return reasons_of(added(found.values()))


def message_effects(services: Services, first: date, last: date) -> list[StepEffect]:
    """The effect of each step with a holdout, by the accounts whose first message of it was sent or
    held out in the weeks from that of the day `first` to that of the day `last`. Raises
    Unavailable.
    """
    found = _counts(services, MESSAGES, weeks(first, last), closed_now(services))
    return effects_of(added(found.values()))


def _counts(
    services: Services, kind: str, wanted: Sequence[date], closed: ClosedFigures
) -> dict[date, Counts]:
    """The counts of each of the weeks."""
    figures, now = services.stores.figures, services.clock.now()
    marks = {mark.day for mark in figures.marks(kind)}
    rows = figures.rows(kind, wanted[0], wanted[-1])
    found = dict[date, Counts]()
    for week in wanted:
        if week > now.astimezone(UTC).date():
            found[week] = {}
        elif week > closed.of(kind) or week in marks:
            texts = figures.contributions(FigureKey(kind, week))
            found[week] = added(map(counts_in, texts))
        else:
            found[week] = counts_in(rows[week]) if week in rows else {}
    return found


def _closed(stores: Stores, now: datetime) -> ClosedFigures:
    return closed_figures(stores.job_states.load(ClosedFigures), now)
