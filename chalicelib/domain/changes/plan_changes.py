"""Finds the plan that changed between two versions of an account."""

from datetime import datetime

from chalicelib.domain.account.queries import plan_of
from chalicelib.domain.account.state import Account, PlanChange
from chalicelib.domain.policy.policy import Policy


def plan_change(written: Account, new: Account, policy: Policy, now: datetime) -> PlanChange | None:
    """The change of plan or quantity between two versions, else the last one before. A new
    subscription is no change.
    """
    for id, tracked in new.subscriptions.items():
        last = written.subscriptions.get(id)
        if last is None or tracked.value.final:
            continue
        before = plan_of(written, last.value, policy)
        after = plan_of(new, tracked.value, policy)
        if before[0] and after[0] and before != after:
            return PlanChange(id, now, before[0], before[1])
    return new.plan_change
