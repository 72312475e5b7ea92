"""Customers and leavings, counted the long way: from what Stripe held at the end of each day."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.fakes.figures.invented_customers import InventedCustomers
from tests.fakes.figures.revenue import day_of


def customers_by_week(
    people: InventedCustomers, months: tuple[int, ...]
) -> dict[date, dict[int, int]]:
    """Of each week, by its Monday: its new customers (0), and how many were left so many months
    after their first day, as far as the days go.
    """
    found: dict[date, Counter[int]] = {}
    last = max(people.closings)
    for account in people.customers:
        paying = [day for day, of in sorted(people.closings.items()) if of.get(account)]
        if not paying:
            continue
        counts = found.setdefault(monday(paying[0]), Counter())
        counts[0] += 1
        for number in months:
            then = same_day(paying[0], number)
            if then <= last and people.closings[then].get(account):
                counts[number] += 1
    return {week: dict(counts) for week, counts in found.items()}


def customers_who_left(people: InventedCustomers) -> dict[str, int]:
    """How many customers left for each reason that Stripe holds."""
    found = Counter[str]()
    for account in people.customers:
        paying = [day for day, of in sorted(people.closings.items()) if of.get(account)]
        for one in _last_ones(people, account):
            if paying and paying[0] <= day_of(one["ended_at"]):
                found[_reason(one)] += 1
    return dict(found)


def _last_ones(people: InventedCustomers, account: str) -> Iterator[Any]:
    held = [
        people.stage.engine.store.find("subscription", id) for id in people.subscriptions[account]
    ]
    ran = [one for one in held if one["status"] not in ("incomplete", "incomplete_expired")]
    for one in ran:
        if one["status"] == "canceled" and not any(
            (one["ended_at"], one["id"]) < (other["ended_at"] or 1 << 40, other["id"])
            for other in ran
            if other is not one and other["created"] <= one["ended_at"]
        ):
            yield one


def _reason(one: Any) -> str:
    details = one["cancellation_details"] or {}
    return details.get("feedback") or details.get("reason") or "cancellation_requested"


def monday(day: date) -> date:
    """The Monday of the week of a day."""
    return day - timedelta(days=day.isoweekday() - 1)


def same_day(day: date, months: int) -> date:
    """The same day so many months later: there is none, and it is the month's last."""
    found = datetime(day.year, day.month, 1, tzinfo=UTC)
    for _ in range(months):
        found = (found + timedelta(days=31)).replace(day=1)
    after = (found + timedelta(days=31)).replace(day=1)
    return min(found + timedelta(days=day.day - 1), after - timedelta(days=1)).date()
