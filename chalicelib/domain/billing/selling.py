"""The prices that a customer can buy, by the currency that the customer is billed in, and the one
that a customer keeps.
"""

from collections.abc import Mapping

from chalicelib.domain.account.operations import Change
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Item


def keys_for(policy: Policy, plan: str, currency: str) -> Mapping[str, str]:
    """The lookup keys of a plan's prices by interval, for a customer who is billed in `currency`.

    Those of its prices in that currency, if billing.toml has any. Else those of its usual prices:
    they may offer the currency in Stripe's `currency_options`, which only Stripe knows.
    """
    return policy.lookup_keys(plan, currency) or policy.lookup_keys(plan)


def keeps_price(item: Item, change: Change, policy: Policy) -> bool:
    """Whether only the quantity changes. The item then stays on its price, which may be one that is
    sold no more: who takes a seat more has not asked for the new price.
    """
    plan, _ = policy.plan_of([item])
    return (plan, item.interval) == (change.plan, change.interval)


def amount_after(item: Item, change: Change, policy: Policy, currency: str) -> int | None:
    """What one of the item costs after a change, in minor units of `currency`; None if that is not
    known.
    """
    if keeps_price(item, change, policy) and item.currency == currency:
        return item.amount
    return policy.amount(change.plan, change.interval, currency)
