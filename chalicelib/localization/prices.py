"""Prices and intervals as text, and what a customer pays with."""

from chalicelib.domain.account.queries import creation_order
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.domain.stripe_objects.objects import Card, Item
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


def spoken_interval(interval: str, count: int, language: str = DEFAULT) -> str:
    """How often is paid: "a month", "every 2 years"."""
    words = WORDING[language]
    return words.per[interval] if count == 1 else words.every[interval].format(n=count)


def spoken_price(account: Account, language: str = DEFAULT) -> str:
    """What the running subscription costs, if it is one price: "$49.00 a month", "$490.00 every 2
    years".
    """
    running = [known.value for known in account.subscriptions.values() if not known.value.final]
    items: tuple[Item, ...] = max(running, key=creation_order).items if running else ()
    if len(items) != 1 or items[0].amount is None or not items[0].currency or not items[0].interval:
        return ""
    (item,) = items
    cost = money((item.amount or 0) * (item.quantity or 1), item.currency or "", language)
    return f"{cost} {spoken_interval(items[0].interval, item.interval_count, language)}"
