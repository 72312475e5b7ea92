"""The plan and the quantity that a subscription gives: those that were paid for. An ordered table,
of which the first rule that applies decides; docs/access.md shows it. Whether there is access is
decided in rules.py.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.access.rules import Case
from chalicelib.domain.account.payments import OF_A_CHANGE
from chalicelib.domain.account.queries import creation_order, invoices_of, plan_of, recognized
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription
from chalicelib.values import frozen

Terms = tuple[str | None, int | None]
"""A plan, None if no item has one, and its quantity."""

REMEMBERED = timedelta(days=365)
"""How long a debit that came back makes the next change by debit wait for its money."""


@frozen
class PlanRule:
    """One row of the table: `when` says when it applies and `then` what follows, for the docs.
    `applies` looks at an invoice that is not paid, of a change of plan or quantity.
    """

    when: str
    then: str
    applies: Callable[[Case, Invoice], bool]


def paid_plan(case: Case) -> Terms:
    """The plan and the quantity that the subscription gives. Of several changes that are not paid,
    those of before the first.
    """
    present = plan_of(case.account, case.subscription, case.policy)
    changes = [one for one in invoices_of(case.account, case.subscription) if _is_unpaid(one)]
    for invoice in sorted(changes, key=creation_order):
        if any(rule.applies(case, invoice) for rule in PLAN_RULES):
            before = _before(case, invoice)
            return present if before is None or _is_within(present, before, case.policy) else before
    return present


def gives_what_it_costs(
    account: Account, subscription: Subscription, policy: Policy, now: datetime
) -> bool:
    """Whether the plan and the quantity that the subscription gives are those that it has at
    Stripe, so that its price is theirs.
    """
    seen = account.subscriptions[subscription.id].seen
    case = Case(account, subscription, policy, now, seen)
    return paid_plan(case) == plan_of(account, subscription, policy)


def _is_unpaid(invoice: Invoice) -> bool:
    return invoice.reason == OF_A_CHANGE and invoice.status != "paid"


def _is_owed(case: Case, invoice: Invoice) -> bool:
    return any(debt.invoice.id == invoice.id for debt in case.debts)


def _waits_for_money(case: Case, invoice: Invoice) -> bool:
    failed_at = case.account.debit_failed_at
    if not case.account.payment_of(invoice.id).is_processing:
        return False
    came_back = failed_at is not None and case.now < failed_at + REMEMBERED
    return came_back or case.policy.access.debit_changes == "when_paid"


def _before(case: Case, invoice: Invoice) -> Terms | None:
    """The terms before the change: by the lines of its invoice, of which the smallest plan counts,
    else by the last change that Billhook saw. None if neither is known.
    """
    account, policy = case.account, case.policy
    credited = [policy.plan_of([recognized(account, one, policy)]) for one in invoice.changed_from]
    known = [terms for terms in credited if terms[0]] or _last_seen(account, case.subscription.id)
    return min(known, key=lambda terms: _size(terms, policy), default=None)


def _last_seen(account: Account, subscription: str) -> list[Terms]:
    change = account.plan_change
    return (
        [(change.plan, change.quantity)] if change and change.subscription == subscription else []
    )


def _is_within(present: Terms, before: Terms, policy: Policy) -> bool:
    """Whether the present terms give no more than those before in anything."""
    return all(
        now <= then for now, then in zip(_size(present, policy), _size(before, policy), strict=True)
    )


def _size(terms: Terms, policy: Policy) -> tuple[int, int]:
    plan, quantity = terms
    return policy.rank(plan), quantity or 1


PLAN_RULES = (
    PlanRule(
        "The payment of a change of plan or quantity failed, or its invoice was given up, and it is"
        " not paid.",
        "Those of before the change, also over a grace period.",
        _is_owed,
    ),
    PlanRule(
        "A bank debit is under way for a change of plan or quantity, and a debit of the account"
        ' came back within the last 365 days, or `debit_changes = "when_paid"`.',
        "Those of before the change, until the debit is paid.",
        _waits_for_money,
    ),
)
"""When a change gives nothing yet, in this order. In all other cases the plan and the quantity are
those that Stripe has.
"""
