"""How a change of plan is billed, by what was paid for the period in which it is made."""

from collections.abc import Sequence

from chalicelib.domain.account.operations import Change
from chalicelib.domain.account.payments import is_paid_period, is_to_pay
from chalicelib.domain.account.queries import as_recognized
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.decisions import NOT_PAID, plan_item
from chalicelib.domain.billing.selling import amount_after
from chalicelib.domain.errors import NotPossible
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Invoice, Item, Subscription
from chalicelib.values import replace


def within_paid(
    account: Account,
    subscription: Subscription,
    change: Change,
    invoices: Sequence[Invoice],
    policy: Policy,
) -> Change:
    """The change, so that it credits nothing that was not paid. `invoices` are the subscription's,
    as Stripe holds them now.

    In a period that was not paid, or if a payment is disputed, nothing is prorated. What costs more
    than before begins a new period there: else the customer would have it until the end of that one
    without paying. Raises NotPossible while an invoice is to be paid.
    """
    if any(is_to_pay(invoice) for invoice in invoices):
        raise NotPossible(NOT_PAID)
    if subscription.status == "trialing":
        return change
    if is_paid_period(subscription, invoices) and not account.disputed:
        return change
    item = plan_item(as_recognized(account, subscription, policy), policy)
    dearer = costs_more(item, change, policy)
    return replace(change, prorate="none", new_period=dearer)


def costs_more(item: Item, change: Change, policy: Policy) -> bool:
    """Whether a period costs more after the change. Where the amounts are not known, the larger
    plan, or the larger quantity of the same one, costs more.
    """
    amount = amount_after(item, change, policy, item.currency or policy.currency)
    plan, quantity = policy.plan_of([item])
    if amount is None or item.amount is None:
        before = policy.rank(plan), quantity or 1
        return (policy.rank(change.plan), change.quantity) > before
    return amount * change.quantity > item.amount * (quantity or 1)
