"""The prices that a customer can buy, by the currency that the customer is billed in."""

from collections.abc import Mapping

from chalicelib.domain.policy.policy import Policy


def keys_for(policy: Policy, plan: str, currency: str) -> Mapping[str, str]:
    """The lookup keys of a plan's prices by interval, for a customer who is billed in `currency`.

    Those of its prices in that currency, if billing.toml has any. Else those of its usual prices:
    they may offer the currency in Stripe's `currency_options`, which only Stripe knows.
    """
    return policy.lookup_keys(plan, currency) or policy.lookup_keys(plan)
