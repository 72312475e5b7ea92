"""Queries on an account's customers, subscriptions, invoices and cards."""

from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.account.messages import NoticeComplaint
from chalicelib.domain.account.parts.invoices import TrackedInvoice
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.languages import DEFAULT, LANGUAGES
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import MailPolicy
from chalicelib.domain.security.links import reader_mark
from chalicelib.domain.stripe_objects.objects import (
    OF_SINGLE_ITEMS,
    Card,
    Customer,
    Invoice,
    Item,
    Subscription,
)
from chalicelib.values import replace

NEVER_PAID = frozenset({"incomplete", "incomplete_expired"})
"""Statuses of a purchase that was begun and not paid. Another subscription may be bought beside it,
and Stripe ends it after 23 hours.
"""

STOPPED = frozenset({"paused", "unpaid"})
"""Statuses of a live subscription that gives nothing and charges nobody until somebody acts."""


def creation_order(thing: Subscription | Invoice) -> tuple[datetime, str]:
    """Sorts subscriptions or invoices by their creation."""
    return thing.created, thing.id


def current_subscription(account: Account) -> Subscription | None:
    """The newest live subscription, past its purchase, of a customer that is not deleted. Cards,
    changes and cancellations are for this one.

    One that runs for the customer that the account came from goes before those of customers that
    joined: with a typed address anybody may have made such a customer.
    """
    return max(
        _past_purchase(account),
        key=lambda one: (
            one.customer == account.origin and one.status not in STOPPED,
            creation_order(one),
        ),
        default=None,
    )


def other_subscriptions(account: Account) -> list[Subscription]:
    """The live subscriptions beside the current one, the newest first: the customer is billed for
    each, and may have it by a customer at Stripe that joined.
    """
    current = current_subscription(account)
    others = [one for one in _past_purchase(account) if current is None or one.id != current.id]
    return sorted(others, key=creation_order, reverse=True)


def _past_purchase(account: Account) -> list[Subscription]:
    return [
        tracked.value
        for tracked in account.subscriptions.values()
        if not tracked.value.final
        and tracked.value.status not in NEVER_PAID
        and not is_deleted(account, tracked.value.customer)
    ]


def plan_of(
    account: Account, subscription: Subscription, policy: Policy
) -> tuple[str | None, int | None]:
    """The largest plan among the subscription's items, with its quantity (see Policy.plan_of)."""
    return policy.plan_of(recognized_items(account, subscription, policy))


def recognized_items(
    account: Account, subscription: Subscription, policy: Policy
) -> tuple[Item, ...]:
    """The subscription's items. One whose price has lost the lookup key of its plan, because
    another price replaced it, is given that key again.
    """
    return tuple(recognized(account, item, policy) for item in subscription.items)


def as_recognized(account: Account, subscription: Subscription, policy: Policy) -> Subscription:
    """The subscription with its items as `recognized_items` has them, to decide on. It is not what
    Stripe holds, and is not kept.
    """
    return replace(subscription, items=recognized_items(account, subscription, policy))


def recognized(account: Account, item: Item, policy: Policy) -> Item:
    """The item, with the lookup key that its price had if another price took that over."""
    former = (replace(item, lookup_key=key) for key in account.price_keys.get(item.price, ()))
    return next((one for one in (item, *former) if policy.plan_of([one])[0]), item)


def customer_for(account: Account) -> Customer | None:
    """The Stripe customer for the next Checkout: that of the current subscription, else the one
    that the account came from, else the newest that is not deleted.
    """
    subscription = current_subscription(account)
    if subscription and subscription.customer in account.customers:
        return account.customers[subscription.customer].value
    return next(iter(account.live_customers()), None)


def is_deleted(account: Account, customer: str) -> bool:
    """Whether the Stripe customer was deleted."""
    return customer in account.customers and account.customers[customer].value.deleted


def currency_of(account: Account, policy: Policy, default: str | None = None) -> str:
    """The customer's currency: the one it is billed in, else `default`, else that of the signup,
    else the policy's.
    """
    of_signup = account.signup.currency if account.signup else None
    return billed_in(account) or default or of_signup or policy.currency


def billed_in(account: Account) -> str | None:
    """The only currency in which Stripe bills the customer, also once the subscription has ended:
    that of the current subscription, else of the customer, else of the last invoice, else of the
    last subscription. None if nothing was billed yet.
    """
    current, customer = current_subscription(account), customer_for(account)
    invoices = sorted((tracked.value for tracked in account.invoices.values()), key=creation_order)
    ended = [tracked.value for tracked in account.subscriptions.values()]
    ended = [one for one in ended if not is_deleted(account, one.customer)]
    found = [
        subscription_currency(current) if current else None,
        customer.currency if customer else None,
        *(invoice.currency for invoice in reversed(invoices)),
        *(subscription_currency(one) for one in sorted(ended, key=creation_order, reverse=True)),
    ]
    return next((currency for currency in found if currency), None)


def wanted_language(account: Account, policy: Policy) -> str:
    """The language of messages and pages for the account: its own, else the policy's."""
    language = account.language
    if language and language in LANGUAGES:
        return language
    return policy.mail.language if policy.mail else DEFAULT


def subscription_currency(subscription: Subscription) -> str | None:
    """The currency in which a subscription is billed; None if it is not known. A price may have
    several currencies, so that of an item counts only if nothing else is known.
    """
    of_items = (item.currency for item in subscription.items if item.currency)
    return subscription.currency or next(of_items, None)


def has_card(account: Account, subscription: Subscription | None) -> bool:
    """Whether a card on file pays for the subscription: its own default or its customer's. Without
    a subscription: whether the customer of the next Checkout has a default card.
    """
    return bool(_card_id(account, subscription))


def card_of(account: Account, subscription: Subscription | None) -> Card | None:
    """The card that `has_card` finds. None if there is none, or if Billhook has not received its
    details.
    """
    snapshot = account.cards.get(_card_id(account, subscription) or "")
    return snapshot.card if snapshot else None


def _card_id(account: Account, subscription: Subscription | None) -> str | None:
    if subscription is None:
        customer = customer_for(account)
        return customer.card if customer else None
    known = account.customers.get(subscription.customer)
    return subscription.card or (known.value.card if known else None)


def is_unclaimed(account: Account) -> bool:
    """Whether nobody has proved or used what was typed into the signup form: no button behind a
    mailed link was pressed, the product reported no milestone, and nothing was paid for or granted.
    """
    return (
        account.signup is not None
        and account.proved_at is None
        and account.signed_in_by is None
        and not account.is_in_use
        and not account.grants
        and not has_money(account)
    )


def has_money(account: Account) -> bool:
    """Whether somebody has saved a card, paid, or bought anything but a free trial."""
    subscriptions = [tracked.value for tracked in account.subscriptions.values()]
    return (
        account.card_given_at is not None
        or bool(account.cards)
        or any(tracked.value.card for tracked in account.customers.values())
        or any(one.card or one.trial_end is None for one in subscriptions)
        or any(tracked.value.amount_paid for tracked in account.invoices.values())
    )


def is_customer(account: Account) -> bool:
    """Whether somebody signed up or bought, so that there is something to sign in for."""
    return bool(account.subscriptions or account.ended or account.signup)


def holds_address(account: Account) -> bool:
    """Whether the account keeps others from a trial with its address: somebody signed up, or it is
    a customer's whose address is proved, who uses the product or ever paid. Where nobody signed up
    the address was typed at Stripe, by whomever: what was not paid there holds nothing against who
    has the address.
    """
    if account.signup is not None:
        return True
    return is_customer(account) and (
        account.email_proved or account.is_in_use or bool(account.grants) or _has_paid(account)
    )


def _has_paid(account: Account) -> bool:
    """Whether an invoice was paid with money. Of subscriptions that are kept no more only the end
    is known: they count if nothing else is left.
    """
    return (bool(account.ended) and not account.subscriptions) or any(
        tracked.value.amount_paid for tracked in account.invoices.values()
    )


def trial_name(signup: Signup) -> str:
    """The name of the operation that starts the trial of a signup at Stripe."""
    return f"trial:{signup.number}" if signup.number else "trial"


def restarts_trial(account: Account) -> bool:
    """Whether the trial was begun anew and Stripe does not have that yet. Until then what Stripe
    has is of an earlier signup.
    """
    signup = account.signup
    operation = account.errands.get(trial_name(signup)) if signup and signup.number else None
    return operation is not None and operation.done_at is None


def cancellation_is_requested(account: Account) -> bool:
    """Whether a request to cancel at once waits for its mailed link to be opened."""
    return account.leave is not None and (
        account.left_by is None or account.left_by < account.leave.at
    )


def notice_complaint_of(account: Account) -> NoticeComplaint | None:
    """The last complaint about a billing notice by the reader of the present address. Another
    address of the account ends it.
    """
    known = account.notice_complaint
    return known if known and known.reader == reader_mark(account.email) else None


def invoices_of(account: Account, subscription: Subscription) -> list[Invoice]:
    """The subscription's invoices, as far as the account keeps them."""
    return [
        tracked.value
        for tracked in account.invoices.values()
        if tracked.value.subscription == subscription.id
    ]


def period_invoices(account: Account, subscription: Subscription) -> list[Invoice]:
    """The invoices for the subscription's periods and changes, as far as the account keeps them.
    One for single items is owed, and says nothing about what the subscription gives.
    """
    found = invoices_of(account, subscription)
    return [invoice for invoice in found if invoice.reason not in OF_SINGLE_ITEMS]


def known_invoices(account: Account) -> dict[str, TrackedInvoice]:
    """The invoices by id, without those of subscriptions that have not been reported yet: they may
    be to another product.
    """
    return {
        id: tracked
        for id, tracked in account.invoices.items()
        if tracked.value.subscription is None or tracked.value.subscription in account.subscriptions
    }


def zone_of(account: Account, mail: MailPolicy | None) -> ZoneInfo:
    """The customer's time zone, if it is known, else the policy's."""
    return ZoneInfo(account.profile.timezone or (mail.timezone if mail else "UTC"))
