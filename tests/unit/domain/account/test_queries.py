"""Whether a card is on file: one rule for access, pages, expected news and messages."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.queries import (
    card_of,
    current_subscription,
    customer_for,
    has_card,
    holds_address,
)
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account, CardSnapshot, Grant
from chalicelib.domain.messaging.conditions import holds
from chalicelib.domain.messaging.occasions import Occasion, subscription_of
from chalicelib.domain.stripe_objects.objects import Card, Customer, Invoice, Subscription
from tests.fakes.lifecycles import DAY, START, TRIAL
from tests.fakes.services import POLICY

BARE = Customer("cus_1", "ada@example.com")
CARDED = Customer("cus_2", "ada@example.com", card="pm_2")
OF_BARE = replace(TRIAL, id="sub_1", customer="cus_1")
OF_CARDED = replace(TRIAL, id="sub_2", customer="cus_2", created=START - DAY)
NOTHING_IN_PARTICULAR = Occasion("access_ended", "1", START)


def account(
    *subscriptions: Subscription, customers: tuple[Customer, ...] = (BARE, CARDED)
) -> Account:
    return Account(
        "acc_1",
        customers={one.id: Tracked(one, START) for one in customers},
        subscriptions={one.id: Tracked(one, START) for one in subscriptions},
    )


def test_a_subscription_has_its_own_card_or_its_customers_and_no_other() -> None:
    both = account(OF_BARE, OF_CARDED)
    assert not has_card(both, OF_BARE)
    assert has_card(both, OF_CARDED)
    assert has_card(both, replace(OF_BARE, card="pm_3"))
    assert not has_card(both, replace(OF_BARE, customer="cus_unknown"))


def test_without_a_subscription_the_customer_of_the_next_purchase_counts() -> None:
    assert has_card(account(), None)
    newer = Customer("cus_3")
    assert not has_card(account(customers=(BARE, CARDED, newer)), None)
    deleted = replace(newer, deleted=True)
    assert has_card(account(customers=(BARE, CARDED, deleted)), None)
    assert not has_card(Account("acc_1"), None)


def test_the_customer_that_the_account_came_from_buys_next_whatever_the_ids_of_others_are() -> None:
    for ids in permutations(["cus_1", "cus_5", "cus_9"]):
        customers = tuple(Customer(id) for id in ids)
        one = replace(account(customers=customers), origin=ids[0])
        assert customer_for(one) == Customer(ids[0])
        gone = replace(customers[0], deleted=True)
        one = replace(account(customers=(gone, *customers[1:])), origin=ids[0])
        assert customer_for(one) == Customer(ids[2]), "else the newest"


@pytest.mark.parametrize("of_subscription", ["pm_3", None])
@pytest.mark.parametrize("of_customer", ["pm_2", None])
def test_the_card_shown_is_the_one_that_pays_and_none_where_nothing_is_known_of_it(
    of_subscription: str | None, of_customer: str | None
) -> None:
    subscription = replace(OF_CARDED, card=of_subscription)
    one = account(subscription, customers=(replace(CARDED, card=of_customer),))
    assert card_of(one, subscription) is None
    for id in ("pm_2", "pm_3", "pm_4"):
        one = apply(one, CardSnapshot(Card(id, "visa", id[-1] * 4, 8, 2027), START))
    shown = card_of(one, subscription)
    assert (shown and shown.id) == (of_subscription or of_customer)
    assert has_card(one, subscription) is (shown is not None)


def test_without_a_subscription_the_card_of_the_next_purchase_is_shown() -> None:
    one = apply(account(), CardSnapshot(Card("pm_2", "visa", "4242", 8, 2027), START))
    assert card_of(one, None) == Card("pm_2", "visa", "4242", 8, 2027)
    assert card_of(Account("acc_1"), None) is None


@pytest.mark.parametrize(("trial", "on_file"), [(OF_BARE, False), (OF_CARDED, True)])
def test_a_condition_asks_for_the_card_of_the_occasions_subscription(
    trial: Subscription, on_file: bool
) -> None:
    both, occasion = account(OF_BARE, OF_CARDED), Occasion("trial_ends", "1", START, trial.id)
    assert holds("card", both, occasion, POLICY) is on_file
    assert holds("no_card", both, occasion, POLICY) is not on_file


@pytest.mark.parametrize(("newest", "on_file"), [(OF_BARE, False), (OF_CARDED, True)])
def test_a_condition_of_an_occasion_without_a_subscription_asks_for_the_current_ones_card(
    newest: Subscription, on_file: bool
) -> None:
    later = replace(newest, created=START + DAY)
    both = replace(
        account(OF_BARE, OF_CARDED),
        subscriptions={one.id: Tracked(one, START) for one in (OF_BARE, OF_CARDED, later)},
    )
    assert current_subscription(both) == later
    assert holds("card", both, NOTHING_IN_PARTICULAR, POLICY) is on_file


def test_an_occasion_about_an_invoice_is_about_that_invoices_subscription() -> None:
    invoice = Invoice("in_1", "cus_1", "open", START + timedelta(days=1), "sub_1", "usd")
    loose = replace(invoice, id="in_2", subscription=None)
    both = replace(
        account(OF_BARE, OF_CARDED),
        invoices={one.id: TrackedInvoice(one, START) for one in (invoice, loose)},
    )
    assert subscription_of(both, Occasion("payment_failed", "1", START, "in_1")) == OF_BARE
    assert subscription_of(both, Occasion("payment_failed", "1", START, "in_2")) is None
    assert subscription_of(both, Occasion("card_expires", "1", START, "pm_2")) is None
    assert subscription_of(both, NOTHING_IN_PARTICULAR) is None


@pytest.mark.parametrize("status", ["trialing", "active", "past_due"])
def test_what_runs_for_the_customer_that_the_account_came_from_is_the_current_one(
    status: str,
) -> None:
    own = replace(OF_BARE, status=status)
    joined = replace(OF_CARDED, status="active", created=START + DAY)
    both = replace(account(own, joined), origin="cus_1")
    assert current_subscription(both) == own
    assert customer_for(both) == BARE
    assert card_of(both, own) is None


@pytest.mark.parametrize("status", ["paused", "unpaid", "canceled", "incomplete"])
def test_what_does_not_run_there_leaves_the_current_one_to_a_customer_that_joined(
    status: str,
) -> None:
    own = replace(OF_BARE, status=status)
    joined = replace(OF_CARDED, status="active", created=START + DAY)
    both = replace(account(own, joined), origin="cus_1")
    assert current_subscription(both) == joined
    assert customer_for(both) == CARDED


PAID = Invoice("in_1", "cus_1", "paid", START, "sub_1", amount_due=4900, amount_paid=4900)
BEGUN = replace(TRIAL, id="sub_1", customer="cus_1", status="incomplete_expired", trial_end=None)
HOLD_THE_ADDRESS = {
    "a signup": replace(account(), signup=Signup("pro", START + DAY, START)),
    "a proved address": replace(account(BEGUN), proved_at=START),
    "a used product": replace(account(BEGUN), milestones={"connected_data": START}),
    "a grant": replace(account(BEGUN), grants=(Grant(START + DAY),)),
    "a payment": replace(account(BEGUN), invoices={"in_1": TrackedInvoice(PAID, START)}),
    "an old subscription": replace(account(), ended={"sub_0": START}),
}
HOLD_NOTHING = {
    "a customer without a subscription": account(),
    "an unpaid purchase": account(BEGUN),
    "a trial at Stripe with a card": account(OF_CARDED),
    "an unpaid invoice": replace(
        account(BEGUN),
        invoices={"in_1": TrackedInvoice(replace(PAID, status="open", amount_paid=0), START)},
    ),
    "older unpaid purchases": replace(account(BEGUN), ended={"sub_0": START}),
}


@pytest.mark.parametrize("why", HOLD_THE_ADDRESS)
def test_an_account_that_somebody_proved_or_paid_holds_its_address(why: str) -> None:
    assert holds_address(HOLD_THE_ADDRESS[why])


@pytest.mark.parametrize("what", HOLD_NOTHING)
def test_an_account_that_nobody_proved_or_paid_holds_nothing(what: str) -> None:
    assert not holds_address(HOLD_NOTHING[what])
