"""What the audit log says that an operation changes: what stood, and what was ordered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account.operations import VERBS, Change, Operation
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.orders import ORDERS, ordered
from chalicelib.domain.stripe_objects.objects import Item, PauseCollection, Subscription
from tests.fakes.services import POLICY

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
TRIAL = Subscription(
    "sub_1",
    "cus_1",
    "trialing",
    START,
    (Item("price_pro", "prod_1", "pro_monthly", 3, 4900, "usd", "month"),),
    trial_end=START + timedelta(days=14),
    period_end=START + timedelta(days=14),
)
PAUSED = PauseCollection("void", START + timedelta(days=30))
YEARLY = Change("scale", "year", 3, "scale_yearly", "now", START)
END = "2026-03-16T09:00:00Z"

ORDERED: list[tuple[Operation, Subscription, dict[str, Any], dict[str, Any]]] = [
    (
        Operation("trial", "cus_1", "sub_1", at=START + timedelta(days=21)),
        TRIAL,
        {"trial_ends_at": END},
        {"trial_ends_at": "2026-03-23T09:00:00Z"},
    ),
    (
        Operation("plan", "cus_1", "sub_1", change=YEARLY),
        TRIAL,
        {"plan": "pro", "interval": "month"},
        {"plan": "scale", "interval": "year"},
    ),
    (
        Operation("plan", "cus_1", "sub_1", change=replace(YEARLY, plan="pro", interval="month")),
        replace(TRIAL, items=(replace(TRIAL.items[0], quantity=2),)),
        {"quantity": 2},
        {"quantity": 3},
    ),
    (
        Operation("plan", "cus_1", "sub_1", change=YEARLY),
        replace(TRIAL, items=(Item("price_x", "prod_x", "gone", 1, 900, "usd", "week"),)),
        {"plan": None, "interval": "week", "quantity": 1},
        {"plan": "scale", "interval": "year", "quantity": 3},
    ),
    (Operation("cancel", "cus_1", "sub_1"), TRIAL, {"cancels_at": None}, {"cancels_at": END}),
    (
        Operation("uncancel", "cus_1", "sub_1"),
        replace(TRIAL, cancel_at_period_end=True),
        {"cancels_at": END},
        {"cancels_at": None},
    ),
    (
        Operation("cancel_now", "cus_1", "sub_1"),
        TRIAL,
        {"status": "trialing"},
        {"status": "canceled"},
    ),
    (
        Operation("resume", "cus_1", "sub_1"),
        replace(TRIAL, status="paused"),
        {"status": "paused"},
        {"status": "active"},
    ),
    (
        Operation("unpause", "cus_1", "sub_1"),
        replace(TRIAL, pause_collection=PAUSED),
        {"payments_paused": True},
        {"payments_paused": False},
    ),
    (Operation("discount", "cus_1", "sub_1", coupon="LOYAL20"), TRIAL, {}, {}),
    (Operation("charge", "cus_1"), TRIAL, {}, {}),
]


@pytest.mark.parametrize(("operation", "subscription", "before", "after"), ORDERED)
def test_an_order_is_told_beside_what_stood(
    operation: Operation,
    subscription: Subscription,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    account = Account("acc_1", subscriptions={"sub_1": Tracked(subscription, START)})
    assert ordered(account, operation, POLICY) == (before, after)


def test_each_verb_says_what_it_orders() -> None:
    assert ORDERS.keys() == VERBS.keys()
