"""The change that a schedule at Stripe will make to a subscription."""

from collections.abc import Iterable
from datetime import datetime

from chalicelib.domain.account.queries import plan_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.answers import SchedulePhase
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import frozen, replace


@frozen
class PendingChange:
    """From `at` on the subscription has this plan and quantity. `plan` None: one that is not in
    billing.toml.
    """

    at: datetime
    plan: str | None
    quantity: int | None


def pending_change(
    account: Account,
    subscription: Subscription,
    phases: Iterable[SchedulePhase],
    policy: Policy,
    now: datetime,
) -> PendingChange | None:
    """The first phase to come with another plan or quantity; None if there is none."""
    present = plan_of(account, subscription, policy)
    for phase in sorted(phases, key=lambda phase: phase.starts_at):
        planned = replace(subscription, items=phase.items)
        plan, quantity = plan_of(account, planned, policy)
        if phase.starts_at > now and (plan, quantity) != present:
            return PendingChange(phase.starts_at, plan, quantity)
    return None
