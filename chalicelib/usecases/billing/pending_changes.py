"""What schedules at Stripe will change of an account's subscriptions."""

from collections.abc import Mapping

from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.pending_change import PendingChange, pending_change
from chalicelib.domain.errors import Refused, Unavailable, Unreadable
from chalicelib.usecases.services import Services


def pending_changes(account: Account, services: Services) -> Mapping[str, PendingChange]:
    """The pending change of each subscription that a schedule will change, by the subscription's
    id. Asks Stripe only for subscriptions with a schedule; without an answer there is none.
    """
    found: dict[str, PendingChange] = {}
    for id, tracked in account.subscriptions.items():
        one = tracked.value
        if one.schedule is None or one.final:
            continue
        try:
            phases = services.stripe.subscriptions.phases_of(one.schedule)
        except (Unavailable, Refused, Unreadable):
            continue
        change = pending_change(account, one, phases, services.policy, services.clock.now())
        found |= {id: change} if change else {}
    return found
