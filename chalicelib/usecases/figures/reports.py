"""Reports of revenue and trials. A page of them reads the rows of its days, and what accounts
contributed to the few days, or weeks, that are not summed up in a row: never the accounts.
"""

from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.figures.closing import (
    ClosedFigures,
    before_first_job,
    day_in,
    open_figures,
    week_in,
)
from chalicelib.domain.figures.contributions import (
    REVENUE,
    TRIALS,
    FigureKey,
    moves_in,
    trial_in,
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
    opening = stores.figures.last_row(REVENUE, begin)
    fresh = {*marks, *open_figures(REVENUE, closed.revenue, min(last, today))}
    rows = stores.figures.rows(REVENUE, begin, last)
    moves = {day: day_in(day, text).moves for day, text in rows.items()}
    for day in sorted(fresh):
        if begin <= day <= min(last, today):
            texts = stores.figures.contributions(FigureKey(REVENUE, day))
            moves[day] = summed(map(moves_in, texts))
    before = day_in(*opening) if opening else None
    found = totals(before.mrr if before else {}, {day: of for day, of in moves.items() if of})
    return [*([before] if before else []), *found]


def trials(services: Services, first: date, last: date) -> list[TrialWeek]:
    """The trials of each week from that of the day `first` to that of the day `last`, the oldest
    first, as they are now. Raises Unavailable.
    """
    now, stores = services.clock.now(), services.stores
    wanted = weeks(first, last)
    closed = _closed(stores, now)
    marks = {mark.day for mark in stores.figures.marks(TRIALS)}
    rows = stores.figures.rows(TRIALS, wanted[0], wanted[-1])
    found = []
    for week in wanted:
        if week > now.astimezone(UTC).date():
            found.append(TrialWeek(week))
        elif week > closed.trials or week in marks:
            texts = stores.figures.contributions(FigureKey(TRIALS, week))
            found.append(counted(week, map(trial_in, texts), now))
        else:
            found.append(week_in(week, rows[week], now) if week in rows else TrialWeek(week))
    return found


def _closed(stores: Stores, now: datetime) -> ClosedFigures:
    return stores.job_states.load(ClosedFigures) or before_first_job(now)
