"""The decisions on actions: each returns the operation to run, or None if nothing has to change, or
raises the reason why it is not possible.
"""

from datetime import datetime, timedelta

from chalicelib.domain.account.operations import Change, Charge, Operation
from chalicelib.domain.account.payments import is_to_pay, unpaid_pause
from chalicelib.domain.account.queries import (
    as_recognized,
    currency_of,
    current_subscription,
    customer_for,
    has_card,
    invoices_of,
    other_subscriptions,
)
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.account.terms import ends_with_its_period, is_canceling
from chalicelib.domain.billing.cancellation_rules import may_withdraw
from chalicelib.domain.billing.plan_requests import PlanRequest
from chalicelib.domain.billing.selling import keys_for
from chalicelib.domain.errors import (
    InvalidInput,
    NoCard,
    NoSubscription,
    NotPossible,
    SubscriptionEnded,
)
from chalicelib.domain.money import is_chargeable, rule_of
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Invoice, Item, Subscription
from chalicelib.values import replace

LONGEST_TRIAL = timedelta(days=730)
"""How far ahead the end of a trial may be (docs.stripe.com/billing/subscriptions/trials: two
years).
"""


RUNS = frozenset({"trialing", "active"})
"""The statuses in which a subscription can be changed."""


PAUSED = (
    "Collection is paused, so a change would never be paid. POST …/reactivate ends the pause first."
)
"""Why the plan of a subscription cannot be changed while its collection is paused."""


NOT_PAID = "An invoice of the subscription is not paid yet. Once it is, the plan can be changed."
"""Why the plan of a subscription cannot be changed while an invoice waits for its payment."""


LARGEST_AMOUNT = 99_999_999
"""Stripe takes eight digits of minor units at most (docs.stripe.com/currencies, "Minimum and
maximum charge amounts").
"""


def cancellation(
    account: Account,
    when: str,
    reason: str | None,
    comment: str | None,
    now: datetime,
    id: str | None = None,
) -> Operation | None:
    """End the current subscription, or the other one of this `id`: `now`, or at the end of the paid
    period (`period_end`). A paused one has no paid period and ends now.
    """
    subscription = _running(account, now) if id is None else _other(account, id)
    if when == "now" or subscription.status == "paused":
        return Operation(
            "cancel_now", subscription.customer, subscription.id, reason=reason, comment=comment
        )
    return (
        None
        if ends_with_its_period(subscription)
        else Operation(
            "cancel", subscription.customer, subscription.id, reason=reason, comment=comment
        )
    )


def withdrawal(
    account: Account,
    policy: Policy,
    asked_at: datetime,
    now: datetime,
    last: datetime | None = None,
    refund: int | None = None,
) -> Operation:
    """Withdraw from the contract. The right must have existed at `asked_at`, when it was requested.
    `last` is when the same person last withdrew; `refund` is what comes back at most, None for all.
    Raises NotPossible.
    """
    subscription = _running(account, now)
    if not may_withdraw(account, policy, asked_at, last):
        raise NotPossible("The time to withdraw from this contract is over.")
    return Operation("withdraw", subscription.customer, subscription.id, refund=refund)


def reactivation(account: Account, now: datetime) -> Operation | None:
    """Undo a scheduled cancellation, end a pause of collection, or resume a paused subscription;
    None if the customer needs a Checkout, for a card or a purchase. The end of a fixed term stays.

    After a pause that the customer took, and for whose time nothing is paid, a new period begins
    now: else what is left of the one that Stripe voided would be free.
    """
    subscription = current_subscription(account)
    if subscription is None:
        return None
    if is_canceling(subscription):
        return Operation("uncancel", subscription.customer, subscription.id)
    pause = unpaid_pause(account, subscription)
    if pause and pause.paid_until <= now:
        return Operation(
            "unpause", subscription.customer, subscription.id, at=now.replace(microsecond=0)
        )
    if subscription.pause_collection:
        return Operation("unpause", subscription.customer, subscription.id)
    return (
        Operation("resume", subscription.customer, subscription.id)
        if subscription.status == "paused" and has_card(account, subscription)
        else None
    )


def pause(account: Account, until: datetime, now: datetime) -> Operation | None:
    """Collect no payments until `until`. What would be due by then is not collected later."""
    subscription = _running(account, now)
    if subscription.status not in RUNS:
        raise NotPossible(
            f"The subscription is {subscription.status}: only one that runs can be paused."
        )
    if not now < until <= now + LONGEST_TRIAL:
        raise InvalidInput("until must be in the future, within two years.", "until")
    until = until.replace(microsecond=0)
    return (
        None
        if subscription.pause_collection and subscription.pause_collection.resumes_at == until
        else Operation("pause", subscription.customer, subscription.id, at=until)
    )


def own_pause(account: Account, until: datetime, now: datetime) -> Operation | None:
    """The pause that the customer takes on the billing page, instead of canceling."""
    operation, subscription = pause(account, until, now), current_subscription(account)
    if operation is None or subscription is None:
        return None
    return replace(operation, paid_until=subscription.period_end)


def plan_change(
    account: Account, policy: Policy, request: PlanRequest, now: datetime
) -> Operation | None:
    """Change plan, interval or quantity; what is None stays as it is.

    Nothing is changed while a payment is open: a smaller plan would credit what was never paid.
    """
    plan, as_of = request.plan, request.as_of or now
    subscription = _running(account, as_of)
    if plan not in policy.plans:
        raise InvalidInput(f"plan must be one of {', '.join(policy.plans)}.", "plan")
    if subscription.status not in RUNS:
        raise NotPossible(
            f"The subscription is {subscription.status}: "
            "a card page (POST …/checkout) or POST …/reactivate"
            " mends that first."
        )
    if subscription.pause_collection:
        raise NotPossible(PAUSED)
    if unpaid_bills(account, subscription):
        raise NotPossible(NOT_PAID)
    item = plan_item(as_recognized(account, subscription, policy), policy)
    currency = currency_of(account, policy)
    sold = keys_for(policy, plan, currency)
    if not sold:
        raise InvalidInput(
            f"The plan {plan} is not sold in {currency}: it has no lookup key for that in"
            " billing.toml.",
            "plan",
        )
    wanted = request.interval or (item.interval if item.interval in sold else next(iter(sold)))
    if wanted is None or wanted not in sold:
        raise InvalidInput(f"interval must be one of {', '.join(sold)}.", "interval")
    number = request.quantity or item.quantity or 1
    change = Change(
        plan, wanted, number, sold[wanted], request.prorate, as_of.replace(microsecond=0)
    )
    return (
        None
        if made(item, change, policy)
        else Operation("plan", subscription.customer, subscription.id, change=change)
    )


def may_change(account: Account, policy: Policy) -> bool:
    """Whether the plan can be changed: the subscription runs and is paid, and its plan is known."""
    subscription = current_subscription(account)
    if subscription is None or subscription.status not in RUNS:
        return False
    if subscription.pause_collection or unpaid_bills(account, subscription):
        return False
    try:
        plan_item(as_recognized(account, subscription, policy), policy)
    except NotPossible:
        return False
    return True


def unpaid_bills(account: Account, subscription: Subscription) -> list[Invoice]:
    """The subscription's invoices that are still to be paid, a bank debit under way included."""
    return [one for one in invoices_of(account, subscription) if is_to_pay(one)]


def may_cancel(account: Account) -> bool:
    """Whether there is a subscription that goes on after its current period."""
    subscription = current_subscription(account)
    return subscription is not None and not ends_with_its_period(subscription)


def plan_item(subscription: Subscription, policy: Policy) -> Item:
    """The item of a subscription that is its plan. Raises NotPossible if that is not certain."""
    known = [item for item in subscription.items if policy.plan_of([item])[0]]
    if known:
        return max(known, key=lambda item: policy.rank(policy.plan_of([item])[0]))
    if len(subscription.items) != 1:
        raise NotPossible(
            "billing.toml knows none of the subscription's prices: change it in Stripe's dashboard."
        )
    return subscription.items[0]


def made(item: Item, change: Change, policy: Policy) -> bool:
    """Whether the change has been made to the item. A metered one has no quantity."""
    plan, quantity = policy.plan_of([item])
    counted = change.quantity if item.metered else quantity or 1
    return (plan, item.interval, counted) == (change.plan, change.interval, change.quantity)


def trial_end(account: Account, ends_at: datetime, now: datetime) -> Operation | None:
    """Move the end of a running trial."""
    subscription = _running(account, now)
    if subscription.status != "trialing":
        raise NotPossible(
            f"The subscription is {subscription.status}: only a trial that runs can be made longer."
        )
    if ends_at <= now:
        raise InvalidInput("ends_at must be in the future.", "ends_at")
    if ends_at > now + LONGEST_TRIAL:
        raise InvalidInput(
            f"ends_at may be {LONGEST_TRIAL.days} days ahead: Stripe allows no longer trial.",
            "ends_at",
        )
    ends_at = ends_at.replace(microsecond=0)
    return (
        None
        if subscription.trial_end == ends_at
        else Operation("trial", subscription.customer, subscription.id, at=ends_at)
    )


def discount(account: Account, coupon: str, now: datetime) -> Operation:
    """Apply a coupon, in addition to the discounts that the subscription has."""
    subscription = _running(account, now)
    return Operation("discount", subscription.customer, subscription.id, coupon=coupon)


def charge(account: Account, policy: Policy, wanted: Charge, now: datetime) -> Operation:
    """Charge an amount in the customer's currency: on the next invoice of a live subscription, or
    now to a card on file.
    """
    if not 1 <= wanted.amount <= LARGEST_AMOUNT:
        raise InvalidInput(
            f"amount must be from 1 to {LARGEST_AMOUNT}, in minor units of the currency.", "amount"
        )
    currency = currency_of(account, policy)
    if wanted.currency != currency:
        raise InvalidInput(
            f"currency must be {currency}: Stripe bills a customer in one currency.", "currency"
        )
    if not is_chargeable(wanted.amount, currency):
        raise InvalidInput(
            f"amount must be a multiple of {rule_of(currency).step}: Stripe charges {currency} only"
            " in such steps.",
            "amount",
        )
    if wanted.bill == "next_invoice":
        live = _running(account, now)
        return Operation("charge", live.customer, live.id, charge=wanted)
    subscription, customer = current_subscription(account), customer_for(account)
    card = subscription.card if subscription else None
    if customer is None or not (customer.card or card):
        raise NoCard(
            "No card is on file. Bill the next invoice, or send the customer to the card page (POST"
            " …/checkout) first.",
            "bill",
        )
    return Operation(
        "charge", customer.id, None, charge=wanted if customer.card else replace(wanted, card=card)
    )


def check_grant(grant: Grant, policy: Policy, now: datetime) -> None:
    """Raises InvalidInput for a grant of an unknown plan, or one that is over."""
    if grant.plan is not None and grant.plan not in policy.plans:
        raise InvalidInput(f"plan must be one of {', '.join(policy.plans)}.", "plan")
    if grant.until <= now:
        raise InvalidInput("until must be in the future.", "until")


def _other(account: Account, id: str) -> Subscription:
    """The live subscription of this id. Raises SubscriptionEnded if there is none."""
    living = [current_subscription(account), *other_subscriptions(account)]
    found = next((one for one in living if one and one.id == id), None)
    if found is None:
        raise SubscriptionEnded("This subscription has ended, or is not one of the account's.")
    return found


def _running(account: Account, now: datetime) -> Subscription:
    """The live subscription, of whatever status. Raises SubscriptionEnded, NoSubscription."""
    subscription = current_subscription(account)
    if subscription is not None and not (
        subscription.cancels_at and subscription.cancels_at <= now
    ):
        return subscription
    if (
        subscription is None
        and account.subscriptions
        and all(known.value.status == "incomplete" for known in account.subscriptions.values())
    ):
        raise NoSubscription("The first payment of the subscription has not been completed.")
    if subscription is not None or account.subscriptions or account.ended:
        raise SubscriptionEnded("The subscription has ended. POST …/checkout sells a new one.")
    raise NoSubscription("The account has no subscription. POST …/checkout sells one.")
