"""The next change that a schedule makes: the first later phase with another plan or quantity."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.pending_change import PendingChange, pending_change
from chalicelib.domain.stripe_objects.answers import SchedulePhase
from chalicelib.domain.stripe_objects.objects import Item, Subscription
from tests.fakes.services import QUIET

NOW = datetime(2026, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def phase(days: int, key: str = "pro_monthly", quantity: int = 1) -> SchedulePhase:
    return SchedulePhase(NOW + days * DAY, (Item(key, None, key, quantity),))


PRESENT = Subscription("sub_1", "cus_1", "active", NOW, phase(0).items)


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ([], None),
        ([phase(-5)], None),
        ([phase(-5, "scale_monthly")], None),
        ([phase(-5), phase(20)], None),
        ([phase(-5), phase(20, "scale_monthly")], (20, "scale", 1)),
        ([phase(50, "scale_monthly"), phase(20, quantity=3)], (20, "pro", 3)),
        ([phase(20), phase(50, "scale_monthly", 2)], (50, "scale", 2)),
        ([phase(20, "books")], (20, None, 1)),
    ],
)
def test_the_first_later_phase_that_differs_is_the_pending_change(
    phases: list[SchedulePhase], expected: tuple[int, str | None, int] | None
) -> None:
    change = PendingChange(NOW + expected[0] * DAY, *expected[1:]) if expected else None
    assert pending_change(Account("acc_1"), PRESENT, phases, QUIET, NOW) == change
