"""The revenue a month of an account, as the people system shows it."""

from datetime import datetime

from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.history import mrr_at
from chalicelib.domain.money import in_major_units
from chalicelib.domain.policy.policy import Policy


def monthly_revenue(account: Account, policy: Policy, now: datetime) -> tuple[float, str | None]:
    """(revenue in major units, its currency); (0.0, None) without any. Amounts of different
    currencies are never added: of several, it is the one in which the most is paid.
    """
    amounts = {
        currency: in_major_units(amount, currency)
        for currency, amount in mrr_at(account, now, policy.figures.metered).items()
        if amount
    }
    if not amounts:
        return 0.0, None
    currency = max(sorted(amounts), key=lambda one: amounts[one])
    return float(amounts[currency]), currency
