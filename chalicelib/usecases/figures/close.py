"""Close the figures of days and weeks: write the rows of their sums, again where something was
contributed late.
"""

from contextlib import suppress
from datetime import date, datetime

from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.figures.closing import (
    SETTLED,
    ClosedFigures,
    Mark,
    before_first_job,
    closed_by,
    day_text,
    open_figures,
    week_text,
)
from chalicelib.domain.figures.contributions import REVENUE, TRIALS, FigureKey, trial_in
from chalicelib.usecases.figures.reports import revenue_days
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def close_figures(services: Services) -> int:
    """How many rows were written. A run that is interrupted is repeated by the next one. Raises
    Unavailable.
    """
    stores, now = services.stores, services.clock.now()
    known, wanted = stores.job_states.load(ClosedFigures), closed_by(now)
    closed = known or before_first_job(now)
    marks = {
        kind: [mark for mark in stores.figures.marks(kind) if mark.day <= wanted.of(kind)]
        for kind in (REVENUE, TRIALS)
    }
    rows = {
        REVENUE: _days(services, now, closed, wanted, marks[REVENUE]),
        TRIALS: _weeks(services, now, closed, wanted, marks[TRIALS]),
    }
    for kind, texts in rows.items():
        stores.figures.put_rows(kind, texts)
        for mark in marks[kind]:
            if mark.at < now - SETTLED:
                stores.figures.unmark(kind, mark)
    if known is None or (known.revenue, known.trials) < (wanted.revenue, wanted.trials):
        version = known.version if known else 0
        with suppress(ConcurrentUpdate):  # another run closes the same figures
            stores.job_states.save(
                replace(closed, version=version), replace(wanted, version=version + 1)
            )
    return sum(map(len, rows.values()))


def _days(
    services: Services,
    now: datetime,
    closed: ClosedFigures,
    wanted: ClosedFigures,
    marks: list[Mark],
) -> dict[date, str]:
    """The rows of the days from the first one that changes on: the MRR of all of them changes."""
    changed = [
        *open_figures(REVENUE, closed.revenue, wanted.revenue),
        *(mark.day for mark in marks),
    ]
    if not changed:
        return {}
    first = min(changed)
    days = revenue_days(services.stores, now, first, wanted.revenue)
    # A marked day on which nothing moves any more keeps a row, which says so.
    found = {day: "" for day in services.stores.figures.rows(REVENUE, first, wanted.revenue)}
    return found | {one.day: day_text(one) for one in days if first <= one.day}


def _weeks(
    services: Services,
    now: datetime,
    closed: ClosedFigures,
    wanted: ClosedFigures,
    marks: list[Mark],
) -> dict[date, str]:
    changed = {
        *open_figures(TRIALS, closed.trials, wanted.trials),
        *(mark.day for mark in marks),
    }
    found = dict[date, str]()
    for week in sorted(changed):
        texts = services.stores.figures.contributions(FigureKey(TRIALS, week))
        if texts:
            found[week] = week_text([trial_in(text) for text in texts], now)
    return found
