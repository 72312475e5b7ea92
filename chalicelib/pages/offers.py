"""What is on sale, with its price in words."""

from chalicelib.domain.policy.policy import Policy
from chalicelib.localization.amounts import money
from chalicelib.localization.prices import spoken_interval
from chalicelib.pages.texts import text


def offers_in(policy: Policy, currency: str, language: str) -> list[dict[str, str]]:
    """Each plan on sale in a currency, once for each interval."""
    return [
        {
            "plan": plan.id,
            "name": plan.name,
            "interval": interval,
            "price": price_text(amount, 1, currency, interval, language),
        }
        for plan in policy.plans.values()
        for sold_in, interval, _, amount in plan.prices_in(policy.currency)
        if sold_in == currency
    ]


def price_text(
    amount: int | None, seats: int, currency: str, interval: str | None, language: str
) -> str:
    """What so many seats cost: "$98.00 a month"; "by the month" if billing.toml has no amount."""
    interval = interval or "month"
    if amount is None:
        return text(f"by.{interval}", language)
    return f"{money(amount * seats, currency, language)} {spoken_interval(interval, 1, language)}"
