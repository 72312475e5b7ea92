"""What an operation changes of a subscription: what stands, and what was ordered. Stripe is asked
only after that, and may refuse.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.account.operations import Operation
from chalicelib.domain.account.queries import plan_of, recognized_items
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import frozen

Fields = dict[str, Any]


@frozen
class Case:
    """An operation, and what it is about."""

    account: Account
    subscription: Subscription
    operation: Operation
    policy: Policy


def ordered(account: Account, operation: Operation, policy: Policy) -> tuple[Fields, Fields]:
    """(before, after) with the fields that the operation changes; both empty where it adds
    something in addition to what stands.
    """
    known = account.subscriptions.get(operation.subscription or "")
    if known is None:
        return {}, {}
    before, after = ORDERS[operation.verb](Case(account, known.value, operation, policy))
    changed = [name for name in after if before[name] != after[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}


def _plan(case: Case) -> tuple[Fields, Fields]:
    items = recognized_items(case.account, case.subscription, case.policy)
    plan, quantity = plan_of(case.account, case.subscription, case.policy)
    interval = next((one.interval for one in items if case.policy.plan_of([one])[0] == plan), None)
    wanted = case.operation.change
    assert wanted, "The verb plan has a change."
    return (
        {"plan": plan, "interval": interval, "quantity": quantity},
        {"plan": wanted.plan, "interval": wanted.interval, "quantity": wanted.quantity},
    )


def _trial(case: Case) -> tuple[Fields, Fields]:
    before, after = case.subscription.trial_end, case.operation.at
    return {"trial_ends_at": _text(before)}, {"trial_ends_at": _text(after)}


def _end(case: Case) -> tuple[Fields, Fields]:
    return _cancels_at(case, case.subscription.period_end)


def _no_end(case: Case) -> tuple[Fields, Fields]:
    return _cancels_at(case, None)


def _cancels_at(case: Case, after: datetime | None) -> tuple[Fields, Fields]:
    return {"cancels_at": _text(case.subscription.cancels_at)}, {"cancels_at": _text(after)}


def _status(after: str) -> Callable[[Case], tuple[Fields, Fields]]:
    return lambda case: ({"status": case.subscription.status}, {"status": after})


def _paused(after: bool) -> Callable[[Case], tuple[Fields, Fields]]:
    return lambda case: (
        {"payments_paused": case.subscription.pause_collection is not None},
        {"payments_paused": after},
    )


def _adds(case: Case) -> tuple[Fields, Fields]:
    return {}, {}


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


ORDERS: Mapping[str, Callable[[Case], tuple[Fields, Fields]]] = {
    "cancel": _end,
    "cancel_now": _status("canceled"),
    "withdraw": _status("canceled"),
    "uncancel": _no_end,
    "unpause": _paused(False),
    "pause": _paused(True),
    "resume": _status("active"),
    "plan": _plan,
    "trial": _trial,
    "discount": _adds,
    "charge": _adds,
}
"""Verb → what stands and what it orders. A coupon and a charge are added: the entry has them among
what was asked for.
"""
