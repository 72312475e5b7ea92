"""Use a card that a customer gave on a Checkout page: Stripe has attached it, and an attached card
pays for nothing.

Every step looks at what Stripe holds before it changes anything, so the whole may be done again
from the start wherever it ended.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from chalicelib.domain.account.facts import CardSaved, CustomerSnapshot, Fact
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.queries import is_deleted
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import CardDeclined, Refused, Unreadable
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.stripe_api.writer import OURS
from chalicelib.usecases.services import Services

OWING = frozenset({"past_due", "unpaid"})


def save_card(
    account: Account, session_id: str, operation: PendingOperation, services: Services
) -> Sequence[Fact]:
    """Make the card of a completed setup session the default, resume what was paused for want of
    one, and pay what is owed.

    Nothing is done for a session that is not this account's, for a customer that was deleted since,
    or once a younger card was made the default. What a payment leads to comes by Stripe's events.
    Raises as the calls to Stripe do (ports.py).
    """
    session = services.stripe.checkout.session(session_id)
    given = card_of(session) if session and belongs(session, account) else None
    if given is None or (account.card_given_at and given.at <= account.card_given_at):
        return []
    customer = str(objects.customer_of(session or {}))
    if is_deleted(account, customer):
        return []
    key, began = (
        f"{account.id}:{session_id}:{operation.generation}",
        services.clock.now().replace(microsecond=0),
    )
    mark = account.mark(customer)
    taxed = services.policy.checkout.automatic_tax
    raw = services.stripe.customers.set_default_card(
        f"{key}:default", customer, given.card, _address(session or {}) if taxed else None
    )
    for subscription in services.stripe.reader.subscriptions_of(customer):
        if taxed:
            _reckon_tax(subscription, key, services)
        _settle(subscription, given.card, key, services)
    return [CustomerSnapshot(objects.customer(raw), FromFetch(began, mark)), given]


def card_of(session: Raw) -> CardSaved | None:
    """The card that a completed setup session collected, and when it was entered; None if there is
    none.
    """
    intent = session.get("setup_intent")
    card = intent.get("payment_method") if isinstance(intent, dict) else None
    if (
        session.get("status") != "complete"
        or not isinstance(card, dict)
        or not isinstance(card.get("created"), int)
    ):
        return None
    with suppress(Unreadable):
        return CardSaved(objects.identity(card), datetime.fromtimestamp(card["created"], UTC))
    return None


def _address(session: Raw) -> Raw | None:
    """The address that was given with the card: Stripe Tax reckons by the customer's, which
    Checkout writes only at a purchase.
    """
    address = (session["setup_intent"]["payment_method"].get("billing_details") or {}).get(
        "address"
    )
    return address if isinstance(address, dict) and address.get("country") else None


def _reckon_tax(subscription: Raw, key: str, services: Services) -> None:
    """A trial began before anybody knew where the customer is. Should Stripe refuse, an alarm
    rings, and the card is used all the same.
    """
    if (subscription.get("automatic_tax") or {}).get("enabled") or subscription.get("status") in {
        "canceled",
        "incomplete_expired",
    }:
        return
    try:
        services.stripe.subscriptions.enable_tax(
            f"{key}:{subscription['id']}:tax", str(subscription["id"])
        )
    except Refused:
        services.metrics.count("ErrandsRefused", 1)


def belongs(session: Raw, account: Account) -> bool:
    """Whether a Checkout session is one that Billhook made for this account."""
    is_ours = OURS.items() <= (session.get("metadata") or {}).items()
    return (
        is_ours
        and objects.account_id_of(session) == account.id
        and objects.customer_of(session) in account.customers
    )


def _settle(subscription: Raw, card: str, key: str, services: Services) -> None:
    """One subscription that the card is for; a card that is declined is no failure of ours: the
    customer is told by what Stripe makes of it.
    """
    id, status = str(subscription["id"]), subscription.get("status")
    if status in {"canceled", "incomplete", "incomplete_expired"}:
        return
    own = objects.reference(subscription.get("default_payment_method"))
    if own is not None and own != card:
        services.stripe.subscriptions.set_card(f"{key}:{id}:card", id, card)
    owed = open_invoices(subscription, services)
    if status == "paused" and not owed and _for_want_of_a_card(subscription):
        # One that is open already is of a resumption that was begun: to begin another would bill
        # twice.
        services.stripe.subscriptions.resume(f"{key}:{id}:resume", id)
        owed = open_invoices(subscription, services)
    if status in {"paused", *OWING}:
        for invoice in owed:
            with suppress(CardDeclined):
                services.stripe.invoices.pay(f"{key}:{invoice['id']}:pay", str(invoice["id"]))


def open_invoices(subscription: Raw, services: Services) -> list[Raw]:
    """What a subscription owes, the oldest first."""
    invoices = reversed(services.stripe.reader.invoices_of(str(objects.customer_of(subscription))))
    return [
        invoice
        for invoice in invoices
        if invoice.get("status") == "open"
        and objects.invoice(invoice).subscription == subscription["id"]
    ]


def _for_want_of_a_card(subscription: Raw) -> bool:
    """Whether a trial's end paused it. `paused` by request (since endive, 2026-09-30) is not undone
    by a card.
    """
    details = (subscription.get("status_details") or {}).get("paused") or {}
    kind = (details.get("subscription") or {}).get("type")
    return kind in {None, "trial_end_without_payment_method"}
