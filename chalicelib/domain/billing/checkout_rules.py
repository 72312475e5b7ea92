"""What the next Checkout session of an account is for: a card or a purchase."""

from chalicelib.domain.account.parts.checkout import Order
from chalicelib.domain.account.queries import (
    billed_in,
    currency_of,
    current_subscription,
    has_card,
    plan_of,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.plan_requests import PurchaseRequest
from chalicelib.domain.billing.selling import keys_for
from chalicelib.domain.errors import AlreadySubscribed, InvalidInput
from chalicelib.domain.policy.policy import Policy


def order_of(account: Account, policy: Policy, request: PurchaseRequest) -> Order:
    """What the next Checkout of this account is for.

    If there is a live subscription, of whatever status, a Checkout collects a card for it, so an
    account never buys a second one. Raises AlreadySubscribed if it has a card and is paid,
    InvalidInput for a plan, an interval or a currency that is not sold.
    """
    plan, interval, currency = request.plan, request.interval, request.currency
    subscription = current_subscription(account)
    if subscription is not None:
        if plan is not None and plan_of(account, subscription, policy)[0] not in {plan, None}:
            raise AlreadySubscribed(
                "There is a subscription already, to another plan. Change its plan instead of"
                " buying a second one.",
                "plan",
            )
        if subscription.status in {"trialing", "active"} and has_card(account, subscription):
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
    # Of somebody who was billed before, Stripe knows whether the usual prices offer the currency.
    sold = policy.lookup_keys(wanted, known)
    if not sold and billed_in(account):
        sold = keys_for(policy, wanted, known)
    elif known not in policy.currencies:
        raise InvalidInput(f"currency must be one of {', '.join(policy.currencies)}.", "currency")
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
        request.quantity or 1,
        None if known == policy.currency else known,
    )


def _last_plan(account: Account, policy: Policy) -> str | None:
    subscriptions = sorted(
        (known.value for known in account.subscriptions.values()),
        key=lambda one: (one.created, one.id),
    )
    plans = [plan for one in subscriptions if (plan := plan_of(account, one, policy)[0])]
    return plans[-1] if plans else (account.signup.plan if account.signup else None)
