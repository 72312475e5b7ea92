"""A year of invented customers: `python -m bench.figures --customers 2000 --days 365`.

Their events come late, twice and in another order, day by day, and the hourly job runs each day. At
the end the reports are compared with what Stripe held at the end of each day, and what is stored
with a recount. The exit status is 1 if anything is wrong.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from chalicelib.domain.figures.records import MONTHS
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.reports import reasons, retention, revenue, trials
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.reconciliation.recount import recount
from tests.fakes.figures.cohorts import customers_by_week, customers_who_left, same_day
from tests.fakes.figures.invented_customers import InventedCustomers
from tests.fakes.services import FakeServices, at
from tests.fakes.simulated_lifecycles import SimTransport

LATE, TWICE = 0.05, 0.1
"""The shares of events that come up to three days late, and that come again."""

ACTING = 0.004
"""How likely a customer does something on a day, beside paying."""


@dataclass
class Year:
    """The result: numbers by name, and whatever is wrong."""

    figures: dict[str, int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def play(customers: int, days: int, seed: int, acting: float = ACTING) -> Year:
    """Live the days and compare."""
    people = InventedCustomers(Random(seed))
    place = FakeServices(stripe=stripe_over(SimTransport(people.stage)))
    random, year = Random(f"post {seed}"), Year()
    waiting: list[tuple[int, dict[str, Any]]] = []
    told = 0
    for day in range(days):
        people.live(1, customers / days, acting)
        fresh = people.events[told:]
        told += len(fresh)
        for event in fresh:
            late = random.randint(1, 3) if random.random() < LATE else 0
            waiting.append((day + late, event))
            if random.random() < TWICE:
                waiting.append((day + late + random.randint(0, 2), event))
        place.now.at = at(people.stage.second)
        last = day == days - 1
        due = [event for when, event in waiting if when <= day or last]
        waiting = [(when, event) for when, event in waiting if when > day and not last]
        random.shuffle(due)
        for number, batch in enumerate(_in_tens(due)):
            messages = [Message(f"{day}-{number}-{n}", json.dumps(e)) for n, e in enumerate(batch)]
            outcomes = ingest(messages, place.services)
            year.wrong += [repr(one.failure) for one in outcomes if one.failure]
            year.figures["deliveries"] += len(batch)
        place.now.at += timedelta(hours=1)
        year.figures["rows written"] += close_figures(place.services)
    year.figures |= {
        "customers": len(people.customers),
        "days": days,
        "events": told,
        "contributions written": place.figures.written,
        "contributions kept": sum(bool(text) for text, _ in place.figures.texts.values()),
        "rows kept": len(place.figures.summed),
    }
    _compare(people, place, year)
    return year


def _in_tens(events: list[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(events), 10):
        yield events[begin : begin + 10]


def _compare(people: InventedCustomers, place: FakeServices, year: Year) -> None:
    days = sorted(people.closings)
    year.wrong += _wrong_revenue(people, place, days)
    year.wrong += _wrong_retention(people, place, days)
    left = {one.reason: one.customers for one in reasons(place.services, days[0], days[-1])}
    right = customers_who_left(people)
    if {reason: number for reason, number in left.items() if number} != right:
        year.wrong.append(f"leavings: {left} instead of {right}")
    begun = time.process_time()
    found = recount(place.services, apply=False)
    year.figures["milliseconds of the recount"] = round(1000 * (time.process_time() - begun))
    year.figures["differences by the recount"] = len(found.differences)
    year.wrong += [f"recount: {one}" for one in found.differences]
    cohorts = trials(place.services, days[0], days[-1])
    year.figures |= {
        "trials started": sum(one.started for one in cohorts),
        "trials converted": sum(one.converted for one in cohorts),
        "customers who left": sum(right.values()),
    }


def _wrong_revenue(
    people: InventedCustomers, place: FakeServices, days: list[date]
) -> Iterator[str]:
    report = revenue(place.services, days[0], days[-1])
    before: dict[str, int] = {}
    for number, day in enumerate(days):
        right = Counter[str]()
        for amounts in people.closings[day].values():
            right.update(amounts)
        for currency, of in report.items():
            one = of.days[number]
            moved = one.new + one.reactivation + one.expansion - one.contraction - one.churn
            if one.mrr != right[currency]:
                yield f"{day}: {one.mrr} {currency} instead of {right[currency]}"
            if before.get(currency, 0) + moved != one.mrr:
                yield f"{day}: the movements in {currency} do not add up"
            before[currency] = one.mrr


def _wrong_retention(
    people: InventedCustomers, place: FakeServices, days: list[date]
) -> Iterator[str]:
    right = customers_by_week(people, MONTHS)
    for one in retention(place.services, days[0], days[-1]):
        if one.week + timedelta(days=6) > days[-1]:
            continue  # who is known to begin later in the running week is counted already
        counts = right.get(one.week, {})
        found = {0: one.customers, **one.kept}
        for months, number in found.items():
            end = same_day(one.week + timedelta(days=6), months)
            over = months == 0 or end < place.now.at.date()
            if number != (counts.get(months, 0) if over else None):
                yield f"{one.week}, after {months} months: {number} instead of {counts}"


def main() -> int:
    """Play it and print its figures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.figures")
    parser.add_argument("--customers", type=int, default=200)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun = time.process_time()
    year = play(asked.customers, asked.days, asked.seed)
    for name, number in year.figures.items():
        print(f"{name}: {number:,}")
    print(f"{time.process_time() - begun:.0f} seconds of processor")
    print(*year.wrong[:50], f"{len(year.wrong)} wrong", sep="\n")
    return 1 if year.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
