"""A plan that changed: found by comparing what was written with what is written now, since what is
stored of Stripe's objects tells only what is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.policy import Policy

if TYPE_CHECKING:
    from chalicelib.domain.account import Account


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What a running subscription was before it became another plan, or more or fewer seats. `at`
    is when that was heard.
    """

    subscription: str
    at: datetime
    plan: str
    quantity: int | None = None


def plan_change(
    written: "Account", new: "Account", policy: Policy, now: datetime
) -> PlanChange | None:
    """What changed between two versions, else the last that did. A subscription heard of for the
    first time has changed nothing.
    """
    for id, known in new.subscriptions.items():
        before = written.subscriptions.get(id)
        if before is None or known.value.final:
            continue
        was, is_ = policy.plan_of(before.value.items), policy.plan_of(known.value.items)
        if was[0] and is_[0] and was != is_:
            return PlanChange(id, now, was[0], was[1])
    return new.plan_change
