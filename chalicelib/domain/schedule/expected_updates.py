"""Updates that Stripe should report at a known time, and when to fetch them if they do not come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce

from chalicelib.domain.account.fetch_requests import FetchRequest, everything_of
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.queries import (
    creation_order,
    has_card,
    invoices_of,
    is_deleted,
    period_invoices,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Invoice, Subscription
from chalicelib.values import replace

EXPECTED = {
    "trial": "A trial ends: it is converted, paused, canceled or extended.",
    "trial_payment": (
        "A trial has ended with a card on file: its first invoice, a draft for an hour, is tried."
    ),
    "period": "A period ends: another one begins, or none does.",
    "cancellation": "The moment for which a cancellation is scheduled.",
    "resumption": "Collection of payments is resumed.",
    "first_payment": "A purchase that is not paid: Stripe gives it up after 23 hours.",
    "paid": "An invoice is paid, and the status that waits for that does not say so yet.",
    "attempt": "A payment that failed is tried again.",
    "debit": "A bank debit that is under way is paid or fails, within two weeks.",
    "due": "A sent invoice is due: it is paid, or is not.",
}
"""The expected updates, and what Stripe reports then."""

FETCHED_AFTER = tuple(timedelta(hours=hours) for hours in (1, 4, 24, 72))
"""How long after its time a missing update is fetched, again and again with longer waits: Stripe
may be late. After three days it is left to the daily reconciliation.
"""

RENEWS = frozenset({"active", "past_due", "unpaid"})
WAITS = frozenset({"incomplete", "past_due", "unpaid", "paused"})
"""The statuses that a payment of the latest invoice ends."""

INCOMPLETE_FOR = timedelta(hours=23)  # docs.stripe.com/billing/subscriptions/overview
DRAFT_FOR = timedelta(hours=1)
DEBIT_TAKES = timedelta(days=14)
"""The slowest bank debits take 14 days (docs.stripe.com/payments/sepa-debit)."""


@dataclass(frozen=True, slots=True, order=True)
class ExpectedUpdate:
    """An update about a customer's subscription: when to fetch it if it has not come, and which of
    EXPECTED it is.
    """

    fetch_at: datetime
    what: str
    customer: str


def expected_updates(account: Account) -> tuple[ExpectedUpdate, ...]:
    """The updates that the account expects, the earliest first. All customers among them have to be
    fetched together: `owed_asked_at` is one time for the whole account.
    """
    found = []
    for known in account.subscriptions.values():
        customer = known.value.customer
        if (
            known.value.final
            or is_deleted(account, customer)
            or FetchRequest("subscriptions", customer) in account.asks
        ):
            continue
        fetched_at = _fetched_at(account, known)
        for what, moment in _expected_times(account, known.value):
            if moment is None:
                continue
            times = (moment + gap for gap in FETCHED_AFTER)
            next_at = next((at for at in times if fetched_at is None or at > fetched_at), None)
            if next_at:
                found.append(ExpectedUpdate(next_at, what, customer))
    return tuple(sorted(found))


def fetching_all_of(account: Account, customer: str) -> Account:
    """The account with everything of a customer among what has to be fetched."""
    for request in everything_of(customer):
        account = account.with_fetch(request)
    return account


def fetching_overdue(account: Account, now: datetime) -> Account:
    """As soon as one expected update is overdue, the account with everything of all customers with
    expected updates among what has to be fetched; unchanged before.
    """
    updates = expected_updates(account)
    if not updates or updates[0].fetch_at > now:
        return account
    customers = sorted({update.customer for update in updates})
    account = reduce(fetching_all_of, customers, replace(account, owed_asked_at=now))
    for id in account.payments:
        if account.payments[id].is_processing and id in account.invoices:
            account = account.with_fetch(FetchRequest("payments", id))
    return account


def _fetched_at(account: Account, known: Tracked[Subscription]) -> datetime | None:
    """When the subscription was last fetched, for an overdue update or for any other reason."""
    return max(
        (at for at in (account.owed_asked_at, known.seen if known.asked else None) if at),
        default=None,
    )


_Times = Iterator[tuple[str, datetime | None]]


def _expected_times(account: Account, subscription: Subscription) -> _Times:
    """What Stripe should report, and when; None where nothing is to come."""
    pause = subscription.pause_collection
    yield "cancellation", subscription.cancels_at
    yield "resumption", pause.resumes_at if pause else None
    if subscription.status in WAITS:
        yield "paid", _paid_since(account, subscription)
    if subscription.status == "trialing":
        yield "trial", subscription.trial_end
    elif subscription.status == "incomplete":
        yield "first_payment", subscription.created + INCOMPLETE_FOR
    elif subscription.status in RENEWS:
        yield "period", subscription.period_end
        yield "trial_payment", _trial_payment(account, subscription)
        for invoice in invoices_of(account, subscription):
            if invoice.status == "open":
                yield from _of_open_invoice(account, invoice)


def _trial_payment(account: Account, subscription: Subscription) -> datetime | None:
    end = subscription.trial_end
    is_awaited = end and _first_payment_is_awaited(account, subscription, end)
    return end + DRAFT_FOR if end and is_awaited else None


def _of_open_invoice(account: Account, invoice: Invoice) -> _Times:
    yield "attempt", invoice.next_payment_attempt
    payment = account.payment_of(invoice.id)
    if payment.is_processing and payment.processing_at:
        yield "debit", payment.processing_at + DEBIT_TAKES
    elif invoice.send_invoice:
        yield "due", invoice.due_date


def _paid_since(account: Account, subscription: Subscription) -> datetime | None:
    """When the latest invoice was paid, if the subscription was not reported after that."""
    bills = [one for one in period_invoices(account, subscription) if one.status != "void"]
    latest = max(bills, key=creation_order, default=None)
    paid_at = latest.paid_at if latest else None
    return paid_at if paid_at and paid_at >= account.subscriptions[subscription.id].seen else None


def _first_payment_is_awaited(
    account: Account, subscription: Subscription, trial_end: datetime
) -> bool:
    """Whether a card is on file and no invoice since the trial's end has been tried. Without a card
    Stripe does not try.
    """
    since = [one for one in period_invoices(account, subscription) if one.created >= trial_end]
    tried = any(
        invoice.attempt_count or invoice.status not in {"draft", "open"} for invoice in since
    )
    return has_card(account, subscription) and not tried
