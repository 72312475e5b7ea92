"""What the dashboard shows of revenue and trials."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from chalicelib.domain.figures.movements import CurrencyRevenue
from chalicelib.domain.figures.trials import TrialWeek
from chalicelib.localization.amounts import money
from chalicelib.pages.admin.charts import chart


def revenue_view(found: Mapping[str, CurrencyRevenue]) -> list[dict[str, Any]]:
    """Each currency, the greatest first: its MRR, a chart, and its days, the newest first."""
    shown = []
    for currency, one in found.items():
        last = one.days[-1] if one.days else None
        mrr = last.mrr if last else 0
        bars = [
            (_short(day.date), day.mrr, f"{day.date}: {money(day.mrr, currency)}")
            for day in one.days
        ]
        shown.append(
            {
                "currency": currency,
                "mrr": mrr,
                "annualised": one.annualised,
                "chart": chart(bars),
                "change": mrr - one.days[0].mrr if one.days else 0,
                "days": one.days[::-1],
            }
        )
    return sorted(shown, key=lambda row: int(str(row["mrr"])), reverse=True)


def trials_view(found: Sequence[TrialWeek]) -> dict[str, Any]:
    """The weeks, the newest first, a chart of those that converted, and the sums."""
    started = sum(week.started for week in found)
    converted = sum(week.converted for week in found)
    bars = [
        (
            _short(week.week),
            week.started,
            f"Week of {week.week}: {week.started} started, {week.converted} converted",
        )
        for week in found
    ]
    return {
        "weeks": found[::-1],
        "chart": chart(bars),
        "started": started,
        "converted": converted,
        "share": round(100 * converted / started) if started else None,
    }


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
