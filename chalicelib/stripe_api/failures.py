"""What a failed call to Stripe means: whether to repeat it, and what to tell whoever asked for it.

Stripe's statuses and codes are those of docs.stripe.com/api/errors and docs.stripe.com/error-codes.
"""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import (
    BillhookError,
    CardDeclined,
    ConfirmationRequired,
    OutcomeUnknown,
    Refused,
    StripeRefused,
    Unavailable,
)
from chalicelib.values import frozen

BUSY_STATUSES = frozenset({408, 429})
"""Statuses below 500 after which the same call succeeds a moment later."""

BUSY_CODES = {
    "idempotency_key_in_use": "another call under the same idempotency key is still running (409)",
    "lock_timeout": "another call is changing the same object (429, and 409 before)",
    "rate_limit": "too many calls (429, in some cases 400)",
}
"""Codes after which the same call succeeds a moment later, whatever their status, and why."""

CONFIRMATION_CODES = frozenset(
    {
        "authentication_required",
        "invoice_payment_intent_requires_action",
        "subscription_payment_intent_requires_action",
    }
)
"""Codes of a 402 that says that the bank wants the customer to confirm the payment."""

LONGEST_MESSAGE = 500

_SECRET = re.compile(r"\b(sk|rk|pk|whsec)_\w+")


@frozen
class StripeFailure:
    """A failed call. `status` is None if no answer came. `details` is the object `error` of
    Stripe's answer; `kind` is the name of the SDK's error, for a failure without an answer.
    """

    status: int | None
    details: Mapping[str, Any]
    kind: str = ""

    @property
    def type(self) -> str:
        """Stripe's type, such as `card_error`."""
        return self._text("type")

    @property
    def code(self) -> str:
        """Stripe's code; for a decline the more exact one, such as `insufficient_funds`."""
        return self._text("decline_code") or self._text("code")

    @property
    def codes(self) -> frozenset[str]:
        """All codes that Stripe gives."""
        return frozenset({self._text("code"), self._text("decline_code")}) - {""}

    @property
    def message(self) -> str:
        """Stripe's message for people, without keys."""
        return _SECRET.sub("…", self._text("message"))[:LONGEST_MESSAGE]

    def _text(self, name: str) -> str:
        value = self.details.get(name)
        return value if isinstance(value, str) else ""


def error_for(failure: StripeFailure, changes: bool) -> BillhookError:
    """Our error for a failed call. `changes` says that the call was to change something, so the
    change may have been made.

    Only what passes by itself is Unavailable: no answer, an overload, a failure at Stripe, a race
    with another call. Everything else would fail again.
    """
    status = failure.status or 0
    if status in BUSY_STATUSES or failure.codes & BUSY_CODES.keys() or _is_race(failure):
        return Unavailable("Stripe is busy with another call.")
    if failure.type == "idempotency_error":
        return OutcomeUnknown("The same key was used with other parameters.")
    if status == 402 and failure.codes & CONFIRMATION_CODES:
        return ConfirmationRequired(
            "The bank wants the customer to confirm this payment.", stripe_code=failure.code
        )
    if status == 402 and failure.type in {"card_error", ""}:
        return CardDeclined(
            _explained("The card was declined", failure), stripe_code=failure.code or None
        )
    if status in {401, 403}:
        return Refused(f"Stripe refuses a call ({status}): is the key allowed to make it?")
    if 400 <= status < 500:
        return StripeRefused(
            _explained("Stripe refuses this", failure), stripe_code=failure.code or None
        )
    if status >= 500 and changes:
        return OutcomeUnknown(
            f"Stripe failed at a change ({status}), and will say the same under the same key."
        )
    return Unavailable(f"Stripe gave no answer ({failure.kind}).")


def _is_race(failure: StripeFailure) -> bool:
    return failure.status == 409 and failure.type == "idempotency_error"


def _explained(what: str, failure: StripeFailure) -> str:
    code = f" ({failure.code})" if failure.code else ""
    return f"{what}{code}{f': {failure.message}' if failure.message else '.'}"
