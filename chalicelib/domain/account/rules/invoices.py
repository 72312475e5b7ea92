"""The rules by which facts about invoices and their payments change an account."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.domain.account.facts import InvoiceSnapshot, PaymentSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.parts.invoices import PaymentState, TrackedInvoice
from chalicelib.domain.account.payments import (
    awaits_payment_state,
    first_paid_invoice,
    is_settled,
)
from chalicelib.domain.account.queries import creation_order
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.stripe_objects.objects import INVOICE_RANKS, Invoice
from chalicelib.values import replace

SETTLED_INVOICES_KEPT = 4
"""How many settled invoices are kept of one subscription, the newest ones. Of older ones only a
mark is kept, so that a late event about one of them does not make it look unpaid.
"""

PAGES_KEPT = 3
"""Of how many invoices of one subscription the page at Stripe is kept, the newest ones: mail refers
to it. Of older ones it is kept until they are paid or void. The billing page fetches it.
"""

MARKS_KEPT = 200
"""How many marks of settled invoices are kept of one account, the newest ones."""

LONG_AGO = datetime.fromtimestamp(0, UTC)

PAYMENTS_KEPT = 5
"""How many payments are kept whose invoice has not been reported yet, the newest ones."""


def apply_invoice(account: Account, fact: InvoiceSnapshot) -> Account:
    """Keeps the furthest state of the invoice. Drops settled invoices that no rule needs; requests
    what an invoice does not say of its own payment.
    """
    invoice = fact.invoice
    if invoice.subscription in account.ended or invoice.subscription in account.others:
        return account
    stored = account.invoices.get(invoice.id)
    is_charged_back = invoice.id in account.charged_back
    if stored is None and _was_settled(account, invoice) and not is_charged_back:
        return account
    if stored is None and not fact.fetched and _is_before_the_marks(account, invoice):
        return account.with_fetch(FetchRequest("invoice", invoice.id))
    reported = TrackedInvoice(invoice, fact.at, invoice.attempt_count if fact.bank_asks else 0)
    tracked = _furthest(stored, reported) if stored else reported
    if tracked != stored:
        account = replace(account, invoices={**account.invoices, invoice.id: tracked})
    payment = account.payment_of(invoice.id)
    if fact.failed:
        payment = _failed(payment, fact.at, None)
        payment = replace(payment, known_attempt=max(payment.known_attempt, invoice.attempt_count))
    if fact.finalization_error and tracked.value.status == "draft":
        payment = replace(payment, finalization_error=fact.finalization_error)
    account = _with_payment(account, invoice.id, payment)
    subscription = account.subscriptions.get(invoice.subscription or "")
    if (
        subscription
        and subscription.value.status == "incomplete"
        and invoice.status in {"void", "uncollectible"}
    ):
        # Stripe ends such a purchase or lets it go on; the invoice does not say which.
        account = account.with_fetch(FetchRequest("subscription", subscription.value.id))
    account = _without_old_pages(_with_needed_fetch(account, invoice.id), invoice.subscription)
    return _without_superfluous(account, invoice.subscription)


def apply_payment(account: Account, fact: PaymentSnapshot) -> Account:
    """Keeps what was reported of the payment of an invoice, which may not be known yet; of a debit
    that came back, that it did, also once the invoice is paid.
    """
    if any(mark.endswith(_digest(fact.invoice)) for mark in account.settled_invoices):
        return account
    payment, known = account.payment_of(fact.invoice), account.invoices.get(fact.invoice)
    if fact.status == "failed" and fact.debit_since:
        account = _with_failed_debit(account, fact.at)
    if fact.status == "failed":
        payment = _failed(payment, fact.at, fact.failure)
        payment = replace(payment, processing_at=payment.processing_at or fact.debit_since)
    elif fact.status == "processing" and not (fact.fetched and payment.is_processing):
        payment = replace(payment, processing_at=_latest(payment.processing_at, fact.at))
    if fact.fetched and known:
        attempt = max(payment.known_attempt, known.value.attempt_count)
        payment = replace(payment, known_attempt=attempt)
    return _with_needed_fetch(_with_payment(account, fact.invoice, payment), fact.invoice)


def without_other_invoices(account: Account) -> Account:
    """The account without the invoices of subscriptions that are not this product's, and without
    payments that belong to no invoice.
    """
    invoices = {
        id: tracked
        for id, tracked in account.invoices.items()
        if tracked.value.subscription not in account.others
    }
    if len(invoices) != len(account.invoices):
        account = replace(account, invoices=invoices)
    return _with_payments(account, account.payments)


def _furthest(stored: TrackedInvoice, reported: TrackedInvoice) -> TrackedInvoice:
    furthest = stored if _progress(stored) >= _progress(reported) else reported
    return replace(furthest, bank_asked=max(stored.bank_asked, reported.bank_asked))


def _progress(tracked: TrackedInvoice) -> tuple[int, int, datetime, str]:
    """How far an invoice has come. The last two only make the choice among equals the same in
    every order.
    """
    invoice = tracked.value
    return INVOICE_RANKS[invoice.status], invoice.attempt_count, tracked.seen, repr(invoice)


def _failed(payment: PaymentState, at: datetime, failure: str | None) -> PaymentState:
    """The payment after a failure at `at`. An event that carries no code leaves the one that
    another event about the same failure has brought.
    """
    is_last = payment.failed_at is None or at >= payment.failed_at
    return replace(
        payment,
        first_failed_at=min(at, payment.first_failed_at or at),
        failed_at=_latest(payment.failed_at, at),
        failure=failure or payment.failure if is_last else payment.failure or failure,
    )


def _latest(stored: datetime | None, reported: datetime) -> datetime:
    return max(stored or reported, reported)


def _with_payment(account: Account, invoice: str, payment: PaymentState) -> Account:
    if payment == account.payment_of(invoice):
        return account
    if payment.processing_at and payment.failed_at and not payment.is_processing:
        account = _with_failed_debit(account, payment.failed_at)
    return _with_payments(account, {**account.payments, invoice: payment})


def _with_failed_debit(account: Account, at: datetime) -> Account:
    return replace(account, debit_failed_at=_latest(account.debit_failed_at, at))


def _with_payments(account: Account, payments: Mapping[str, PaymentState]) -> Account:
    """The account with those of `payments` that can still matter."""
    known = account.invoices
    early = [id for id in payments if id not in known]
    early.sort(key=lambda id: (_reported_at(payments[id]), id))
    kept = {
        id: payment
        for id, payment in payments.items()
        if (known[id].value.status != "paid" if id in known else id in early[-PAYMENTS_KEPT:])
    }
    return account if kept == account.payments else replace(account, payments=kept)


def _reported_at(payment: PaymentState) -> datetime:
    times = (payment.failed_at, payment.processing_at)
    return max((at for at in times if at), default=LONG_AGO)


def _with_needed_fetch(account: Account, invoice: str) -> Account:
    """The account with the request for the invoice's payments if only Stripe can say what became of
    the last attempt, and without it if that is known.
    """
    request, known = FetchRequest("payments", invoice), account.invoices.get(invoice)
    if known and awaits_payment_state(known.value, account.payment_of(invoice)):
        return account.with_fetch(request)
    return account.without_fetch(request)


def _mark(invoice: Invoice) -> str:
    """Identifies a settled invoice that is no longer kept. Marks sort by the invoices' creation."""
    return f"{int(invoice.created.timestamp()):08x}{_digest(invoice.id)}"


def _digest(invoice: str) -> str:
    return hashlib.blake2s(invoice.encode(), digest_size=4).hexdigest()


def _was_settled(account: Account, invoice: Invoice) -> bool:
    return _mark(invoice) in account.settled_invoices


def _is_before_the_marks(account: Account, invoice: Invoice) -> bool:
    """Whether an unsettled invoice is older than every mark, and marks were dropped: then only
    Stripe can say whether it was settled since.
    """
    marks = account.settled_invoices
    is_full = len(marks) >= MARKS_KEPT
    return is_full and _mark(invoice) < marks[0] and not is_settled(account, invoice)


def _without_old_pages(account: Account, subscription: str | None) -> Account:
    """The account without the pages of old invoices that nobody has to pay. Whether an invoice is
    one of them does not change back, so the order of events does not matter.
    """
    newest_first = sorted(
        (
            tracked
            for tracked in account.invoices.values()
            if tracked.value.subscription == subscription
        ),
        key=lambda tracked: creation_order(tracked.value),
        reverse=True,
    )
    trimmed = {
        tracked.value.id: replace(tracked, value=replace(tracked.value, hosted_invoice_url=None))
        for tracked in newest_first[PAGES_KEPT:]
        if tracked.value.status in {"paid", "void"} and tracked.value.hosted_invoice_url
    }
    return replace(account, invoices={**account.invoices, **trimmed}) if trimmed else account


def _without_superfluous(account: Account, subscription: str | None) -> Account:
    """The account without the settled invoices of a subscription that no rule needs."""
    oldest_first = sorted(
        (
            tracked.value
            for tracked in account.invoices.values()
            if tracked.value.subscription == subscription and is_settled(account, tracked.value)
        ),
        key=creation_order,
    )
    dropped = {invoice.id for invoice in oldest_first[:-SETTLED_INVOICES_KEPT]}
    dropped -= _needed(account, subscription, oldest_first)
    marks = {_mark(invoice) for invoice in oldest_first if invoice.id in dropped}
    dropped |= _beyond_limit(account)
    if not dropped:
        return account
    account = replace(
        account,
        invoices={id: kept for id, kept in account.invoices.items() if id not in dropped},
        settled_invoices=tuple(sorted({*account.settled_invoices, *marks})[-MARKS_KEPT:]),
    )
    return _with_payments(account, account.payments)


def _needed(account: Account, subscription: str | None, settled: list[Invoice]) -> set[str]:
    """The settled invoices on which a decision rests, however old they are: the first payment after
    a trial, the first and the last with which money came, and those that were charged back.
    """
    with_money = [one for one in settled if one.status == "paid" and one.amount_paid]
    tracked = account.subscriptions.get(subscription or "")
    first = first_paid_invoice(account, tracked.value) if tracked else None
    charged_back = [one for one in settled if one.id in account.charged_back]
    needed = (first, *with_money[:1], *with_money[-1:], *charged_back)
    return {one.id for one in needed if one}


def _beyond_limit(account: Account) -> set[str]:
    unsettled = [
        tracked.value
        for tracked in account.invoices.values()
        if not is_settled(account, tracked.value)
    ]
    return {one.id for one in sorted(unsettled, key=creation_order)[most("unsettled invoices") :]}
