"""What the dashboard shows of revenue, trials and customers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from chalicelib.domain.figures.counts import ReasonCount, RetentionWeek
from chalicelib.domain.figures.movements import CurrencyRevenue, RevenueDay
from chalicelib.domain.figures.records import MONTHS
from chalicelib.domain.figures.trials import SPANS, TrialWeek, median_days, spans
from chalicelib.domain.policy.reasons import END_REASONS
from chalicelib.localization.amounts import money
from chalicelib.pages.admin.charts import chart
from chalicelib.pages.admin.rendering import date_text

BY_DAY = 100
"""The most days that are shown one by one: of more, each week is shown. 731 days of a currency are
a page of 230 KB.
"""


def revenue_view(found: Mapping[str, CurrencyRevenue]) -> list[dict[str, Any]]:
    """Each currency, the greatest first: its MRR, a chart, and its days, or weeks if there are more
    than BY_DAY days, the newest first.
    """
    shown = []
    for currency, one in found.items():
        last = one.days[-1] if one.days else None
        mrr = last.mrr if last else 0
        by_day = len(one.days) <= BY_DAY
        rows = one.days if by_day else _weekly(one.days)
        bars = [
            (
                _short(row.date),
                row.mrr,
                f"{'' if by_day else 'Week to '}{date_text(row.date)}: {money(row.mrr, currency)}",
            )
            for row in rows
        ]
        shown.append(
            {
                "currency": currency,
                "mrr": mrr,
                "annualised": one.annualised,
                "chart": chart(bars, partial(money, currency=currency)),
                "change": mrr - one.days[0].mrr if one.days else 0,
                "by_day": by_day,
                "rows": rows[::-1],
            }
        )
    return sorted(shown, key=lambda row: int(str(row["mrr"])), reverse=True)


def _weekly(days: Sequence[RevenueDay]) -> list[RevenueDay]:
    """What moved in each week, and the MRR at its end: each is named by its last day of `days`,
    a Sunday for all but the last week.
    """
    of_weeks = groupby(days, lambda day: day.date - timedelta(days=day.date.weekday()))
    return [_summed(list(week)) for _, week in of_weeks]


def _summed(days: Sequence[RevenueDay]) -> RevenueDay:
    return RevenueDay(
        days[-1].date,
        days[-1].mrr,
        new=sum(day.new for day in days),
        reactivation=sum(day.reactivation for day in days),
        expansion=sum(day.expansion for day in days),
        contraction=sum(day.contraction for day in days),
        churn=sum(day.churn for day in days),
    )


def trials_view(found: Sequence[TrialWeek]) -> dict[str, Any]:
    """The weeks, the newest first, a chart of those that started, the sums, and how long it took
    until they converted.
    """
    started = sum(week.started for week in found)
    converted = sum(week.converted for week in found)
    bars = [
        (
            _short(week.week),
            week.started,
            f"Week of {date_text(week.week)}: {week.started} started, {week.converted} converted",
        )
        for week in found
    ]
    days, milestones = Counter[int](), Counter[str]()
    for week in found:
        days.update(week.days)
        milestones.update(week.milestones)
    return {
        "weeks": found[::-1],
        "chart": chart(bars, lambda most: f"{most} trial{'' if most == 1 else 's'}"),
        "started": started,
        "converted": converted,
        "share": round(100 * converted / started) if started else None,
        "median": median_days(days),
        "spans": [
            (_span(span), number, round(100 * number / converted))
            for span, number in spans(days).items()
            if converted
        ],
        "milestones": [
            (name, number, round(100 * number / started))
            for name, number in milestones.most_common()
            if started
        ],
    }


def retention_view(found: Sequence[RetentionWeek]) -> dict[str, Any]:
    """The weeks with customers, the newest first: of each how many are left, and their share."""
    return {
        "months": MONTHS,
        "cohorts": [
            {
                "week": one.week,
                "customers": one.customers,
                "kept": [
                    (number, round(100 * number / one.customers)) if number is not None else None
                    for number in one.kept.values()
                ],
            }
            for one in reversed(found)
            if one.customers
        ],
    }


def reasons_view(found: Sequence[ReasonCount]) -> list[tuple[str, ReasonCount]]:
    """Each reason in words, with its numbers."""
    return [(END_REASONS[one.reason], one) for one in found]


def _span(days: int | None) -> str:
    if days is None:
        return f"more than {SPANS[-1]} days"
    place = SPANS.index(days)
    begin = SPANS[place - 1] + 1 if place else 0
    return f"{begin} to {days} days"


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
