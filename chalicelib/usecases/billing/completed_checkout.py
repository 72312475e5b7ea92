"""What follows a completed Checkout. A card that was entered is used: Stripe has attached it to the
customer, but an attached card pays for nothing by itself. Sessions that are open beside a purchase
expire.

Each step looks at what Stripe holds before it changes anything. So the whole may run again from the
start, wherever it ended.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.account.facts import CardSaved, CustomerSnapshot, Fact
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.queries import is_deleted
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import CardDeclined, Refused
from chalicelib.domain.stripe_objects.answers import CheckoutSession, SubscriptionAnswer
from chalicelib.domain.stripe_objects.objects import FINAL_STATUSES, Invoice
from chalicelib.usecases.billing.live_subscription import own_subscriptions
from chalicelib.usecases.billing.pay_invoice import pay_each
from chalicelib.usecases.ports.stripe import Stripe
from chalicelib.usecases.services import Services

OWING = frozenset({"past_due", "unpaid"})

NO_CARD = frozenset({None, "trial_end_without_payment_method"})
"""Why a paused subscription waits for a card: its trial ended without one. API versions before
endive (2026-09-30) give no reason, and know no other.
"""


def save_card(
    account: Account, session_id: str, operation: PendingOperation, services: Services
) -> Sequence[Fact]:
    """Make the card of a completed setup session the default, resume the subscriptions that
    were paused for want of a card, and pay what is owed. What the payments lead to arrives by
    Stripe's events. The customer's subscriptions to other products stay as they are.

    Does nothing if the session is not this account's, if the customer was deleted since, or if
    a card that was entered later is the default already. Raises as the calls to Stripe do
    (ports/stripe.py).
    """
    session = services.stripe.checkout.session(session_id)
    if session is None or not belongs(session, account) or session.status != "complete":
        return []
    card, customer = session.card, str(session.customer)
    if card is None or (account.card_given_at and card.at <= account.card_given_at):
        return []
    if is_deleted(account, customer):
        return []
    key = f"{account.id}:{session_id}:{operation.generation}"
    began, mark = services.clock.now().replace(microsecond=0), account.mark(customer)
    taxed = services.policy.checkout.automatic_tax
    # Stripe Tax calculates by the customer's address, which Checkout writes only at a purchase.
    changed = services.stripe.customers.set_default_card(
        f"{key}:default", customer, card.id, card.address if taxed else None
    )
    for subscription in own_subscriptions(account, customer, services):
        if taxed:
            _enable_tax(subscription, key, services)
        _settle(customer, subscription, card.id, key, services)
    return [CustomerSnapshot(changed, FromFetch(began, mark)), CardSaved(card.id, card.at)]


def belongs(session: CheckoutSession, account: Account) -> bool:
    """Whether Billhook created a Checkout session for this account."""
    return (
        session.ours
        and session.account_id == account.id
        and session.customer is not None
        and session.customer in account.customers
    )


def expire_sessions(account: Account, customer: str, services: Services) -> None:
    """Expire the sessions of a customer that were opened for the account and can still be
    completed. Raises Unavailable, Refused.
    """
    for session in services.stripe.checkout.open_sessions(customer):
        if belongs(session, account):
            services.stripe.checkout.expire(session.id)


def expire_after_purchase(account: Account, bought_at: datetime, services: Services) -> None:
    """Expire the sessions that would buy a second subscription beside one that was bought. The
    account's Checkout stays if it was opened later: it knew of the purchase. Raises Unavailable,
    Refused.
    """
    checkout = account.checkout
    later = checkout.session if checkout and checkout.at > bought_at else None
    for customer in account.live_customers():
        for session in services.stripe.checkout.open_sessions(customer.id):
            sells = session.mode == "subscription" and belongs(session, account)
            if sells and session.id != later:
                services.stripe.checkout.expire(session.id)


def open_invoices(customer: str, subscription: str, stripe: Stripe) -> list[Invoice]:
    """The open invoices of a subscription, the oldest first. Raises Unavailable, Refused,
    Unreadable.
    """
    found = reversed(stripe.reader.invoices_of(customer))
    unpaid = [one.value for one in found if one.status == "open"]
    return [invoice for invoice in unpaid if invoice.subscription == subscription]


def _enable_tax(subscription: SubscriptionAnswer, key: str, services: Services) -> None:
    """Let Stripe calculate the tax of a subscription that began as a trial, before anybody knew
    where the customer is. If Stripe refuses, an alarm rings, and the card is used all the same.
    """
    if subscription.automatic_tax or subscription.status in FINAL_STATUSES:
        return
    try:
        services.stripe.subscriptions.enable_tax(f"{key}:{subscription.id}:tax", subscription.id)
    except Refused:
        services.metrics.count("ErrandsRefused", 1)


def _settle(
    customer: str, subscription: SubscriptionAnswer, card: str, key: str, services: Services
) -> None:
    """Let a subscription use the card: resume it and pay its open invoices, where that is needed. A
    declined card and a payment under way are no errors here: Stripe reports them by events. An
    invoice that Stripe refuses to have paid does not keep the card from being used.
    """
    id, status, stripe = subscription.id, subscription.status, services.stripe
    if status == "incomplete" or status in FINAL_STATUSES:
        return
    own = subscription.payment_method
    if own is not None and own != card:
        stripe.subscriptions.set_card(f"{key}:{id}:card", id, card)
    owed = open_invoices(customer, id, stripe)
    if status == "paused" and not owed and subscription.paused_by in NO_CARD:
        # An open invoice would be of a resumption that was begun already. To begin another one
        # would bill twice.
        stripe.subscriptions.resume(f"{key}:{id}:resume", id)
        owed = open_invoices(customer, id, stripe)
    if status == "paused" or status in OWING:
        _, failures = pay_each(owed, key, stripe)
        refused = [one for one in failures if not isinstance(one, CardDeclined)]
        services.metrics.count("ErrandsRefused", len(refused))
