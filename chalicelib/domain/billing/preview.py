"""What a change of plan costs: which part of Stripe's amount is due at once, and how long that may
be confirmed.
"""

from datetime import datetime, timedelta

from chalicelib.domain.account.operations import Change
from chalicelib.domain.billing.decisions import plan_item
from chalicelib.domain.billing.selling import amount_after
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import frozen

PREVIEW_LASTS = timedelta(minutes=15)
"""How long a preview may be confirmed. A later confirmation would prorate as of the preview, so it
needs a new one.
"""


@frozen
class Preview:
    """What a change costs: `due_now` in minor units of `currency`, if it is made as of `as_of`;
    with `next_invoice` the next one's amount is `next_amount`. `change` None: nothing to change.
    """

    change: Change | None
    due_now: int
    currency: str
    as_of: datetime
    next_amount: int | None = None


def is_fresh(as_of: datetime, now: datetime) -> bool:
    """Whether a preview as of `as_of` may still be confirmed."""
    return timedelta(0) <= now - as_of <= PREVIEW_LASTS


def preview_of(
    change: Change, one: Subscription, policy: Policy, amount: int, currency: str
) -> Preview:
    """The preview of a change to a subscription, of which Stripe says that the invoice is `amount`
    in minor units.

    That invoice is made at once if the change is prorated now or begins a new period; else, and
    always in a trial, it is the next one. Raises NotPossible as `plan_item` does.
    """
    at_once = one.status != "trialing" and (
        change.prorate == "now"
        or change.new_period
        or plan_item(one, policy).interval != change.interval
    )
    if at_once:
        return Preview(change, amount, currency, change.as_of)
    return Preview(change, 0, currency, change.as_of, amount)


def costs_more(preview: Preview, one: Subscription, policy: Policy) -> bool:
    """Whether a change makes the customer pay more than a period costs now: at once, or for the
    next one. Where billing.toml has no amount, a larger plan or more seats do.
    """
    change = preview.change
    if change is None:
        return False
    item = plan_item(one, policy)
    seats = item.quantity or 1
    price = amount_after(item, change, policy, preview.currency)
    if item.amount is None or price is None:
        present = policy.rank(policy.plan_of([item])[0]), seats
        return (policy.rank(change.plan), change.quantity) > present or change.quantity > seats
    return max(preview.due_now, price * change.quantity) > item.amount * seats
