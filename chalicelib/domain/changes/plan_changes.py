"""Which plan changed between two versions of an account."""

from datetime import datetime

from chalicelib.domain.account.state import Account, PlanChange
from chalicelib.domain.policy.policy import Policy


def plan_change(written: Account, new: Account, policy: Policy, now: datetime) -> PlanChange | None:
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
