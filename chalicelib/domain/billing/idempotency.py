"""Responses to calls with an Idempotency-Key. They are stored for ever, and a repeated call gets
the same response.
"""

from datetime import datetime

from chalicelib.domain.account.operations import Charged
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.billing.payments import OpenPayment
from chalicelib.values import frozen


@frozen
class IdempotentRequest:
    """A caller's request. `what` identifies the call and its input: equal requests have the same
    text. `key` is the caller's Idempotency-Key, if it sent one.
    """

    what: str
    key: str | None = None


@frozen
class Declined:
    """A declined card, with Stripe's code for it. It is stored as a response too."""

    message: str
    stripe_code: str | None = None


@frozen
class Outcome:
    """The result of a call that changes something: the standing after it; what a reactivation did
    (`action`) or the page that it leads to (`url`); the charge; or the declined card.

    With `payment` Stripe has accepted the call, and its payment is not settled yet. The response is
    stored like that; whoever sends the call again gets the payment's present state.
    """

    standing: Standing
    action: str | None = None
    url: str | None = None
    charged: Charged | None = None
    declined: Declined | None = None
    payment: OpenPayment | None = None


@frozen
class StoredResponse:
    """The response to a call with an Idempotency-Key. `asked` identifies the call and its body."""

    account_id: str
    key: str
    asked: str
    at: datetime
    outcome: Outcome
