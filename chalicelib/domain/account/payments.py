"""What the invoices of a subscription mean: which are paid or settled, which payment is under way,
and what is owed since when.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.domain.account.cancellation import OwnPause
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.parts.invoices import PaymentState, TrackedInvoice
from chalicelib.domain.account.queries import (
    card_of,
    creation_order,
    has_card,
    invoices_of,
    period_invoices,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import OF_SINGLE_ITEMS, Invoice, Subscription
from chalicelib.values import frozen, replace

OF_A_CHANGE = "subscription_update"
"""The reason of an invoice that a change of plan or quantity made."""

OF_A_PERIOD = "subscription_cycle"
"""The reason of an invoice for a period that begins, the first after a trial included."""

SAYS_UNPAID = frozenset({"past_due", "unpaid"})
"""The statuses of a subscription that say that its latest payment failed."""

KINDS = {
    "failed": "A payment of the invoice was tried, and failed.",
    "overdue": "The invoice was sent, and its due date is over.",
    "uncollectible": "The invoice was given up, and no later one was paid.",
    "returned": (
        "The first payment was a debit that failed later. Stripe voids such an invoice, and the"
        " subscription stays active."
    ),
}
"""Why an invoice is owed."""


UNUSABLE = frozenset(
    {
        "account_closed",
        "bank_account_restricted",
        "bank_ownership_changed",
        "branch_does_not_exist",
        "debit_not_authorized",
        "incorrect_account_holder_name",
        "incorrect_account_holder_tax_id",
        "invalid_account_number",
        "invalid_currency",
        "no_account",
        "recipient_deceased",
    }
)
"""Stripe's codes of a failed debit after which the bank account, or its mandate, cannot be used
again (the codes of `Charge.failure_code` in Stripe's API, for bank debits).
"""


@frozen
class Debt:
    """An invoice that should be paid by now: owed `since` a time, for one of KINDS."""

    invoice: Invoice
    kind: str
    since: datetime


def is_settled(account: Account, invoice: Invoice) -> bool:
    """Whether nothing is owed for the invoice and nothing will be. A void invoice owes nothing, but
    one whose payment was returned; nor does what a pause of collection made uncollectible or keeps
    as a draft; nor a period that a coupon or credit made free.
    """
    match invoice.status:
        case "paid":
            return True
        case "void":
            return not was_returned(account, invoice)
        case "uncollectible":
            return _by_a_pause(account, invoice)
        case "draft":
            return is_free_period(invoice) or _is_held(account, invoice)
    return is_free_period(invoice) and not invoice.attempt_count


def is_free_period(invoice: Invoice) -> bool:
    """Whether it is the invoice of a period, not of a change, and there is nothing to pay."""
    return invoice.amount_due == 0 and invoice.reason != OF_A_CHANGE


def is_payment(invoice: Invoice) -> bool:
    """Whether money came with the invoice, credit paid it, or its period was free. An invoice of 0
    that a change of plan made is no payment.
    """
    by_credit = invoice.total is not None and invoice.total > 0
    return invoice.status == "paid" and bool(
        invoice.amount_paid or by_credit or is_free_period(invoice)
    )


def was_returned(account: Account, invoice: Invoice) -> bool:
    """Whether the invoice was voided after its payment had failed, or while a debit was under way
    of which nothing else is known, and no money ever came with its subscription.
    """
    payment = account.payment_of(invoice.id)
    if invoice.status != "void" or not (payment.first_failed_at or payment.is_processing):
        return False
    return not any(
        tracked.value.status == "paid" and tracked.value.amount_paid
        for tracked in account.invoices.values()
        if tracked.value.subscription == invoice.subscription
    )


def _by_a_pause(account: Account, invoice: Invoice) -> bool:
    """Whether a pause of collection made the invoice uncollectible. Nobody had tried to collect
    it, or it was not due yet.
    """
    if _is_paused(account, invoice):
        return True
    if invoice.send_invoice:
        tracked = account.invoices.get(invoice.id)
        at = invoice.uncollectible_at or (tracked.seen if tracked else None)
        return bool(at and invoice.due_date and at < invoice.due_date)
    return not invoice.attempt_count


def _is_held(account: Account, invoice: Invoice) -> bool:
    """Whether the draft stays one: collection is paused, or Stripe does not go on with it by itself
    although a period began with it.
    """
    return _is_paused(account, invoice) or _stays_a_draft(invoice)


def _stays_a_draft(invoice: Invoice) -> bool:
    return invoice.held and invoice.reason == OF_A_PERIOD


def _is_paused(account: Account, invoice: Invoice) -> bool:
    tracked = account.subscriptions.get(invoice.subscription or "")
    return tracked is not None and tracked.value.pause_collection is not None


def awaits_payment_state(invoice: Invoice, payment: PaymentState) -> bool:
    """Whether a payment was tried and its outcome is not known yet. A debit is under way for
    days, and all the while the invoice looks like one whose payment failed.
    """
    known = max(payment.known_attempt, 1 if payment.processing_at else 0)
    return invoice.status in {"open", "void"} and invoice.attempt_count > known


def failed_attempts(account: Account, tracked: TrackedInvoice) -> int:
    """How many attempts to collect the invoice have failed, as far as it is known. 0 while a debit
    is under way, and for a sent invoice, which the customer pays by themselves.
    """
    invoice = tracked.value
    subscription = account.subscriptions.get(invoice.subscription or "")
    undecided = FetchRequest("payments", invoice.id) in account.asks and not (
        subscription and subscription.value.status in SAYS_UNPAID
    )
    if invoice.send_invoice or account.payment_of(invoice.id).is_processing or undecided:
        return 0
    return invoice.attempt_count


def failed_since(account: Account, invoice: Invoice, otherwise: datetime | None = None) -> datetime:
    """When the payment of the invoice failed: a debit when it was returned, a card when the invoice
    was finalized. `otherwise` stands in for a debit that has not failed as far as it is known.
    """
    first_failure = account.payment_of(invoice.id).first_failed_at
    returned = first_failure if was_debit(account, invoice) else None
    return returned or otherwise or invoice.finalized_at or invoice.created


def was_debit(account: Account, invoice: Invoice) -> bool:
    """Whether a bank debit was tried for the invoice. Until Stripe has told more of the payment
    than that it failed, what is on file decides: the other events may be lost.
    """
    payment = account.payment_of(invoice.id)
    if payment.processing_at or payment.failure or not payment.first_failed_at:
        return payment.processing_at is not None
    tracked = account.subscriptions.get(invoice.subscription or "")
    on_file = card_of(account, tracked.value) if tracked else None
    return on_file is not None and on_file.debit is not None


def is_unusable(payment: PaymentState) -> bool:
    """Whether the failed payment cannot be repeated with the same bank account."""
    return payment.failure in UNUSABLE


def processing_until(
    account: Account, subscription: Subscription, debit: timedelta
) -> datetime | None:
    """How long the debits that are under way count as paid: `debit` from when they were reported,
    and no longer than `debit` after one came back; None if none is under way.
    """
    ends = [
        end
        for invoice in period_invoices(account, subscription)
        if invoice.status == "open" and (end := _processing_until(account, invoice, debit))
    ]
    return max(ends, default=None)


def _processing_until(account: Account, invoice: Invoice, debit: timedelta) -> datetime | None:
    payment = account.payment_of(invoice.id)
    if not payment.is_processing or payment.processing_at is None:
        return None
    starts = (payment.processing_at, _first_return(account))
    return min(start for start in starts if start) + debit


def _first_return(account: Account) -> datetime | None:
    """When a debit first came back since money last came; None if none did. Without this one debit
    after another, none of which ever pays, would be access for nothing.
    """
    returns = (*_returns(account).values(), account.debit_returned_at)
    paid = [
        tracked.value.paid_at or tracked.value.created
        for tracked in account.invoices.values()
        if tracked.value.status == "paid" and tracked.value.amount_paid
    ]
    since = max(paid, default=None)
    return min((at for at in returns if at and (since is None or at >= since)), default=None)


def _returns(account: Account) -> dict[str, datetime]:
    """When a debit first came back, by the invoice that it was for and that is not paid."""
    return {
        id: failed_at
        for id, tracked in account.invoices.items()
        if (failed_at := account.payment_of(id).first_failed_at)
        and tracked.value.status != "paid"
        and was_debit(account, tracked.value)
    }


def remembered_return(written: Account, updated: Account) -> datetime | None:
    """When a debit came back whose invoice the account no longer has, now that `written` becomes
    `updated`; None if money came since.
    """
    dropped = [at for id, at in _returns(written).items() if id not in updated.invoices]
    before = min((at for at in (*dropped, updated.debit_returned_at) if at), default=None)
    remembered = replace(updated, debit_returned_at=before)
    return before if before and _first_return(remembered) else None


def debts(
    account: Account, subscription: Subscription, debit: timedelta, now: datetime
) -> list[Debt]:
    """What is owed for a subscription's periods and changes at `now`, the oldest debt first."""
    invoices = period_invoices(account, subscription)
    found = [_debt(account, invoice, invoices, debit, now) for invoice in invoices]
    return sorted((one for one in found if one), key=lambda debt: (debt.since, debt.invoice.id))


def _debt(
    account: Account,
    invoice: Invoice,
    invoices: list[Invoice],
    debit: timedelta,
    now: datetime,
) -> Debt | None:
    if is_settled(account, invoice):
        return None
    tracked, payment = account.invoices[invoice.id], account.payment_of(invoice.id)
    processing_until = _processing_until(account, invoice, debit)
    since = failed_since(account, invoice, processing_until)
    if was_debit(account, invoice):
        since = min(since, _first_return(account) or since)
    if processing_until and now < processing_until:
        return None
    match invoice.status:
        case "open" if invoice.send_invoice:
            overdue = invoice.due_date is not None and invoice.due_date <= now
            return Debt(invoice, "overdue", invoice.due_date or since) if overdue else None
        case "open" if failed_attempts(account, tracked) or processing_until:
            return Debt(invoice, "failed", since)
        case "uncollectible":
            later = [one for one in invoices if creation_order(one) > creation_order(invoice)]
            if any(is_payment(one) for one in later):
                return None
            return Debt(invoice, "uncollectible", invoice.due_date or since)
        case "void":
            by_debit = was_debit(account, invoice)
            return Debt(
                invoice, "returned", since if by_debit else payment.first_failed_at or since
            )
    return None


def unpaid_invoices(account: Account) -> list[Invoice]:
    """The invoices of live subscriptions whose payment failed: those that are open, and the first
    one of a subscription, which Stripe voids when its debit is returned.

    Without those of a purchase that is under way on Stripe's page, and of a trial that ended
    without a card: no payment was expected there. Who has paid by debit had a bank account, even
    if it is not on file any more.
    """
    found: list[Invoice] = []
    for subscription in (tracked.value for tracked in account.subscriptions.values()):
        no_payment_expected = (
            subscription.trial_end
            and not paid_since_trial(account, subscription)
            and not has_card(account, subscription)
        )
        if subscription.final or subscription.status == "incomplete":
            continue
        found += [
            invoice
            for invoice in invoices_of(account, subscription)
            if _has_failed(account, invoice)
            and not (no_payment_expected and account.payment_of(invoice.id).processing_at is None)
        ]
    return found


def _has_failed(account: Account, invoice: Invoice) -> bool:
    """Whether the payment of the invoice failed and it still waits for one. A void invoice does
    only after a debit: after a card's failure it was withdrawn.
    """
    if invoice.status == "open":
        return failed_attempts(account, account.invoices[invoice.id]) > 0
    return was_debit(account, invoice) and was_returned(account, invoice)


def paid_since_trial(account: Account, subscription: Subscription) -> bool:
    """Whether an invoice created at or after the trial's end is paid (see is_payment). The invoice
    of 0 that Stripe creates at a trial's start does not count.
    """
    return any(is_payment(invoice) for invoice in _since_trial(account, subscription))


def settled_since_trial(account: Account, subscription: Subscription) -> bool:
    """Whether an invoice created at or after the trial's end is paid, or its period is settled in
    another way. A change of plan that cost nothing settles no period.
    """
    return any(
        is_payment(invoice) or (is_settled(account, invoice) and invoice.reason != OF_A_CHANGE)
        for invoice in _since_trial(account, subscription)
    )


def _since_trial(account: Account, subscription: Subscription) -> list[Invoice]:
    end = subscription.trial_end
    return [one for one in period_invoices(account, subscription) if end and one.created >= end]


def unpaid_pause(account: Account, subscription: Subscription) -> OwnPause | None:
    """The customer's own pause of the subscription, as long as nothing is paid for the time after
    `paid_until`; also once it has ended, if Stripe voided what was due meanwhile.
    """
    pause, collection = account.own_pause, subscription.pause_collection
    if pause is None or pause.subscription != subscription.id:
        return None
    since = [
        one
        for one in period_invoices(account, subscription)
        if one.created >= pause.paid_until and (one.reason != OF_A_CHANGE or is_payment(one))
    ]
    newest = max(since, key=creation_order, default=None)
    is_on = collection is not None and collection.resumes_at == pause.resumes_at
    was_voided = any(one.status in {"void", "uncollectible"} for one in since)
    # Credit may have paid a period within the pause: that says nothing about the next one.
    is_paid = newest is not None and is_payment(newest)
    return pause if (is_on or was_voided) and not is_paid else None


def is_to_pay(invoice: Invoice) -> bool:
    """Whether the invoice is still to be paid; a draft is, for Stripe charges it within an hour.
    One of a period that stays a draft is not: a pause of collection left it behind.
    """
    if _stays_a_draft(invoice):
        return False
    return invoice.status in {"draft", "open"} and invoice.amount_due > 0


def is_paid_period(subscription: Subscription, invoices: Iterable[Invoice]) -> bool:
    """Whether the running period of a subscription was paid, by money or by credit. One that was
    free, or whose invoice was voided or given up, was not; nor is one whose invoice is a draft.
    """
    begun = subscription.period_start
    return any(
        one.status == "paid"
        and one.reason not in OF_SINGLE_ITEMS
        and bool(one.amount_paid or one.total)
        and (begun is None or one.created >= begun)
        for one in invoices
    )


def first_paid_invoice(account: Account, subscription: Subscription) -> Invoice | None:
    """The subscription's first paid invoice; after a trial, the first created at or after its end,
    which may be of 0 (see is_payment).
    """
    paid = (
        [one for one in _since_trial(account, subscription) if is_payment(one)]
        if subscription.trial_end
        else [
            one
            for one in period_invoices(account, subscription)
            if one.status == "paid" and one.amount_paid
        ]
    )
    return min(paid, key=creation_order, default=None)


def was_ever_paid(account: Account, subscription: Subscription) -> bool:
    """Whether any of the subscription's invoices of more than 0 is paid."""
    return any(
        invoice.status == "paid" and invoice.amount_paid
        for invoice in invoices_of(account, subscription)
    )
