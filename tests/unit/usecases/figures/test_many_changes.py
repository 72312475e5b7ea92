"""A subscription that changes every day for months: its account keeps the newest changes, and what
came of the older ones stays.
"""

from datetime import timedelta

from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.stripe_objects.objects import Customer, Item, Subscription
from chalicelib.domain.stripe_objects.recurring import recurring
from chalicelib.usecases.figures.close import close_figures
from chalicelib.usecases.figures.reports import revenue
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.reconciliation.recount import check_figures, recount
from chalicelib.values import replace
from tests.fakes.figures.revenue import assert_adds_up
from tests.fakes.lifecycles import START
from tests.fakes.services import FakeServices

DAYS = 150


def test_a_change_a_day_keeps_few_changes_and_all_sums() -> None:
    place = FakeServices()
    place.now.at = START
    services = replace(place.services, comes_again=True)
    item = Item("price_1", lookup_key="pro_monthly", amount=100, currency="usd", interval="month")
    one = Subscription("sub_1", "cus_1", "active", START, (replace(item, quantity=1),))
    account = Account("acct_1")
    facts = [
        CustomerSnapshot(Customer("cus_1"), FromEvent(START, is_creation=True)),
        SubscriptionSnapshot(one, FromEvent(START, is_creation=True)),
    ]
    expected = []
    for number in range(DAYS):
        account = apply_facts(account, facts, services, None)
        expected.append(100 * (one.items[0].quantity or 0))
        close_figures(services)
        before, place.now.at = one, START + timedelta(days=number + 1)
        one = replace(one, items=(replace(item, quantity=1 + (number * 7) % 5),))
        source = FromEvent(place.now.at)
        facts = [SubscriptionSnapshot(one, source, recurring_before=recurring(before))]
    assert len(account.recurring["sub_1"]) <= most("recurring changes") + 1
    first = START.date()
    report = revenue(services, first, first + timedelta(days=DAYS - 1))
    assert_adds_up(report)
    assert [day.mrr for day in report["usd"].days] == expected
    assert recount(services, apply=True).differences == ()
    assert revenue(services, first, first + timedelta(days=DAYS - 1)) == report
    assert check_figures(services) == 0
