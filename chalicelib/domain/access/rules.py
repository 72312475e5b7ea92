"""The rules of access for one subscription: an ordered table, of which the first rule that applies
decides. docs/access.md shows the same table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from chalicelib.domain.account.charge_backs import charged_back, is_paid_by_lost_credit
from chalicelib.domain.account.payments import (
    Debt,
    debts,
    is_payment,
    processing_until,
    settled_since_trial,
    unpaid_pause,
    was_debit,
)
from chalicelib.domain.account.queries import creation_order, has_card, period_invoices
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import frozen

Access = tuple[str, str, datetime | None]
"""(access, reason, until): `reason` is one of standing.REASONS, and `until` is when the access
changes by the clock alone.
"""

CLOSED = {
    "incomplete": "payment_incomplete",
    "incomplete_expired": "incomplete_expired",
    "unpaid": "unpaid",
    "paused": "paused",
    "canceled": "canceled",
}
"""Stripe's statuses that give no access → the reason."""

WAITS_FOR_PAYMENT = frozenset({"incomplete", "past_due", "unpaid"})
"""Stripe's statuses while the latest invoice is not paid."""


@dataclass(frozen=True)
class Case:
    """What the rules decide on: a subscription of the account at `now`. `seen` is when its state
    was last reported. What several rules look at is worked out once, which slots would not allow.
    """

    account: Account
    subscription: Subscription
    policy: Policy
    now: datetime
    seen: datetime

    @cached_property
    def debts(self) -> list[Debt]:
        """What is owed, the oldest debt first."""
        return debts(self.account, self.subscription, self.policy.access.debit, self.now)

    @cached_property
    def processing_until(self) -> datetime | None:
        """How long a debit that is under way counts as paid; None if none does at `now`."""
        end = processing_until(self.account, self.subscription, self.policy.access.debit)
        return end if end and self.now < end else None

    @cached_property
    def was_ever_settled(self) -> bool:
        """Whether any period of the subscription was paid or free, the trial not counted."""
        end = self.subscription.trial_end
        return any(
            is_payment(invoice) and (end is None or invoice.created >= end)
            for invoice in period_invoices(self.account, self.subscription)
        )

    def full_until(self, reason: str, until: datetime, afterwards: tuple[str, str]) -> Access:
        """Full access for `reason` until a time; after it (access, reason) as in `afterwards`."""
        return ("full", reason, until) if self.now < until else (*afterwards, None)


@frozen
class Rule:
    """One row of a table: `when` says when it applies and `then` what follows, for the docs."""

    when: str
    then: str
    decide: Callable[[Case], Access | None]


def access_of(case: Case) -> Access:
    """The access that a subscription gives by the first rule that applies."""
    return _first(RULES, case)


def _first(rules: tuple[Rule, ...], case: Case) -> Access:
    found = (rule.decide(case) for rule in rules)
    return next(access for access in found if access)


def _customer_deleted(case: Case) -> Access | None:
    customer = case.account.customers.get(case.subscription.customer)
    return ("none", "customer_deleted", None) if customer and customer.value.deleted else None


def _end_reached(case: Case) -> Access | None:
    end = case.subscription.cancels_at
    is_over = end is not None and end <= case.now and case.subscription.status not in CLOSED
    return ("none", "canceled", None) if is_over else None


def _debit_for_status(case: Case) -> Access | None:
    if case.subscription.status not in WAITS_FOR_PAYMENT or case.debts:
        return None
    until = case.processing_until
    return ("full", "payment_processing", until) if until else None


def _closed(case: Case) -> Access | None:
    reason = CLOSED.get(case.subscription.status)
    return ("none", reason, None) if reason else None


def _collection_paused(case: Case) -> Access | None:
    pause, access = case.subscription.pause_collection, case.policy.access.collection_paused
    if access is None or pause is None or (pause.resumes_at and pause.resumes_at <= case.now):
        return None
    running = _running(case)
    if running[0] == "none":
        return None
    return access, "collection_paused", _earliest(pause.resumes_at, running[2])


def _paused_by_customer(case: Case) -> Access | None:
    """What a customer takes by one click is never free use: access ends with what is paid."""
    pause = unpaid_pause(case.account, case.subscription)
    running = _running(case)
    if pause is None or running[0] == "none":
        return None
    if case.now < pause.paid_until:
        access, reason, until = running
        return access, reason, _earliest(pause.paid_until, until)
    return "limited", "collection_paused", case.subscription.cancels_at


def _running(case: Case) -> Access:
    access, reason, until = _first(RUNNING, case)
    return (
        access,
        reason,
        None if access == "none" else _earliest(until, case.subscription.cancels_at),
    )


def _trialing(case: Case) -> Access | None:
    if case.subscription.status != "trialing":
        return None
    end = case.subscription.trial_end
    if end is None or case.now < end:
        return "full", "trialing", end
    goes_on = (
        has_card(case.account, case.subscription)
        or case.subscription.send_invoice
        or settled_since_trial(case.account, case.subscription)
    )
    until = end + (case.policy.trial.late_news if goes_on else timedelta(0))
    return case.full_until("trialing", until, ("none", "trial_expired"))


def _charged_back(case: Case) -> Access | None:
    level = case.policy.access.disputed
    if level == "full" or charged_back(case.account, case.subscription) is None:
        return None
    return level, "charged_back", None


def _paid_by_lost_credit(case: Case) -> Access | None:
    level = case.policy.access.disputed
    if level == "full" or not is_paid_by_lost_credit(case.account, case.subscription):
        return None
    return level, "charged_back", None


def _uncollectible(case: Case) -> Access | None:
    debt = _oldest(case, "uncollectible")
    if debt is None:
        return None
    level = case.policy.access.debts
    if not case.was_ever_settled:
        return level, "uncollectible", None
    until = debt.since + case.policy.access.past_due_grace
    return case.full_until("past_due_grace", until, (level, "uncollectible"))


def _overdue(case: Case) -> Access | None:
    debt = _oldest(case, "overdue")
    if debt is None:
        return None
    until = debt.since + case.policy.access.past_due_grace
    return case.full_until("past_due_grace", until, ("limited", "past_due"))


def _first_debit_failed(case: Case) -> Access | None:
    """Only debits fail so late that the subscription was active before."""
    if case.was_ever_settled or case.processing_until:
        return None
    returned = next(
        (
            debt
            for debt in case.debts
            if debt.kind == "returned"
            or (debt.kind == "failed" and was_debit(case.account, debt.invoice))
        ),
        None,
    )
    if returned is None:
        return None
    until = returned.since + case.policy.trial.first_payment
    reason = "trial_expired" if case.subscription.trial_end else "payment_incomplete"
    return case.full_until("first_payment", until, ("none", reason))


def _trial_not_paid(case: Case) -> Access | None:
    subscription, end = case.subscription, case.subscription.trial_end
    if end is None or settled_since_trial(case.account, subscription):
        return None
    if until := case.processing_until:
        return "full", "payment_processing", until
    if subscription.send_invoice:
        return None
    if not has_card(case.account, subscription):
        return "none", "trial_expired", None
    until = end + case.policy.trial.first_payment
    return case.full_until("first_payment", until, ("none", "trial_expired"))


def _past_due(case: Case) -> Access | None:
    failed = _oldest(case, "failed")
    is_past_due = case.subscription.status == "past_due"
    if not is_past_due and not (failed and _is_latest(case, failed)):
        return None
    unknown_since = None if case.subscription.send_invoice else case.subscription.period_start
    since = failed.since if failed else unknown_since or case.seen
    until = since + case.policy.access.past_due_grace
    return case.full_until("past_due_grace", until, ("limited", "past_due"))


def _canceling(case: Case) -> Access | None:
    end = case.subscription.cancels_at
    return ("full", "canceling", end) if end else None


def _active(case: Case) -> Access:
    end = case.subscription.period_end
    if end is None:
        return "full", "active", None
    until = end + case.policy.access.renewal_grace
    return case.full_until("active", until, (case.policy.access.stale, "stale"))


def _oldest(case: Case, kind: str) -> Debt | None:
    return next((debt for debt in case.debts if debt.kind == kind), None)


def _is_latest(case: Case, debt: Debt) -> bool:
    """Whether the debt is for the latest invoice. Stripe derives the status from that one, and its
    report may be late or lost.
    """
    invoices = period_invoices(case.account, case.subscription)
    invoices = [one for one in invoices if one.status != "void"]
    return max(invoices, key=creation_order).id == debt.invoice.id


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time), default=None)


RUNNING = (
    Rule(
        "The trial runs.",
        "Full until its end. `late_news_hours` longer, until Stripe reports what became of it, if a"
        " card is on file, invoices are sent, or the first period is free.",
        _trialing,
    ),
    Rule(
        "A customer disputed a payment of the running period at the bank, the dispute is lost, and"
        " what was paid since does not come to as much.",
        "As `disputed` says, also over a grace period. A dispute that is open or won changes"
        " nothing here.",
        _charged_back,
    ),
    Rule(
        "Credit pays for the running period, and a payment of the customer is disputed, or the"
        " dispute is lost and neither what was paid since nor the credit that was used since comes"
        " to as much.",
        "As `disputed` says: the credit may be from that payment. An inquiry and a dispute that was"
        " won change nothing.",
        _paid_by_lost_credit,
    ),
    Rule(
        "An invoice was given up as uncollectible, and neither it nor a later one is paid.",
        "Full for `past_due_grace_days` from its due date or its finalization, then as `debts`"
        " says; at once if nothing was ever paid.",
        _uncollectible,
    ),
    Rule(
        "A sent invoice is past its due date. The oldest one decides; a newer one that is not due"
        " yet changes nothing.",
        "Full for `past_due_grace_days` from the due date, then limited.",
        _overdue,
    ),
    Rule(
        "The first payment was a bank debit that failed, or its invoice was voided after the"
        " payment had failed.",
        "Full for `first_payment_hours` from the failure, then none.",
        _first_debit_failed,
    ),
    Rule(
        "The trial is over, and nothing was paid since and no period was free or settled.",
        "A bank debit under way: full for `debit_days`. Invoices that are sent: the rules below."
        " A card on file: full for `first_payment_hours` from the trial's end. Else none.",
        _trial_not_paid,
    ),
    Rule(
        "A payment failed: Stripe says `past_due`, or the latest invoice says so.",
        "Full for `past_due_grace_days` from when the oldest failed invoice was finalized, or from"
        " when its debit failed; then limited.",
        _past_due,
    ),
    Rule("A cancellation is scheduled.", "Full until then.", _canceling),
    Rule(
        "The subscription is active.",
        "Full until `renewal_grace_days` after the period's end; then as `stale` says, because"
        " Stripe has reported no next period.",
        _active,
    ),
)
"""The rules for a subscription that runs, in their order."""

RULES = (
    Rule("The Stripe customer was deleted.", "None.", _customer_deleted),
    Rule("The scheduled end of the subscription has come.", "None.", _end_reached),
    Rule(
        "A bank debit is under way for what Stripe calls `incomplete`, `past_due` or `unpaid`, and"
        " nothing else is owed.",
        "Full for `debit_days` from when the debit began, or from when one came back that no money"
        " followed.",
        _debit_for_status,
    ),
    Rule(
        "Stripe's status is `incomplete`, `incomplete_expired`, `unpaid`, `paused` or `canceled`.",
        "None.",
        _closed,
    ),
    Rule(
        "Collection is paused, and there would be access without that.",
        "As `collection_paused` says.",
        _collection_paused,
    ),
    Rule(
        "The customer took a pause on the billing page, and nothing is paid for the time after it"
        " yet.",
        "By the rules for a subscription that runs until the end of what was paid before the pause,"
        " then limited. Full again with the next payment.",
        _paused_by_customer,
    ),
    Rule("In all other cases.", "By the rules for a subscription that runs.", _running),
)
"""The rules for every subscription, in their order."""
