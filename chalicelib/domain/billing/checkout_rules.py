"""What the next Checkout session of an account is for: a card or a purchase."""

from collections.abc import Mapping

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
from chalicelib.domain.stripe_objects.objects import Subscription


def order_of(account: Account, policy: Policy, request: PurchaseRequest) -> Order:
    """What the next Checkout of this account is for.

    If there is a live subscription, of whatever status, a Checkout collects a card for it, so an
    account never buys a second one. Raises AlreadySubscribed if it has a card and is paid, or is
    not what is asked for, InvalidInput for a plan, an interval or a currency that is not sold.
    """
    subscription = current_subscription(account)
    if subscription is None:
        return _purchase(account, policy, request)
    _refuse_another(account, subscription, policy, request)
    if subscription.status in {"trialing", "active"} and has_card(account, subscription):
        raise AlreadySubscribed(
            "The subscription runs and a card is on file. The portal changes either."
        )
    currency = _currency(account, policy, request)
    return Order("setup", currency=None if currency == policy.currency else currency)


def _purchase(account: Account, policy: Policy, request: PurchaseRequest) -> Order:
    """The plan that was asked for, else the last one, else the first of billing.toml that is sold:
    the last one may have been taken out of billing.toml, or be sold no more.
    """
    usual_plans = (_last_plan(account, policy), *policy.plans)
    currency = _currency(account, policy, request)
    sold_plans = (one for one in usual_plans if one and keys_for(policy, one, currency))
    plan = request.plan or next(sold_plans, None) or next(iter(policy.plans))
    if plan not in policy.plans:
        raise InvalidInput(f"plan must be one of {', '.join(policy.plans)}.", "plan")
    sold = _prices(account, policy, plan, currency)
    usual = policy.signup.interval if policy.signup else None
    interval = usual if usual in sold else next(iter(sold))
    if request.interval is not None:
        interval = request.interval
    if interval not in sold:
        raise InvalidInput(f"interval must be one of {', '.join(sold)}.", "interval")
    return Order(
        "subscription",
        plan,
        interval,
        request.quantity or 1,
        None if currency == policy.currency else currency,
    )


def _prices(account: Account, policy: Policy, plan: str, currency: str) -> Mapping[str, str]:
    """The lookup keys by which a plan is sold in a currency, by interval; never empty."""
    sold = policy.lookup_keys(plan, currency)
    if not sold and billed_in(account):
        # Of somebody who was billed before, Stripe knows whether the usual prices offer it.
        sold = keys_for(policy, plan, currency)
    elif currency not in policy.currencies:
        raise InvalidInput(f"currency must be one of {', '.join(policy.currencies)}.", "currency")
    if not sold:
        raise InvalidInput(
            f"The plan {plan} is not sold in {currency}: it has no lookup key for that in"
            " billing.toml.",
            "plan",
        )
    return sold


def _refuse_another(
    account: Account, subscription: Subscription, policy: Policy, request: PurchaseRequest
) -> None:
    """A card saved for the subscription would be charged for what it is, so what is asked for must
    be that: who chose the year would pay for a month.
    """
    plan, quantity = plan_of(account, subscription, policy)
    held: dict[str, set[str | int | None]] = {
        "plan": {plan},
        "interval": {item.interval for item in subscription.items},
        "quantity": {quantity},
    }
    asked = {"plan": request.plan, "interval": request.interval, "quantity": request.quantity}
    for field, wanted in asked.items():
        known = held[field] - {None}
        if wanted is not None and known and wanted not in known:
            raise AlreadySubscribed(
                f"There is a subscription already, of another {field}. Change its plan instead of"
                " buying a second one.",
                field,
            )


def _currency(account: Account, policy: Policy, request: PurchaseRequest) -> str:
    """The currency of the Checkout. Raises InvalidInput if another one is asked for."""
    known = currency_of(account, policy, request.currency)
    if request.currency not in {None, known}:
        raise InvalidInput(
            f"currency must be {known}: Stripe bills a customer in one currency.", "currency"
        )
    return known


def _last_plan(account: Account, policy: Policy) -> str | None:
    subscriptions = sorted(
        (known.value for known in account.subscriptions.values()),
        key=lambda one: (one.created, one.id),
    )
    plans = [plan for one in subscriptions if (plan := plan_of(account, one, policy)[0])]
    return plans[-1] if plans else (account.signup.plan if account.signup else None)
