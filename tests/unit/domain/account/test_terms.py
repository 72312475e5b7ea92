"""A subscription that was sold with its end in sight has not been canceled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.account.terms import ends_with_its_period, has_fixed_term, is_canceling
from chalicelib.domain.stripe_objects.objects import CancellationDetails, Subscription

BOUGHT = datetime(2026, 3, 2, 9, tzinfo=UTC)
MONTH, YEAR = BOUGHT + timedelta(days=31), BOUGHT + timedelta(days=365)
RUNS = Subscription("sub_1", "cus_1", "active", BOUGHT, period_start=BOUGHT, period_end=MONTH)
SOLD = replace(RUNS, cancel_at=YEAR, canceled_at=BOUGHT)


@pytest.mark.parametrize(
    "sold",
    [
        SOLD,
        replace(SOLD, cancel_at=MONTH),
        replace(SOLD, canceled_at=BOUGHT + timedelta(seconds=1)),
        replace(SOLD, canceled_at=MONTH, schedule="sub_sched_1"),
        replace(SOLD, cancellation_details=CancellationDetails("cancellation_requested")),
    ],
)
def test_an_end_of_the_purchase_or_of_a_schedule_is_a_fixed_term(sold: Subscription) -> None:
    assert has_fixed_term(sold)
    assert not is_canceling(sold)


@pytest.mark.parametrize(
    "canceled",
    [
        replace(RUNS, cancel_at_period_end=True, cancel_at=MONTH, canceled_at=BOUGHT),
        replace(RUNS, cancel_at=MONTH, canceled_at=BOUGHT + timedelta(hours=1)),
        replace(RUNS, cancel_at=MONTH),
        replace(SOLD, cancel_at_period_end=True, cancel_at=MONTH, canceled_at=MONTH),
        replace(SOLD, cancellation_details=CancellationDetails(feedback="unused")),
        replace(SOLD, cancellation_details=CancellationDetails(comment="Bye.")),
    ],
)
def test_an_end_that_somebody_asked_for_is_a_cancellation(canceled: Subscription) -> None:
    assert is_canceling(canceled)
    assert not has_fixed_term(canceled)


def test_a_subscription_without_an_end_is_neither() -> None:
    assert not has_fixed_term(RUNS)
    assert not is_canceling(RUNS)
    assert not ends_with_its_period(RUNS)


@pytest.mark.parametrize(
    ("one", "ends"),
    [
        (SOLD, False),
        (replace(SOLD, cancel_at=MONTH), True),
        (replace(RUNS, cancel_at_period_end=True), True),
        (replace(SOLD, period_end=None), True),
    ],
)
def test_a_long_term_does_not_end_with_the_period(one: Subscription, ends: bool) -> None:
    assert ends_with_its_period(one) is ends
