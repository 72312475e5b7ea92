"""Prices and intervals as text, and what a customer pays with."""

from chalicelib.domain.account.queries import (
    creation_order,
    recognized_items,
    subscription_currency,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Card, Item, Subscription
from chalicelib.localization.amounts import money
from chalicelib.localization.wording import WORDING

BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "eftpos_au": "eftpos",
}
"""Card brands that are not written as Stripe's word with a capital."""


def brand_of(card: Card) -> str:
    """A card's brand as it is written on the card."""
    return BRANDS.get(card.brand, card.brand.capitalize())


def spoken_method(card: Card, language: str = DEFAULT) -> str:
    """What pays, by its last digits: "Visa ending in 4242", "bank account ending in 3000"."""
    words = WORDING[language]
    if card.debit:
        return words.bank_account.format(last4=card.last4)
    return words.card.format(brand=brand_of(card), last4=card.last4)


def spoken_interval(interval: str, count: int, language: str = DEFAULT) -> str:
    """How often is paid: "a month", "every 2 years"."""
    words = WORDING[language]
    return words.per[interval] if count == 1 else words.every[interval].format(n=count)


def spoken_price(account: Account, policy: Policy, language: str = DEFAULT) -> str:
    """What the running subscription costs, if it is one price that is known in the currency that it
    is billed in: "$49.00 a month", "$490.00 every 2 years". Empty otherwise.
    """
    running = [known.value for known in account.subscriptions.values() if not known.value.final]
    return price_of(account, max(running, key=creation_order, default=None), policy, language)


def price_of(
    account: Account, one: Subscription | None, policy: Policy, language: str = DEFAULT
) -> str:
    """What a subscription costs, as in `spoken_price`."""
    items = recognized_items(account, one, policy) if one else ()
    currency = subscription_currency(one) if one else None
    item = items[0] if len(items) == 1 else None
    if item is None or item.interval is None or currency is None:
        return ""
    amount = _amount_of(item, currency, policy)
    if amount is None:
        return ""
    cost = money(amount * (item.quantity or 1), currency, language)
    return f"{cost} {spoken_interval(item.interval, item.interval_count, language)}"


def _amount_of(item: Item, currency: str, policy: Policy) -> int | None:
    """What one of an item costs in a currency. A price may have several currencies, of which
    Stripe's objects tell only its own; billing.toml may tell the others.
    """
    if item.metered:
        return None
    if item.currency == currency:
        return item.amount
    plan = policy.plan_of([item])[0]
    return (
        policy.amount(plan, item.interval, currency) if plan and item.interval_count == 1 else None
    )
