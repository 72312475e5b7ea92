"""Stripe's test cards (docs.stripe.com/testing): which attach, which pay, which ask
for 3-D Secure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """How a card behaves. `decline` is why it does not pay, `attaches` whether it can be saved all
    the same; `secure` when the bank asks: `always`, or only `once`, when it is saved.
    """

    number: str
    brand: str = "visa"
    decline: str | None = None
    attaches: bool = True
    secure: str | None = None


CARDS = {
    "tok_visa": Card("4242424242424242"),
    "tok_mastercard": Card("5555555555554444", "mastercard"),
    "tok_amex": Card("378282246310005", "amex"),
    "tok_chargeDeclined": Card("4000000000000002", decline="generic_decline", attaches=False),
    "tok_chargeDeclinedInsufficientFunds": Card(
        "4000000000009995", decline="insufficient_funds", attaches=False
    ),
    "tok_chargeDeclinedExpiredCard": Card(
        "4000000000000069", decline="expired_card", attaches=False
    ),
    "tok_chargeCustomerFail": Card("4000000000000341", decline="generic_decline"),
    "tok_threeDSecure2Required": Card("4000000000003220", secure="always"),
    "tok_threeDSecureRequired": Card("4000002760003184", secure="always"),
    "tok_threeDSecureOptional": Card("4000002500003155", secure="once"),
}
"""By token; each is known by its number too, and by the token's name after `pm_card_`."""

_BY_NUMBER = {card.number: card for card in CARDS.values()}


def card(name: str) -> Card | None:
    """The card of a token, a number or a `pm_card_…`; None if there is no such test card."""
    name = name.replace(" ", "")
    return (
        CARDS.get(name) or _BY_NUMBER.get(name) or CARDS.get(f"tok_{name.removeprefix('pm_card_')}")
    )
