"""The rules by which facts about Stripe's objects, and about operations at Stripe, change an
account.
"""

from chalicelib.domain.account.facts import (
    CardSaved,
    CheckoutCompleted,
    CheckoutUpdated,
    CustomerSnapshot,
    DiscountSnapshot,
    DisputeSnapshot,
    OperationUpdated,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import PendingOperation, merge_operation
from chalicelib.domain.account.ordering import FromEvent, newest
from chalicelib.domain.account.parts.checkout import merge_checkout
from chalicelib.domain.account.queries import NEVER_PAID, creation_order, is_deleted
from chalicelib.domain.account.rules.endings import with_kept_endings
from chalicelib.domain.account.rules.profile import (
    apply_profile_change,
    changes_at_stripe,
    with_undo_of_move,
)
from chalicelib.domain.account.rules.revenue import (
    apply_discount,
    with_assumed_change,
    with_bounded_changes,
    with_customer_discounts,
    with_recurring_change,
)
from chalicelib.domain.account.state import DISPUTES_WON, Account, CardSnapshot
from chalicelib.domain.bounds import most
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import replace

OPEN_DISPUTE = 1
"""How far a dispute is whose status is not in `DISPUTE_RANKS`."""

DISPUTE_RANKS = {
    "warning_needs_response": 0,
    "warning_under_review": 0,
    "needs_response": OPEN_DISPUTE,
    "under_review": 2,
    "warning_closed": 3,
    "prevented": 3,
    "lost": 4,
    "appeal_needs_response": 5,
    "appeal_under_review": 6,
    "won": 7,
}
"""A dispute's status only goes forward along these ranks, in whatever order its events come. One
that is lost may be appealed and then won (docs.stripe.com/api/disputes/object); lost again, it
stays as it was during the appeal: the money is gone in both.
"""


LOST = frozenset({"lost", "appeal_needs_response", "appeal_under_review"})
"""The statuses of a dispute in which the bank has taken the payment back."""


LOOKUP_KEYS_KEPT = 5
"""How many lookup keys are kept of one price."""


ENDED_KEPT = 5
"""How many ended subscriptions are kept whole, the newest ones."""


CARDS_KEPT = 5


AFTER_CHECKOUT = {"setup": "card", "subscription": "sessions"}
"""The mode of a completed Checkout → the kind of operation that follows it."""


def apply_customer(account: Account, fact: CustomerSnapshot) -> Account:
    """Keeps the newest state of the customer, and what it tells about the profile; requests a fetch
    if the state is not certain. A changed address can be undone by whoever had proved the old one.
    """
    told = with_customer_discounts(account, fact)
    return with_undo_of_move(account, _with_customer(told, fact), fact)


def _with_customer(account: Account, fact: CustomerSnapshot) -> Account:
    customer = fact.customer
    request, stored = FetchRequest("customer", customer.id), account.customers.get(customer.id)
    tracked = newest(stored, customer, fact.source)
    for change in changes_at_stripe(account, stored, tracked, fact):
        account = apply_profile_change(account, change)
    if tracked is None:
        return account.with_fetch(request)
    if tracked != stored:
        account = replace(account, customers={**account.customers, customer.id: tracked})
    return account.with_fetch(request) if tracked.doubts else account


def apply_subscription(account: Account, fact: SubscriptionSnapshot) -> Account:
    """Keeps the newest state of the subscription, and every change of what it brings in; requests a
    fetch if the state is not certain. One over the bound is left out.
    """
    for id, terms in fact.discounts.items():
        account = apply_discount(account, DiscountSnapshot(id, terms))
    account = _with_subscription(with_recurring_change(account, fact), fact)
    return with_bounded_changes(with_assumed_change(account, fact.subscription.id))


def _with_subscription(account: Account, fact: SubscriptionSnapshot) -> Account:
    subscription = fact.subscription
    if subscription.id in account.ended:
        return account
    account = _with_lookup_keys(_with_proof(account, fact), subscription)
    request = FetchRequest("subscription", subscription.id)
    other = account.others.get(subscription.id)
    stored = other or account.subscriptions.get(subscription.id)
    if stored is None and len(account.subscriptions) >= most("subscriptions"):
        account = _with_room_for(account, subscription)
    if stored is None and len(account.subscriptions) >= most("subscriptions"):
        return account
    tracked = newest(stored, subscription, fact.source)
    if tracked is None:
        return account.with_fetch(request)
    customer_may_be_deleted = (
        stored is not None
        and isinstance(fact.source, FromEvent)
        and tracked.value.final
        and not stored.value.final
        and not is_deleted(account, subscription.customer)
    )
    if tracked != stored and other:
        account = replace(account, others={**account.others, subscription.id: tracked})
    elif tracked != stored:
        subscriptions = {**account.subscriptions, subscription.id: tracked}
        account = _without_old_ended(replace(account, subscriptions=subscriptions))
    if customer_may_be_deleted:
        # Deleting a customer ends its subscriptions. Reconciliation and expected updates cover live
        # subscriptions only: if the event about the customer is lost, nothing else reports it.
        account = account.with_fetch(FetchRequest("customer", subscription.customer))
    return account.with_fetch(request) if tracked.doubts else account


def _with_proof(account: Account, fact: SubscriptionSnapshot) -> Account:
    """The account that recognizes the subscription for good if its metadata proves it to be of this
    account, whatever it is to. An older report proves that too.
    """
    one = fact.subscription
    if not fact.proved or one.account_id != account.id or one.id in account.ours:
        return account
    return replace(account, ours=tuple(sorted({*account.ours, one.id})))


def _with_lookup_keys(account: Account, subscription: Subscription) -> Account:
    """The account that remembers the lookup keys of the subscription's prices, whatever the order
    of the reports: a key that moves to another price leaves this one without its plan.
    """
    keys = dict(account.price_keys)
    for item in subscription.items:
        if item.lookup_key:
            known = {*keys.get(item.price, ()), item.lookup_key}
            keys[item.price] = tuple(sorted(known)[:LOOKUP_KEYS_KEPT])
    return account if keys == account.price_keys else replace(account, price_keys=keys)


def _with_room_for(account: Account, subscription: Subscription) -> Account:
    """The account without its oldest purchase that was begun and not paid, if the subscription is
    more than that: who begins many and pays one must have access by it.
    """
    begun = [one.value for one in account.subscriptions.values() if one.value.status in NEVER_PAID]
    if subscription.status in NEVER_PAID or not begun:
        return account
    oldest = min(begun, key=creation_order)
    kept = {id: one for id, one in account.subscriptions.items() if id != oldest.id}
    return replace(account, subscriptions=kept)


def _without_old_ended(account: Account) -> Account:
    """The account with the newest ENDED_KEPT ended subscriptions; of older ones only the end is
    kept.
    """
    final = [tracked.value for tracked in account.subscriptions.values() if tracked.value.final]
    newest_first = sorted(final, key=creation_order, reverse=True)
    dropped = {old.id: old.ended_at or old.created for old in newest_first[ENDED_KEPT:]}
    if not dropped:
        return account
    account = with_kept_endings(account)
    return replace(
        account,
        subscriptions={
            id: tracked for id, tracked in account.subscriptions.items() if id not in dropped
        },
        ended={**account.ended, **dropped},
        invoices={
            id: tracked
            for id, tracked in account.invoices.items()
            if tracked.value.subscription not in dropped
        },
    )


def apply_card(account: Account, snapshot: CardSnapshot) -> Account:
    """Keeps the newest state of the card, and the CARDS_KEPT cards that were seen last."""
    id = snapshot.card.id
    snapshots = [one for one in (account.cards.get(id), snapshot) if one]
    latest = max(snapshots, key=lambda one: (one.at, repr(one.card)))
    oldest_first = sorted(
        {**account.cards, id: latest}.items(), key=lambda pair: (pair[1].at, pair[0])
    )
    cards = dict(oldest_first[-CARDS_KEPT:])
    return account if cards == account.cards else replace(account, cards=cards)


def apply_completed_checkout(account: Account, fact: CheckoutCompleted) -> Account:
    """Closes the Checkout. Adds the operation that makes a collected card the default, or the one
    that expires what would buy a second subscription.
    """
    checkout = account.checkout
    if checkout and checkout.session == fact.session and not checkout.closed:
        account = replace(account, checkout=replace(checkout, closed=True))
    kind = AFTER_CHECKOUT.get(fact.mode)
    name = f"{kind}:{fact.session}"
    if kind is None or name in account.errands:
        return account
    return apply_operation(account, OperationUpdated(name, PendingOperation(fact.at, fact.at)))


def apply_operation(account: Account, fact: OperationUpdated) -> Account:
    """Merges the progress of an operation."""
    stored = account.errands.get(fact.name)
    merged = merge_operation(stored, fact.operation)
    if merged == stored:
        return account
    return replace(account, errands={**account.errands, fact.name: merged})


def apply_checkout(account: Account, fact: CheckoutUpdated) -> Account:
    """Merges the state of the Checkout."""
    checkout = merge_checkout(account.checkout, fact.checkout)
    return account if checkout == account.checkout else replace(account, checkout=checkout)


def apply_saved_card(account: Account, fact: CardSaved) -> Account:
    """Records when the newest default card was entered."""
    if account.card_given_at and fact.at <= account.card_given_at:
        return account
    return replace(account, card_given_at=fact.at)


def apply_dispute(account: Account, fact: DisputeSnapshot) -> Account:
    """Keeps the furthest status of the dispute. Of one that is lost, keeps the invoice whose
    payment is gone, and requests it if it is not known; won after all, the payment is there again.
    """
    stored = account.disputes.get(fact.id, fact.status)
    furthest = max(stored, fact.status, key=_dispute_rank)
    if furthest != account.disputes.get(fact.id):
        account = replace(account, disputes={**account.disputes, fact.id: furthest})
    if fact.invoice is None:
        return account
    if furthest in DISPUTES_WON and stored not in LOST:
        return account
    if furthest in DISPUTES_WON:
        kept = {id: at for id, at in account.charged_back.items() if id != fact.invoice}
        return account if kept == account.charged_back else replace(account, charged_back=kept)
    if fact.status != "lost":
        return account
    at = min(fact.at, account.charged_back.get(fact.invoice, fact.at))
    if at != account.charged_back.get(fact.invoice):
        account = replace(account, charged_back={**account.charged_back, fact.invoice: at})
    if fact.invoice not in account.invoices:
        account = account.with_fetch(FetchRequest("invoice", fact.invoice))
    return account


def _dispute_rank(status: str) -> tuple[int, str]:
    return DISPUTE_RANKS.get(status, OPEN_DISPUTE), status
