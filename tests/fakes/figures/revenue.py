"""Revenue, counted the long way: from what Stripe holds at the end of each day."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from chalicelib.domain.figures.movements import CurrencyRevenue

Object = Mapping[str, Any]

MONTHS: Mapping[str, Fraction | int] = {
    "month": 1,
    "year": 12,
    "week": Fraction(12, 52),
    "day": Fraction(12, 365),
}


def held_by(events: Sequence[Object], moment: datetime) -> dict[str, Object]:
    """The subscriptions as Stripe holds them just before a moment, by events in true order."""
    found = {}
    for event in events:
        one = event["data"]["object"]
        if one["object"] == "subscription" and event["created"] < moment.timestamp():
            found[one["id"]] = one
    return found


def mrr_of(
    subscriptions: Mapping[str, Object], off: Mapping[str, Fraction] | None = None
) -> dict[str, int]:
    """MRR by currency of one account's subscriptions. `off` is what each discount takes off, as a
    part of 1.
    """
    sums: dict[str, Fraction] = {}
    for one in subscriptions.values():
        if one["status"] not in ("active", "past_due") or one["pause_collection"]:
            continue
        left = Fraction(1)
        for id in one["discounts"]:
            left *= 1 - (off or {}).get(id, Fraction(0))
        for line in one["items"]["data"]:
            price = line["price"]
            months = MONTHS[price["recurring"]["interval"]] * price["recurring"]["interval_count"]
            amount = Fraction(price["unit_amount"]) * line["quantity"] / months * left
            sums[price["currency"]] = sums.get(price["currency"], Fraction(0)) + amount
    return {currency: round(value) for currency, value in sums.items() if round(value)}


def day_of(second: float) -> date:
    """The day of a Unix second, in UTC."""
    return datetime.fromtimestamp(second, UTC).date()


def end_of(day: date) -> datetime:
    """The end of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def assert_adds_up(report: Mapping[str, CurrencyRevenue]) -> None:
    """Each day: that of the day before and the movements make its own."""
    for found in report.values():
        for before, one in zip(found.days, found.days[1:], strict=False):
            up, down = one.new + one.reactivation + one.expansion, one.contraction + one.churn
            assert before.mrr + up - down == one.mrr, one
            amounts = (one.mrr, one.new, one.reactivation, one.expansion, one.contraction)
            assert min(*amounts, one.churn) >= 0
        assert found.annualised == 12 * found.days[-1].mrr
