"""Questions about an account's customers, subscriptions, invoices and cards."""

from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Card, Customer, Invoice, Subscription

NEVER_PAID = frozenset({"incomplete", "incomplete_expired"})
"""Statuses of a purchase that was begun and not paid: another one may be made beside it, and it
ends by itself (Stripe, after 23 hours).
"""


def currency_of(account: Account, policy: Policy, otherwise: str | None = None) -> str:
    """The customer's currency: that of the subscription that lives, else of what was last billed,
    else `otherwise`, else billing.toml's.
    """
    one = current_subscription(account)
    if one and (held := next((item.currency for item in one.items if item.currency), None)):
        return held
    billed = sorted(
        (billed.value for billed in account.invoices.values()),
        key=lambda invoice: (invoice.created, invoice.id),
    )
    return next(
        (invoice.currency for invoice in reversed(billed) if invoice.currency),
        otherwise or policy.currency,
    )


def current_subscription(account: Account) -> Subscription | None:
    """The current subscription, for which a card would be: the newest that lives and was not just
    begun.
    """
    alive = [
        known.value
        for known in account.subscriptions.values()
        if not known.value.final
        and known.value.status not in NEVER_PAID
        and not is_deleted(account, known.value.customer)
    ]
    return max(alive, key=lambda one: (one.created, one.id), default=None)


def customer_for(account: Account) -> Customer | None:
    """Stripe's customer with whom the next Checkout is made: that of the living subscription, else
    the newest by id that is not deleted.
    """
    subscription = current_subscription(account)
    if subscription and subscription.customer in account.customers:
        return account.customers[subscription.customer].value
    alive = [known.value for known in account.customers.values() if not known.value.deleted]
    return max(alive, key=lambda one: one.id, default=None)


def has_card(account: Account, subscription: Subscription | None) -> bool:
    """Whether a card is on file for a subscription: its own default or its customer's. Without a
    subscription, whether the customer of the next purchase has one.
    """
    if subscription is None:
        customer = customer_for(account)
        return bool(customer and customer.card)
    known = account.customers.get(subscription.customer)
    return bool(subscription.card or (known and known.value.card))


def is_deleted(account: Account, customer: str) -> bool:
    """Whether Stripe's customer was deleted."""
    return customer in account.customers and account.customers[customer].value.deleted


def cancellation_is_requested(account: Account) -> bool:
    """Whether a wish to leave waits for its mailed link."""
    return account.leave is not None and (
        account.left_by is None or account.left_by < account.leave.at
    )


def unpaid(account: Account) -> list[Invoice]:
    """The open invoices of living subscriptions that were tried. Not those of a purchase that is
    under way on Stripe's page, nor of a trial that ended without a card: nobody expected that one
    to be paid.
    """
    found = []
    for subscription in (known.value for known in account.subscriptions.values()):
        never_meant = (
            subscription.trial_end
            and not paid_since_trial(account, subscription)
            and not has_card(account, subscription)
        )
        if subscription.final or subscription.status == "incomplete" or never_meant:
            continue
        found += [
            one
            for one in invoices_of(account, subscription)
            if one.status == "open" and one.attempt_count
        ]
    return found


def card_of(account: Account, subscription: Subscription) -> Card | None:
    """The card that pays for a subscription, as far as it was seen: its own, else
    its customer's."""
    customer = account.customers.get(subscription.customer)
    seen = account.cards.get(subscription.card or (customer.value.card if customer else None) or "")
    return seen.card if seen else None


def invoices_of(account: Account, subscription: Subscription) -> list[Invoice]:
    """The subscription's invoices that are known."""
    return [
        billed.value
        for billed in account.invoices.values()
        if billed.value.subscription == subscription.id
    ]


def paid_since_trial(account: Account, subscription: Subscription) -> bool:
    """Whether an invoice made at or after the trial's end is paid.

    The invoice of 0 that Stripe makes at a trial's start is no payment; one made at its end is, of
    0 too (a coupon may make it so).
    """
    end = subscription.trial_end
    return end is not None and any(
        invoice.status == "paid" and invoice.created >= end
        for invoice in invoices_of(account, subscription)
    )


def first_paid(account: Account, subscription: Subscription) -> Invoice | None:
    """The first invoice that was paid for a subscription, behind its trial if it had one; there it
    may be of 0, as a coupon may make it so.
    """
    end = subscription.trial_end
    paid = [
        one
        for one in invoices_of(account, subscription)
        if one.status == "paid" and (one.created >= end if end else one.amount_paid)
    ]
    return min(paid, key=lambda one: (one.created, one.id), default=None)


def was_paid(account: Account, subscription: Subscription) -> bool:
    """Whether money ever came for a subscription."""
    return any(
        one.status == "paid" and one.amount_paid for one in invoices_of(account, subscription)
    )
