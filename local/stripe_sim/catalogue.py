"""What billing.toml sells, as the simulated Stripe begins with it."""

from chalicelib.domain.policy import Policy
from local.stripe_sim.engine import CataloguePrice


def catalogue(policy: Policy) -> list[CataloguePrice]:
    """The prices of billing.toml; one without an amount costs ten."""
    return [
        CataloguePrice(
            plan.id,
            f"{policy.mail.product} {plan.name}" if policy.mail else plan.name,
            key,
            interval,
            plan.amounts.get(interval, 1000),
            policy.currency,
        )
        for plan in policy.plans.values()
        for interval, key in plan.lookup_keys.items()
    ]
