"""What the dashboard shows of revenue, trials and customers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from chalicelib.domain.figures.counts import ReasonCount, RetentionWeek
from chalicelib.domain.figures.movements import CurrencyRevenue
from chalicelib.domain.figures.records import MONTHS
from chalicelib.domain.figures.trials import SPANS, TrialWeek, median_days, spans
from chalicelib.domain.policy.reasons import END_REASONS
from chalicelib.localization.amounts import money
from chalicelib.pages.admin.charts import chart
from chalicelib.pages.admin.rendering import date_text


def revenue_view(found: Mapping[str, CurrencyRevenue]) -> list[dict[str, Any]]:
    """Each currency, the greatest first: its MRR, a chart, and its days, the newest first."""
    shown = []
    for currency, one in found.items():
        last = one.days[-1] if one.days else None
        mrr = last.mrr if last else 0
        bars = [
            (_short(day.date), day.mrr, f"{date_text(day.date)}: {money(day.mrr, currency)}")
            for day in one.days
        ]
        shown.append(
            {
                "currency": currency,
                "mrr": mrr,
                "annualised": one.annualised,
                "chart": chart(bars, partial(money, currency=currency)),
                "change": mrr - one.days[0].mrr if one.days else 0,
                "days": one.days[::-1],
            }
        )
    return sorted(shown, key=lambda row: int(str(row["mrr"])), reverse=True)


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
