"""What billing.toml sells, as the simulated Stripe begins with it."""

from chalicelib.domain.policy.policy import Policy
from local.stripe_sim.lifecycle.engine import CataloguePrice


def catalogue(policy: Policy) -> list[CataloguePrice]:
    """The prices of billing.toml; one without an amount costs ten."""
    return [
        CataloguePrice(
            plan.id,
            f"{policy.mail.product} {plan.name}" if policy.mail else plan.name,
            key,
            interval,
            amount or 1000,
            currency,
        )
        for plan in policy.plans.values()
        for currency, interval, key, amount in plan.prices_in(policy.currency)
    ]
