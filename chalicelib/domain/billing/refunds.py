"""What a withdrawal pays back: never more, with the credit that is left, than what was paid."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from chalicelib.domain.account.cancellation import Refund
from chalicelib.domain.stripe_objects.answers import BalanceChange, StripeCharge
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription
from chalicelib.values import frozen

DAY = timedelta(days=1)


@frozen
class RefundPlan:
    """What is still to do: `credit` is taken off the customer's balance first; then of each charge
    `left` is refunded, by its id. `total` is what comes back in all, with what is refunded already.
    `currency` is that of the credit.
    """

    credit: int
    currency: str
    left: dict[str, int]
    total: Refund | None


def refund_plan(
    subscription: str,
    invoices: Collection[str],
    changes: Sequence[BalanceChange],
    charges: Sequence[StripeCharge],
    most: int | None = None,
) -> RefundPlan:
    """What a withdrawal from the subscription pays back, `most` minor units or all.

    `invoices` are the ids of the subscription's, `charges` those that paid them, the newest first,
    and `changes` those of the customer's balance, the newest first. Credit that was spent on
    something else cannot be taken away, so that much less is refunded of the newest charges.
    """
    made = -sum(change.amount for change in changes if change.invoice in invoices)
    taken = sum(change.amount for change in changes if change.withdrawn == subscription)
    there = max(0, -changes[0].ending_balance) if changes else 0
    owed = max(0, made - taken)
    credit = min(there, owed)
    paid = sum(charge.amount for charge in charges)
    total = max(0, min(paid, paid if most is None else most) - (owed - credit))
    rest, left = total, {}
    for charge in reversed(charges):
        share = min(rest, charge.amount)
        rest -= share
        if share > charge.amount_refunded:
            left[charge.id] = share - charge.amount_refunded
    currency = next((one.currency for one in charges if one.currency), None)
    return RefundPlan(
        credit,
        changes[0].currency if changes else currency or "",
        left,
        Refund(total, currency) if currency else None,
    )


def share_of_days_left(
    subscription: Subscription, invoices: Sequence[Invoice], now: datetime
) -> int:
    """What was paid for the days of the running period that are left, today included, in minor
    units. `invoices` are those of the subscription.
    """
    begun, end = subscription.period_start, subscription.period_end
    if begun is None or end is None or not begun < end:
        return 0
    paid = sum(one.amount_paid for one in invoices if one.created >= begun)
    days = max(1, round((end - begun) / DAY))
    left = min(days, max(0, -((now - end) // DAY)))
    return paid * left // days
