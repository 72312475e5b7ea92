"""Invented customers, with events in any order: revenue is what Stripe's objects come to, day by
day, account by account.
"""

import json
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from chalicelib.domain.figures.history import closings
from chalicelib.domain.figures.records import MONTHS
from chalicelib.runtime.wiring import stripe_over
from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.reports import reasons, retention, revenue
from chalicelib.usecases.ingestion.ingest import Message, ingest
from tests.fakes.figures.cohorts import customers_by_week, customers_who_left, same_day
from tests.fakes.figures.invented_customers import InventedCustomers
from tests.fakes.figures.revenue import assert_adds_up
from tests.fakes.grids import grid
from tests.fakes.services import FakeServices, at
from tests.fakes.simulated_lifecycles import SimTransport

DAYS = 70


def heard(people: InventedCustomers, order: str, seed: int) -> FakeServices:
    """All of the events arrive when the time is over, in tens."""
    place = FakeServices(stripe=stripe_over(SimTransport(people.stage)))
    place.now.at = at(people.stage.second) + timedelta(hours=1)
    random, events = Random(seed), people.events
    if order == "shuffled":
        events += random.sample(events, len(events) // 4)
        random.shuffle(events)
    for start in range(0, len(events), 10):
        batch = [
            Message(f"{start}-{n}", json.dumps(event))
            for n, event in enumerate(events[start : start + 10])
        ]
        outcomes = ingest(batch, place.services)
        assert not [outcome.failure for outcome in outcomes if outcome.failure]
    return place


@pytest.mark.parametrize(("order", "seed"), grid(["in order", "shuffled"], range(12)))
def test_each_day_is_what_stripes_objects_come_to(order: str, seed: int) -> None:
    people = InventedCustomers(Random(seed))
    people.live(DAYS, joining=0.2, acting=0.06)
    place = heard(people, order, seed)
    days = sorted(people.closings)
    report = revenue(place.services, days[0], days[-1])
    assert_adds_up(report)
    for account_id in people.customers:
        account = place.accounts.load(account_id)
        known = closings(account, metered=False) if account else {}
        for number, day in enumerate(days):
            upto = [of for moved, of in known.items() if moved <= day]
            found = dict(upto[-1]) if upto else {}
            assert found == people.closings[day].get(account_id, {}), (account_id, day)
            total = {
                currency: of.days[number].mrr
                for currency, of in report.items()
                if of.days[number].mrr
            }
            sums: dict[str, int] = {}
            for amounts in people.closings[day].values():
                for currency, amount in amounts.items():
                    sums[currency] = sums.get(currency, 0) + amount
            assert total == sums
    told = assert_cohorts(people, place)
    close_figures(place.services)
    assert revenue(place.services, days[0], days[-1]) == report
    assert assert_cohorts(people, place) == told


def assert_cohorts(people: InventedCustomers, place: FakeServices) -> tuple[Any, Any]:
    """Customers of each week, who is left of them, and why others left: as Stripe holds it."""
    days = sorted(people.closings)
    kept = retention(place.services, days[0], days[-1])
    # Who is known to begin later in the running week is counted already.
    expected = customers_by_week(people, MONTHS)
    over = [one for one in kept if one.week + timedelta(days=6) <= days[-1]]
    assert {one.week: one.customers for one in over if one.customers} == {
        week: counts[0] for week, counts in expected.items() if week + timedelta(days=6) <= days[-1]
    }
    for one in over:
        counts = expected.get(one.week, {})
        for months, number in one.kept.items():
            is_over = same_day(one.week + timedelta(days=6), months) < place.now.at.date()
            assert number == (counts.get(months, 0) if is_over else None), (one.week, months)
    left = reasons(place.services, days[0], days[-1])
    assert {one.reason: one.customers for one in left if one.customers} == customers_who_left(
        people
    )
    return kept, left
