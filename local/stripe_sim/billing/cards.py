"""Stripe's test cards (docs.stripe.com/testing): which attach, which pay, which ask
for 3-D Secure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """How a card behaves. `names` are its test tokens. A card that does not pay has an error `code`
    and mostly a `decline` code; `attaches` is whether it can be saved all the same. `secure` says
    when the bank asks: `always`, or only `once`, when it is saved.
    """

    number: str
    names: tuple[str, ...]
    brand: str = "visa"
    code: str | None = None
    decline: str | None = None
    attaches: bool = True
    secure: str | None = None


def _declined(number: str, *names: str, code: str = "card_declined", decline: str = "") -> Card:
    return Card(number, names, code=code, decline=decline or None, attaches=False)


CARDS = (
    Card("4242424242424242", ("tok_visa",)),
    Card("5555555555554444", ("tok_mastercard",), "mastercard"),
    Card("378282246310005", ("tok_amex",), "amex"),
    _declined(
        "4000000000000002",
        "tok_visa_chargeDeclined",
        "tok_chargeDeclined",
        decline="generic_decline",
    ),
    _declined(
        "4000000000009995",
        "tok_visa_chargeDeclinedInsufficientFunds",
        "tok_chargeDeclinedInsufficientFunds",
        decline="insufficient_funds",
    ),
    _declined("4000000000009987", "tok_visa_chargeDeclinedLostCard", decline="lost_card"),
    _declined("4000000000009979", "tok_visa_chargeDeclinedStolenCard", decline="stolen_card"),
    _declined(
        "4000000000006975",
        "tok_visa_chargeDeclinedVelocityLimitExceeded",
        decline="card_velocity_exceeded",
    ),
    _declined("4000000000000069", "tok_chargeDeclinedExpiredCard", code="expired_card"),
    _declined("4000000000000127", "tok_chargeDeclinedIncorrectCvc", code="incorrect_cvc"),
    _declined("4000000000000119", "tok_chargeDeclinedProcessingError", code="processing_error"),
    Card(
        "4000000000000341",
        ("tok_chargeCustomerFail", "tok_visa_chargeCustomerFail"),
        code="card_declined",
        decline="generic_decline",
    ),
    Card("4000000000003220", ("tok_threeDSecure2Required",), secure="always"),
    Card("4000000000003063", ("tok_threeDSecureRequired",), secure="always"),
    Card("4000002760003184", ("tok_authenticationRequired",), secure="always"),
    Card(
        "4000002500003155",
        ("tok_authenticationRequiredOnSetup", "tok_threeDSecureOptional"),
        secure="once",
    ),
    Card("4000003800000446", ("tok_authenticationRequiredSetupForOffSession",)),
)
"""Each is known by its number, its tokens, and each token's name after `pm_card_`."""

_BY_NAME = {name: card for card in CARDS for name in (card.number, *card.names)}

NEVER_RETRIED = frozenset(
    {
        "authentication_required",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)
"""Decline codes after which the schedule goes on, and nothing is sent to the bank before there is
another payment method (docs.stripe.com/billing/revenue-recovery/smart-retries).
"""


def card(name: str) -> Card | None:
    """The card of a token, a number or a `pm_card_…`; None if there is no such test card."""
    name = name.replace(" ", "")
    return _BY_NAME.get(name) or _BY_NAME.get(f"tok_{name.removeprefix('pm_card_')}")
