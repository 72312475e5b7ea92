"""A customer who bought for a fixed term: no farewell, nothing to take back, and a cancellation of
its own.
"""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.billing.decisions import may_cancel
from chalicelib.domain.errors import AlreadySubscribed
from tests.fakes.services import SHIPPED
from tests.fakes.simulated_lifecycles import BEGIN, DAY, SimLife
from tests.unit.usecases.billing.test_actions import cancel, reactivate, subscription


def bought(days: float, late: timedelta = timedelta(0), **more: Any) -> SimLife:
    """A customer whom the owner's team sold the plan for so many days. `late` is when Stripe's
    events come.
    """
    life = SimLife(SHIPPED)
    ours = {"account_id": "acc_term"}
    customer = life.stage.post("/v1/customers", email="ada@example.com", metadata=ours)["id"]
    life.stage.gives(customer, "tok_visa")
    life.stage.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": life.stage.price("pro_monthly")}],
        cancel_at=int((BEGIN + timedelta(days=days)).timestamp()),
        metadata=ours,
        **more,
    )
    life.account_id = "acc_term"
    life.place.now.at = BEGIN + late
    life.hear()
    return life


def happened(life: SimLife) -> set[str]:
    entries = [one.type for one in life.place.timeline.entries.values() if one.kind == "happening"]
    return {*entries, *(one.type for one in life.account.outbox)}


def mailed(life: SimLife) -> set[str]:
    return {key.partition("@")[0] for key in life.account.mails}


TERMS = {
    "a year": (365, timedelta(0)),
    "a month": (31, timedelta(0)),
    "a year, late events": (365, timedelta(hours=3)),
}


@pytest.mark.parametrize("name", TERMS)
def test_nobody_says_farewell_to_who_has_just_bought(name: str) -> None:
    days, late = TERMS[name]
    life = bought(days, late)
    life.advance(life.place.now.at + 2 * DAY)
    assert "subscription.canceling" not in happened(life)
    assert "goodbye" not in mailed(life)
    assert life.standing.access == "full"


def test_the_end_of_the_term_ends_access_without_asking_why_they_left() -> None:
    life = bought(31)
    life.days(60)
    assert life.stands() == ("none", "canceled")
    assert not {"goodbye", "left_no_reason", "left_other"} & mailed(life)
    assert "subscription.canceling" not in happened(life)


def test_there_is_nothing_to_take_back() -> None:
    life = bought(365)
    life.minutes(5)
    with pytest.raises(AlreadySubscribed):
        reactivate(life)
    assert subscription(life)["cancel_at"] is not None


def test_who_cancels_in_a_long_term_leaves_at_the_end_of_the_period_and_is_told() -> None:
    life = bought(365)
    life.minutes(60)
    assert may_cancel(life.account)
    outcome = cancel(life)
    one = life.account.subscriptions[subscription(life)["id"]].value
    assert outcome.standing.until == one.period_end
    life.hear()
    life.minutes(60)
    assert "subscription.canceling" in happened(life)
    life.days(3)
    assert "goodbye" in mailed(life)


def test_who_cancels_in_the_last_period_of_a_term_changes_nothing() -> None:
    life = bought(20)
    life.minutes(60)
    assert not may_cancel(life.account)
    calls = len(life.stage.api.calls)
    cancel(life)
    assert not [one for one in life.stage.api.calls[calls:] if one.method == "POST"]
