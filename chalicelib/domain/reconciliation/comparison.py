"""The daily comparison of Stripe's subscriptions with those of the accounts: its progress, and the
drift that it finds.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta

from chalicelib.domain.account.queries import is_deleted
from chalicelib.domain.account.state import Account
from chalicelib.domain.stripe_objects.answers import ListedSubscription
from chalicelib.domain.stripe_objects.pagination import ListCursor
from chalicelib.values import frozen, replace

PHASES = {
    "living": (
        "Stripe lists all live subscriptions; those that differ, or that no account has, are"
        " fetched."
    ),
    "ended": (
        "Stripe lists recent subscriptions that have ended already: no list of live ones ever had"
        " them."
    ),
    "held": "Live subscriptions of accounts that Stripe did not list are fetched.",
    "closing": "The differences that were found are checked again: were they corrected?",
}
"""The phases of a comparison, in their order."""

EVERY = timedelta(days=1)

LATELY = timedelta(days=3)
"""The age up to which ended subscriptions are listed: two daily comparisons may have failed."""

UNPAID_KEPT = 100
"""How many customers with unpaid credit a comparison names. More are no news: the first is one too
many.
"""

UNKNOWN, NOT_LISTED = "unknown here", "not listed by Stripe"

OF_AN_INVOICE = ("status", "attempt_count", "amount_due", "amount_paid", "next_payment_attempt")
"""The fields of an invoice that decisions depend on."""


SET_SILENTLY = frozenset({"currency"})
"""The fields of a customer that Stripe sets without an event. The subscription says the same."""


@frozen
class Comparison:
    """One comparison. It continues in Stripe's list at `place` and in the accounts at `scanned`.
    `pages` counts the pages of Stripe's list, `listed` the subscriptions on them. `unpaid_credit`
    has the customers with more credit than they ever paid, UNPAID_KEPT at most. `version` increases
    through all comparisons.
    """

    began: datetime
    phase: str = "living"
    place: ListCursor | None = None
    pages: int = 0
    scanned: str | None = None
    listed: int = 0
    healed: int = 0
    left: int = 0
    ended_at: datetime | None = None
    version: int = 0
    unpaid_credit: tuple[str, ...] = ()

    def with_unpaid_credit(self, customers: Iterable[str]) -> "Comparison":
        """The comparison with these customers among those with unpaid credit."""
        found = dict.fromkeys((*self.unpaid_credit, *customers))
        return replace(self, unpaid_credit=tuple(found)[:UNPAID_KEPT])

    def next_phase(self) -> "Comparison":
        """The comparison at the start of its next phase."""
        names = list(PHASES)
        return replace(self, phase=names[names.index(self.phase) + 1], place=None)


def under_way(known: Comparison | None, now: datetime) -> Comparison | None:
    """The comparison to continue, or a new one once a day; None if today's is done."""
    if known and not known.ended_at:
        return known
    return (
        None
        if known and now < known.began + EVERY
        else Comparison(now, version=known.version if known else 0)
    )


@frozen
class Drift:
    """A difference that a comparison found: `what` names the fields, or is UNKNOWN or NOT_LISTED.
    `since` is when the account's state was last reported. `became` is set when the comparison ends:
    `healed` or `left`.
    """

    account_id: str
    customer: str
    subscription: str
    what: tuple[str, ...]
    since: datetime
    compared: datetime
    became: str | None = None


def drift(account: Account, listed: ListedSubscription, compared: datetime) -> Drift | None:
    """How the account differs from what Stripe lists; None if it does not."""
    subscription = listed.subscription
    known = account.subscriptions.get(subscription.id)
    if subscription.id in account.ended or subscription.id in account.others:
        return None
    names = tuple(_names(account, listed)) if known else (UNKNOWN,)
    since = known.seen if known else subscription.created
    return (
        Drift(account.id, subscription.customer, subscription.id, names, since, compared)
        if names
        else None
    )


def has_hidden_debt(account: Account, listed: ListedSubscription) -> bool:
    """Whether an invoice of the subscription is unpaid as far as the account knows, and is not the
    latest one: the list shows only that, so whether it was paid since has to be fetched.
    """
    latest = listed.invoice.id if listed.invoice else None
    return any(
        tracked.value.status in {"open", "uncollectible"} and tracked.value.id != latest
        for tracked in account.invoices.values()
        if tracked.value.subscription == listed.subscription.id
    )


def not_listed(account: Account, listed: Collection[str], compared: datetime) -> list[Drift]:
    """The account's live subscriptions that Stripe has not listed. Without those reported since the
    comparison began: they may be newer than the list.
    """
    return [
        Drift(account.id, known.value.customer, id, (NOT_LISTED,), known.seen, compared)
        for id, known in sorted(account.subscriptions.items())
        if not (known.value.final or is_deleted(account, known.value.customer))
        and id not in listed
        and known.seen < compared
    ]


def judged(found: Drift, account: Account | None) -> Drift | None:
    """The drift with its result; None if it was no drift: Stripe's list may lack a live
    subscription, such as one of a test clock.
    """
    if account is None:
        return None
    known = account.subscriptions.get(found.subscription)
    waits = any(ask.id in {found.customer, found.subscription} for ask in account.asks)
    if (
        NOT_LISTED in found.what
        and known
        and not known.value.final
        and not is_deleted(account, found.customer)
    ):
        return (
            None
            if known.seen >= found.compared.replace(microsecond=0) and not waits
            else replace(found, became="left")
        )
    is_known = known is not None or (
        found.subscription in account.ended or found.subscription in account.others
    )
    return replace(found, became="healed" if is_known and not waits else "left")


def _names(account: Account, listed: ListedSubscription) -> Iterator[str]:
    known = account.subscriptions[listed.subscription.id].value
    yield from (
        field.name
        for field in fields(known)
        if getattr(known, field.name) != getattr(listed.subscription, field.name)
    )
    if listed.customer:
        held = account.customers.get(listed.customer.id)
        differing = [
            field.name
            for field in fields(listed.customer)
            if held
            and field.name not in SET_SILENTLY
            and getattr(held.value, field.name) != getattr(listed.customer, field.name)
        ]
        yield from (f"customer.{name}" for name in differing)
        if held is None:
            yield f"customer {UNKNOWN}"
    invoice = listed.invoice
    if invoice and invoice.subscription == known.id:
        billed = account.invoices.get(invoice.id)
        if billed is None:
            yield f"invoice {UNKNOWN}"
        else:
            yield from (
                f"invoice.{name}"
                for name in OF_AN_INVOICE
                if getattr(billed.value, name) != getattr(invoice, name)
            )
