"""News that Stripe owes: asked for an hour after its time, ever more slowly, and for nothing that
was heard.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account.facts import FetchResult
from chalicelib.domain.account.fetch_requests import everything_of
from chalicelib.domain.account.ordering import FromFetch, Tracked
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.due_work import due_work
from chalicelib.domain.schedule.expected_updates import (
    EXPECTED,
    FETCHED_AFTER,
    expected_updates,
    fetching_all_of,
    fetching_overdue,
)
from chalicelib.domain.stripe_objects.objects import (
    Customer,
    Invoice,
    PauseCollection,
    Subscription,
)
from tests.fakes.grids import examples
from tests.fakes.lifecycles import DAY, START
from tests.fakes.lifecycles import TRIAL as ON_TRIAL
from tests.fakes.services import QUIET

HOUR = timedelta(hours=1)
TRIAL = replace(ON_TRIAL, status="trialing")
RUNS = replace(
    TRIAL, status="active", trial_start=None, trial_end=None, period_end=START + 30 * DAY
)
CONVERTED = replace(
    TRIAL, status="active", period_end=TRIAL.period_end + 30 * DAY if TRIAL.period_end else None
)
OPEN = Invoice(
    "in_1",
    "cus_1",
    "open",
    START,
    "sub_1",
    attempt_count=1,
    attempted=True,
    next_payment_attempt=START + 3 * DAY,
)


def account(
    *subscriptions: Subscription,
    invoices: tuple[Invoice, ...] = (),
    card: str | None = None,
    **more: Any,
) -> Account:
    known = {one.id: Tracked(one, START) for one in subscriptions}
    customers = {"cus_1": Tracked(Customer("cus_1", card=card), START)}
    return Account(
        "acc_1",
        customers=customers,
        subscriptions=known,
        invoices={one.id: TrackedInvoice(one, START) for one in invoices},
        **more,
    )


@pytest.mark.parametrize(
    ("what", "of", "moment"),
    [
        ("trial", account(TRIAL), TRIAL.trial_end),
        ("trial_payment", account(CONVERTED, card="pm_1"), START + 14 * DAY + HOUR),
        ("period", account(RUNS), START + 30 * DAY),
        ("period", account(replace(RUNS, status="unpaid")), START + 30 * DAY),
        ("cancellation", account(replace(RUNS, cancel_at=START + 5 * DAY)), START + 5 * DAY),
        ("cancellation", account(replace(TRIAL, cancel_at=START + 5 * DAY)), START + 5 * DAY),
        (
            "cancellation",
            account(replace(RUNS, status="paused", cancel_at=START + 5 * DAY)),
            START + 5 * DAY,
        ),
        (
            "resumption",
            account(replace(RUNS, pause_collection=PauseCollection("void", START + DAY))),
            START + DAY,
        ),
        ("first_payment", account(replace(RUNS, status="incomplete")), START + 23 * HOUR),
        ("attempt", account(replace(RUNS, status="past_due"), invoices=(OPEN,)), START + 3 * DAY),
    ],
)
def test_news_is_asked_for_an_hour_after_its_time(what: str, of: Account, moment: datetime) -> None:
    assert what in EXPECTED
    first, *_ = expected_updates(of)
    assert (first.what, first.fetch_at) == (what, moment + HOUR)
    assert f"fetch cus_1 unless Stripe reports: {what}" in [
        due.what for due in due_work(of, QUIET, START)
    ]


@pytest.mark.parametrize(
    "of",
    [
        account(),
        account(replace(RUNS, status="paused")),
        account(replace(RUNS, status="canceled", cancel_at=START + DAY)),
        account(replace(RUNS, status="incomplete_expired")),
        account(replace(RUNS, status="active", period_end=None)),
        replace(
            account(RUNS), customers={"cus_1": Tracked(Customer("cus_1", deleted=True), START)}
        ),
        fetching_all_of(account(TRIAL), "cus_1"),
    ],
)
def test_of_what_rests_or_has_ended_or_is_asked_for_already_nothing_is_owed(of: Account) -> None:
    assert expected_updates(of) == ()


@pytest.mark.parametrize("status", ["open", "paid", "void", "uncollectible"])
def test_a_first_payment_that_was_tried_is_owed_no_more(status: str) -> None:
    tried = Invoice(
        "in_1", "cus_1", status, START + 14 * DAY, "sub_1", attempt_count=1, attempted=True
    )
    assert "trial_payment" not in {
        one.what for one in expected_updates(account(CONVERTED, invoices=(tried,), card="pm_1"))
    }
    untried = replace(tried, status="draft", attempt_count=0, attempted=False)
    assert "trial_payment" in {
        one.what for one in expected_updates(account(CONVERTED, invoices=(untried,), card="pm_1"))
    }
    assert "trial_payment" not in {one.what for one in expected_updates(account(CONVERTED))}, (
        "without a card there is nothing to try"
    )


def test_who_was_asked_for_another_reason_since_is_not_asked_again_so_soon() -> None:
    known = Tracked(TRIAL, START + 14 * DAY + 2 * HOUR, asked=True)
    (one,) = expected_updates(replace(account(), subscriptions={"sub_1": known}))
    assert one.fetch_at == START + 14 * DAY + 4 * HOUR


def test_an_account_that_nobody_acted_on_for_months_is_still_asked_for_once() -> None:
    of = account(TRIAL)
    (one,) = expected_updates(of)
    assert one.fetch_at < START + 200 * DAY
    assert expected_updates(replace(of, owed_asked_at=START + 200 * DAY)) == ()


MOMENTS = st.integers(0, 40 * 24).map(lambda hours: START + hours * HOUR)
SUBSCRIPTIONS = st.builds(
    Subscription,
    id=st.sampled_from(["sub_1", "sub_2", "sub_3"]),
    customer=st.sampled_from(["cus_1", "cus_2"]),
    status=st.sampled_from(
        ["trialing", "active", "past_due", "unpaid", "incomplete", "paused", "canceled"]
    ),
    created=MOMENTS,
    trial_end=st.none() | MOMENTS,
    period_end=st.none() | MOMENTS,
    cancel_at=st.none() | MOMENTS,
    pause_collection=st.none() | st.builds(PauseCollection, st.just("void"), st.none() | MOMENTS),
    card=st.sampled_from([None, "pm_1"]),
)
INVOICES = st.builds(
    Invoice,
    id=st.sampled_from(["in_1", "in_2"]),
    customer=st.just("cus_1"),
    status=st.sampled_from(["draft", "open", "paid"]),
    created=MOMENTS,
    subscription=st.sampled_from(["sub_1", "sub_2"]),
    attempt_count=st.integers(0, 2),
    next_payment_attempt=st.none() | MOMENTS,
)


@examples(300)
@given(st.lists(SUBSCRIPTIONS, max_size=3), st.lists(INVOICES, max_size=2), st.booleans())
def test_a_stripe_that_never_tells_is_asked_so_many_times_and_no_more(
    subscriptions: list[Subscription], invoices: list[Invoice], answers: bool
) -> None:
    """Whatever is owed: a question for each of its times at most, then an end; with an answer that
    brings nothing, or with none that differs.
    """
    of = account(*subscriptions, invoices=tuple(invoices))
    most = len(FETCHED_AFTER) * len(expected_updates(of))
    asked: list[datetime] = []
    while waiting := expected_updates(of):
        now = max([waiting[0].fetch_at, *asked])
        assert not asked or now > asked[-1]
        asked.append(now)
        of = replace(of, owed_asked_at=now)
        for customer in sorted({one.customer for one in waiting}):
            of = fetching_all_of(of, customer)
            for ask in everything_of(customer):
                facts = (
                    _all_as_it_was(of, ask.id, now)
                    if answers and ask.what == "subscriptions"
                    else ()
                )
                of = apply(of, FetchResult(ask, facts))
        assert of.asks == ()
        assert len(asked) <= most
    assert asked == sorted(set(asked))


def _all_as_it_was(of: Account, customer: str, now: datetime) -> tuple[Any, ...]:
    from chalicelib.domain.account.facts import SubscriptionSnapshot

    return tuple(
        SubscriptionSnapshot(known.value, FromFetch(now, known.mark))
        for known in of.subscriptions.values()
        if known.value.customer == customer
    )


def test_nothing_is_fetched_before_an_update_is_overdue() -> None:
    of = account(TRIAL, replace(RUNS, id="sub_2", customer="cus_2"))
    overdue_at = expected_updates(of)[0].fetch_at
    assert fetching_overdue(of, overdue_at - timedelta(seconds=1)) == of
    assert fetching_overdue(account(), START) == account()


def test_once_one_update_is_overdue_every_customer_with_one_is_fetched_and_that_is_remembered() -> (
    None
):
    of = account(TRIAL, replace(RUNS, id="sub_2", customer="cus_2"))
    overdue_at = expected_updates(of)[0].fetch_at
    after = fetching_overdue(of, overdue_at)
    assert set(after.asks) == {*everything_of("cus_1"), *everything_of("cus_2")}
    assert after.owed_asked_at == overdue_at
