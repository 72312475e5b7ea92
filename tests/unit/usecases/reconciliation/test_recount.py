"""Figures that are counted again from the accounts are the same, whatever was lost or repeated."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from chalicelib.aws.items import account_item
from chalicelib.domain.figures.contributions import REVENUE, TRIALS
from chalicelib.domain.figures.counts import COUNTS
from chalicelib.domain.figures.recounts import RecountState
from chalicelib.usecases.accounts.erase import erase_now
from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.reports import retention, revenue, trials
from chalicelib.usecases.reconciliation.recount import check_figures, recount
from tests.fakes.figures.invented_customers import InventedCustomers
from tests.fakes.services import FakeServices
from tests.unit.usecases.figures.test_invented_customers import heard


@pytest.fixture
def people() -> InventedCustomers:
    people = InventedCustomers(Random("recount"))
    people.live(40, joining=0.4, acting=0.06)
    return people


@pytest.fixture
def place(people: InventedCustomers) -> FakeServices:
    return heard(people, "shuffled", 1)


def months_later(place: FakeServices) -> None:
    """Everything is closed, and no mark is left."""
    close_figures(place.services)
    for _ in range(2):
        place.now.at += timedelta(days=60)
        close_figures(place.services)
    assert not place.figures.marked
    assert place.figures.summed


def told(place: FakeServices, people: InventedCustomers) -> tuple[object, object]:
    days = sorted(people.closings)
    return (
        revenue(place.services, days[0], days[-1]),
        [replace(week, expired=0, running=0) for week in trials(place.services, days[0], days[-1])],
    )


def test_a_recount_finds_what_is_kept(place: FakeServices, people: InventedCustomers) -> None:
    before, (_, weeks) = recount(place.services, apply=False), told(place, people)
    assert (before.accounts, before.differences, before.unpriced) == (len(people.customers), (), ())
    assert sum(week.started for week in weeks) > 2  # type: ignore[attr-defined]
    months_later(place)
    assert recount(place.services, apply=True).differences == ()


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("kind", [REVENUE, TRIALS])
def test_a_recount_mends_what_was_lost_and_what_is_of_nobody(
    place: FakeServices, people: InventedCustomers, kind: str, closed: bool
) -> None:
    if closed:
        months_later(place)
    right = told(place, people)
    known = [name for name, (text, _) in place.figures.texts.items() if text]
    lost = next(name for name in known if name[0].kind == kind)
    text, rank = place.figures.texts.pop(lost)
    place.figures.texts[lost[0], "acct_gone"] = (text, rank)
    if closed:
        first = min(day for of, day in place.figures.summed if of == kind)
        del place.figures.summed[kind, first]
    found = recount(place.services, apply=False)
    assert {lost[1], "acct_gone"} <= {one.account for one in found.differences}
    assert recount(place.services, apply=True).differences == found.differences
    assert recount(place.services, apply=False).differences == ()
    assert told(place, people) == right


def test_the_weekly_recount_notices_a_lost_contribution(place: FakeServices) -> None:
    close_figures(place.services)
    place.now.at += timedelta(days=20)
    assert check_figures(place.services) == 0
    assert place.metrics["FiguresDiffer"] == 0
    lost = next(name for name, (text, _) in place.figures.texts.items() if '"new"' in text)
    del place.figures.texts[lost]
    assert check_figures(place.services) == 0, "it was counted this week"
    place.now.at += timedelta(days=7)
    assert check_figures(place.services) == 2, "the contribution, and the sum"
    assert place.metrics["FiguresDiffer"] == 2


def test_the_weekly_recount_goes_on_where_it_stopped(place: FakeServices) -> None:
    close_figures(place.services)
    place.now.at += timedelta(days=20)
    place.reconciliation.a_page = 1
    check_figures(place.services)
    state = place.job_states.load(RecountState)
    assert state.cursor
    assert state.ended_at is None
    while place.job_states.load(RecountState).ended_at is None:
        check_figures(place.services)
    assert place.metrics["FiguresDiffer"] == 0


def test_an_account_of_an_older_release_begins_its_history(
    place: FakeServices, people: InventedCustomers
) -> None:
    accounts = place.accounts.items
    for id in accounts:
        account = place.accounts.load(id)
        accounts[id] = account_item(replace(account, recurring={}, trial=None, figures=None))
    place.figures.texts.clear()
    recount(place.services, apply=True)
    assert recount(place.services, apply=False).differences == ()
    last = max(people.closings)
    report = revenue(place.services, last, last)
    expected: dict[str, int] = {}
    for amounts in people.closings[last].values():
        for currency, amount in amounts.items():
            expected[currency] = expected.get(currency, 0) + amount
    assert {code: of.days[0].mrr for code, of in report.items() if of.days[0].mrr} == expected


def test_what_a_release_before_did_not_count_is_no_difference_until_it_is_counted(
    place: FakeServices, people: InventedCustomers
) -> None:
    days = sorted(people.closings)
    right = retention(place.services, days[0], days[-1])
    for id in place.accounts.items:
        account = place.accounts.load(id)
        place.accounts.items[id] = account_item(replace(account, figures=None))
    for name in [one for one in place.figures.texts if one[0].kind in COUNTS]:
        del place.figures.texts[name]
    close_figures(place.services)
    place.now.at += timedelta(days=20)
    assert check_figures(place.services) == 0
    assert place.metrics["FiguresDiffer"] == 0
    assert not any(week.customers for week in retention(place.services, days[0], days[-1]))
    assert recount(place.services, apply=True).differences
    assert [week.customers for week in retention(place.services, days[0], days[-1])] == [
        week.customers for week in right
    ]
    assert recount(place.services, apply=False).differences == ()


def test_sums_stay_when_a_person_is_erased(place: FakeServices, people: InventedCustomers) -> None:
    last = max(people.closings)
    days = sorted(people.closings)
    payer = next(id for id, amounts in people.closings[last].items() if amounts)
    before, weeks = told(place, people)
    place.now.at += timedelta(days=1)
    erase_now(payer, True, place.services)
    assert place.accounts.load(payer) is None
    assert told(place, people) == (before, weeks)
    today = place.now.at.date()
    report = revenue(place.services, days[0], today)
    ((currency, amount),) = people.closings[last][payer].items()
    assert report[currency].days[-1].churn == amount
    assert recount(place.services, apply=True).differences == ()
    months_later(place)
    assert told(place, people) == (before, weeks)
    assert recount(place.services, apply=False).differences == ()
