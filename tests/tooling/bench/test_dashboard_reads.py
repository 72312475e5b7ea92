"""How few calls of AWS a page of the dashboard waits for: docs/costs.md has what they read."""

from collections.abc import Mapping

import pytest

from bench.costs.dashboard import PAGES, dashboard_stories

SOME = 60
"""More customers than a page lists."""

MOST = {
    "Today": 17,
    "Customers": 13,
    "Revenue": 7,
    "Trials": 26,
    "Payments": 4,
    "Messages": 7,
    "Webhooks": 1,
    "Health": 6,
    "Audit log": 2,
    "Customers of a status": 2,
    "Customers of a plan": 13,
    "Customers by a name": 4,
    "Customers by an address": 3,
    "A customer": 3,
    "Audit log of a customer": 3,
}
"""A list is a call for each of its statuses and one for its accounts; figures are one for each day
or week that is not summed up yet. A customer's audit log first asks where its account went, since
it may have been joined to another.
"""


@pytest.fixture(scope="module")
def calls() -> Mapping[str, int]:
    return {
        used.name: sum(of.total() for of in used.calls.values()) for used in dashboard_stories(SOME)
    }


def test_no_page_makes_more_calls_than_it_has_lists(calls: Mapping[str, int]) -> None:
    assert MOST.keys() == PAGES.keys()
    assert {name: number for name, number in calls.items() if number > MOST[name]} == {}


def test_only_a_page_that_reads_nothing_of_customers_makes_no_call(
    calls: Mapping[str, int],
) -> None:
    """Else nothing would be counted above."""
    assert [name for name, number in calls.items() if not number] == []
