"""News that Stripe owes: what should have been heard of a subscription by now, and when to ask for
it instead of waiting on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from chalicelib.domain.account.fetch_requests import FetchRequest, everything_of
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.queries import has_card, invoices_of, is_deleted
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.objects import Subscription

OWED = {
    "trial": "A trial ends: it is converted, paused, canceled or extended.",
    "trial_payment": (
        "A trial has ended with a card on file: its first invoice, a draft for an hour, is tried."
    ),
    "period": "A period ends: another one begins, or none does.",
    "cancellation": "The moment for which a cancellation is scheduled.",
    "resumption": "Collection of payments is resumed.",
    "first_payment": "A purchase that is not paid: Stripe gives it up after 23 hours.",
    "attempt": "A payment that failed is tried again.",
}
"""What has a time of its own, and what is to be heard of it then."""

ASKED_AFTER = tuple(timedelta(hours=hours) for hours in (1, 4, 24, 72))
"""How long after its time news that has not come is asked for, ever more slowly: Stripe itself may
be late. What does not come in three days the daily comparison finds.
"""

RENEWS = frozenset({"active", "past_due", "unpaid"})
INCOMPLETE_FOR = timedelta(hours=23)  # docs.stripe.com/billing/subscriptions/overview
DRAFT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class ExpectedUpdate:
    """News that is owed about a customer's subscription: when to ask for it, and which of OWED it
    is.
    """

    ask_at: datetime
    what: str
    customer: str


def expected_updates(account: Account) -> tuple[ExpectedUpdate, ...]:
    """All that Stripe owes the account or will owe it, the soonest first. Whoever asks, asks for
    every customer in it: they share the memory of having asked.
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
        asked = _asked_at(account, known)
        for what, moment in _moments(account, known.value):
            at = (
                next(
                    (moment + gap for gap in ASKED_AFTER if asked is None or moment + gap > asked),
                    None,
                )
                if moment
                else None
            )
            if at:
                found.append(ExpectedUpdate(at, what, customer))
    return tuple(sorted(found))


def fetching_all_of(account: Account, customer: str) -> Account:
    """The account that waits for Stripe's answer to all that is to be asked about a customer."""
    for ask in everything_of(customer):
        account = account.with_fetch(ask)
    return account


def fetching_overdue(account: Account, now: datetime) -> Account:
    """The account that waits for Stripe's answers about every customer with an expected update, as
    soon as one of the updates is overdue; unchanged before.
    """
    updates = expected_updates(account)
    if not updates or updates[0].ask_at > now:
        return account
    customers = sorted({one.customer for one in updates})
    return reduce(fetching_all_of, customers, replace(account, owed_asked_at=now))


def _asked_at(account: Account, known: Tracked[Subscription]) -> datetime | None:
    """When Stripe was last asked, for what it owed or for any other reason."""
    return max(
        (at for at in (account.owed_asked_at, known.seen if known.asked else None) if at),
        default=None,
    )


def _moments(account: Account, one: Subscription) -> Iterator[tuple[str, datetime | None]]:
    yield "cancellation", one.cancels_at
    yield "resumption", one.pause_collection.resumes_at if one.pause_collection else None
    if one.status == "trialing":
        yield "trial", one.trial_end
    elif one.status == "incomplete":
        yield "first_payment", one.created + INCOMPLETE_FOR
    elif one.status in RENEWS:
        yield "period", one.period_end
        yield (
            "trial_payment",
            (
                one.trial_end + DRAFT_FOR
                if one.trial_end and _first_payment_is_awaited(account, one, one.trial_end)
                else None
            ),
        )
        for invoice in invoices_of(account, one):
            yield "attempt", invoice.next_payment_attempt if invoice.status == "open" else None


def _first_payment_is_awaited(account: Account, one: Subscription, trial_end: datetime) -> bool:
    """Whether a card is on file and no invoice since the trial's end is known to have been tried.
    Without a card there is nothing to try.
    """
    since = [invoice for invoice in invoices_of(account, one) if invoice.created >= trial_end]
    tried = any(
        invoice.attempt_count or invoice.status not in {"draft", "open"} for invoice in since
    )
    return has_card(account, one) and not tried
