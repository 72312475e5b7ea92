"""What a Checkout is for, given what the account has: a card for a subscription that runs or waits,
or a purchase.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.errands import KEY_TRUSTED
from chalicelib.domain.errors import AlreadySubscribed, InvalidInput
from chalicelib.domain.facts import Customer, Subscription
from chalicelib.domain.policy import Policy

if TYPE_CHECKING:
    from chalicelib.domain.account import Account

NEVER_PAID = frozenset({"incomplete", "incomplete_expired"})
"""Statuses of a purchase that was begun and not paid: another one may be made beside it, and it
ends by itself (Stripe, after 23 hours).
"""

LASTS = timedelta(hours=23)
"""How long a Checkout session is offered again; Stripe keeps it open for 24 hours."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a Checkout session is for: `setup` collects a card, `subscription` sells a plan.
    `currency` None is the owner's own.
    """

    mode: str
    plan: str | None = None
    interval: str | None = None
    quantity: int = 1
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """The Checkout of an account: there is one at a time, so that two tabs buy once. `number` makes
    its idempotency key.

    `session` and `url` are None from the moment it is begun until Stripe has made it.
    """

    number: int
    order: Order
    at: datetime
    session: str | None = None
    url: str | None = None
    doubtful: bool = False
    closed: bool = False

    def offers(self, order: Order, now: datetime) -> bool:
        """Whether this one, made or about to be made, is what is wanted."""
        lasts = LASTS if self.session else KEY_TRUSTED
        return (
            self.order == order and not self.closed and not self.doubtful and now < self.at + lasts
        )


def order_of(
    account: "Account",
    policy: Policy,
    plan: str | None,
    interval: str | None,
    quantity: int | None,
    currency: str | None = None,
) -> Order:
    """What the next Checkout of this account is for.

    While a subscription lives, whatever its status, a Checkout collects a card for it: so there is
    never a second one. Raises AlreadySubscribed if it has a card and is paid for, InvalidInput for
    a plan, an interval or a currency that is not sold.
    """
    subscription = living(account)
    if subscription is not None:
        if plan is not None and policy.plan_of(subscription.items)[0] not in {plan, None}:
            raise AlreadySubscribed(
                "There is a subscription already, to another plan. Change its plan instead of"
                " buying a second one.",
                "plan",
            )
        if subscription.status in {"trialing", "active"} and has_card_for(account, subscription):
            raise AlreadySubscribed(
                "The subscription runs and a card is on file. The portal changes either."
            )
        held = currency_of(account, policy)
        return Order("setup", currency=None if held == policy.currency else held)
    wanted = plan or _last_plan(account, policy) or next(iter(policy.plans))
    if wanted not in policy.plans:
        raise InvalidInput(f"plan must be one of {', '.join(policy.plans)}.", "plan")
    known = currency_of(account, policy, currency)
    if currency not in {None, known}:
        raise InvalidInput(
            f"currency must be {known}: Stripe bills a customer in one currency.", "currency"
        )
    if known not in policy.currencies:
        raise InvalidInput(f"currency must be one of {', '.join(policy.currencies)}.", "currency")
    sold = policy.sold(wanted, known)
    if interval is not None and interval not in sold:
        raise InvalidInput(f"interval must be one of {', '.join(sold)}.", "interval")
    if not sold:
        raise InvalidInput(
            f"The plan {wanted} is not sold in {known}: it has no lookup key for that in"
            " billing.toml.",
            "plan",
        )
    default = (
        policy.signup.interval
        if policy.signup and policy.signup.interval in sold
        else next(iter(sold))
    )
    return Order(
        "subscription",
        wanted,
        interval or default,
        quantity or 1,
        None if known == policy.currency else known,
    )


def currency_of(account: "Account", policy: Policy, otherwise: str | None = None) -> str:
    """The customer's currency: that of the subscription that lives, else of what was last billed,
    else `otherwise`, else billing.toml's.
    """
    one = living(account)
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


def living(account: "Account") -> Subscription | None:
    """The subscription that a card would be for: the newest that lives and was not just begun."""
    alive = [
        known.value
        for known in account.subscriptions.values()
        if not known.value.final
        and known.value.status not in NEVER_PAID
        and not is_deleted(account, known.value.customer)
    ]
    return max(alive, key=lambda one: (one.created, one.id), default=None)


def customer_for(account: "Account") -> Customer | None:
    """Stripe's customer with whom the next Checkout is made: that of the living subscription, else
    the newest by id that is not deleted.
    """
    subscription = living(account)
    if subscription and subscription.customer in account.customers:
        return account.customers[subscription.customer].value
    alive = [known.value for known in account.customers.values() if not known.value.deleted]
    return max(alive, key=lambda one: one.id, default=None)


def has_card_for(account: "Account", subscription: Subscription) -> bool:
    """Whether a subscription would be paid by a card: its own default or its customer's."""
    customer = account.customers.get(subscription.customer)
    return bool(subscription.card or (customer and customer.value.card))


def is_deleted(account: "Account", customer: str) -> bool:
    """Whether Stripe's customer was deleted."""
    return customer in account.customers and account.customers[customer].value.deleted


def begun(checkout: Checkout | None, order: Order, now: datetime) -> Checkout:
    """The next Checkout; its key was never used before."""
    return Checkout((checkout.number if checkout else 0) + 1, order, now)


def further(known: Checkout | None, news: Checkout) -> Checkout:
    """What is known of an account's Checkout after `news`: a later one, or the same as far as
    anybody has brought it.

    Of two who made the same one, the one that heard from Stripe knows; what failed for the other
    takes nothing back.
    """
    if known is None or news.number > known.number:
        return news
    if news.number < known.number:
        return known
    whole = news if news.session else known
    return replace(
        whole,
        closed=known.closed or news.closed,
        doubtful=not whole.session and (known.doubtful or news.doubtful),
    )


def opened(checkout: Checkout, session: str, url: str) -> Checkout:
    """The Checkout that Stripe has made."""
    return replace(checkout, session=session, url=url)


def _last_plan(account: "Account", policy: Policy) -> str | None:
    subscriptions = sorted(
        (known.value for known in account.subscriptions.values()),
        key=lambda one: (one.created, one.id),
    )
    plans = [plan for one in subscriptions if (plan := policy.plan_of(one.items)[0])]
    return plans[-1] if plans else (account.signup.plan if account.signup else None)
