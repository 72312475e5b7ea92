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
    closed_by,
    closed_figures,
    day_text,
    open_figures,
    row_text,
)
from chalicelib.domain.figures.contributions import KINDS, REVENUE, TRIALS, WEEKLY, FigureKey
from chalicelib.usecases.figures.reports import revenue_days
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def close_figures(services: Services) -> int:
    """How many rows were written. A run that is interrupted is repeated by the next one. Raises
    Unavailable.
    """
    stores, now = services.stores, services.clock.now()
    known, wanted = stores.job_states.load(ClosedFigures), closed_by(now)
    closed = closed_figures(known, now)
    marks = {
        kind: [mark for mark in stores.figures.marks(kind) if mark.day <= wanted.of(kind)]
        for kind in KINDS
    }
    of_before = known is not None and known.counts is None
    rows = {
        REVENUE: _days(services, now, closed, wanted, marks[REVENUE]),
        **{
            kind: _weeks(kind, services, now, closed, wanted, marks[kind], of_before)
            for kind in WEEKLY
        },
    }
    for kind, texts in rows.items():
        stores.figures.put_rows(kind, texts)
        for mark in marks[kind]:
            if mark.at < now - SETTLED:
                stores.figures.unmark(kind, mark)
    if known is None or any(known.of(kind) < wanted.of(kind) for kind in KINDS):
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
    kind: str,
    services: Services,
    now: datetime,
    closed: ClosedFigures,
    wanted: ClosedFigures,
    marks: list[Mark],
    of_before: bool,
) -> dict[date, str]:
    """The rows of the weeks that change, and with `of_before` of those of trials that a release
    before wrote otherwise.
    """
    figures = services.stores.figures
    changed = {
        *open_figures(kind, closed.of(kind), wanted.of(kind)),
        *(mark.day for mark in marks),
    }
    if of_before and kind == TRIALS:
        changed |= figures.rows(kind, date(1970, 1, 1), closed.trials).keys()
    texts = {week: figures.contributions(FigureKey(kind, week)) for week in sorted(changed)}
    # A week that all have left since, as of customers who began earlier, loses its row.
    marked = {mark.day for mark in marks}
    return {
        week: row_text(kind, of, now) if of else ""
        for week, of in texts.items()
        if of or week in marked
    }
