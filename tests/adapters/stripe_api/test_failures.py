"""What a failed call to Stripe means: whether it is repeated, and what the caller is told."""

from typing import Any

import pytest
import stripe

from chalicelib.domain.errors import (
    CardDeclined,
    ConfirmationRequired,
    OutcomeUnknown,
    Refused,
    StripeRefused,
    Unavailable,
)
from chalicelib.stripe_api.failures import StripeFailure, error_for
from chalicelib.stripe_api.transport import translated_error

CARD, INVALID = "card_error", "invalid_request_error"
CASES: list[tuple[int | None, str, str | None, type[Exception]]] = [
    (400, INVALID, "coupon_expired", StripeRefused),
    (400, INVALID, None, StripeRefused),
    (400, "idempotency_error", None, OutcomeUnknown),
    (400, INVALID, "rate_limit", Unavailable),
    (401, INVALID, None, Refused),
    (402, CARD, "card_declined", CardDeclined),
    (402, CARD, "expired_card", CardDeclined),
    (402, CARD, "subscription_payment_intent_requires_action", ConfirmationRequired),
    (402, CARD, "invoice_payment_intent_requires_action", ConfirmationRequired),
    (402, CARD, "authentication_required", ConfirmationRequired),
    (402, INVALID, "payment_method_unsupported_type", StripeRefused),
    (403, INVALID, "more_permissions_required", Refused),
    (404, INVALID, "resource_missing", StripeRefused),
    (409, "idempotency_error", "idempotency_key_in_use", Unavailable),
    (409, "idempotency_error", None, Unavailable),
    (409, INVALID, "lock_timeout", Unavailable),
    (409, INVALID, "resource_already_exists", StripeRefused),
    (429, INVALID, "lock_timeout", Unavailable),
    (429, INVALID, "rate_limit", Unavailable),
    (500, "api_error", None, OutcomeUnknown),
    (503, "api_error", None, OutcomeUnknown),
    (None, "", None, Unavailable),
]
"""Status, type and code of a failed change, and our error for it."""


@pytest.mark.parametrize(("status", "type_", "code", "expected"), CASES)
def test_only_what_passes_by_itself_is_retried(
    status: int | None, type_: str, code: str | None, expected: type[Exception]
) -> None:
    details = {"type": type_, "message": "Why.", **({"code": code} if code else {})}
    error = error_for(StripeFailure(status, details), changes=True)
    assert type(error) is expected
    if isinstance(error, StripeRefused):
        assert error.stripe_code == code
        assert "Why." in error.message


def test_a_read_that_stripe_fails_to_answer_may_be_repeated_under_the_same_conditions() -> None:
    assert type(error_for(StripeFailure(500, {}), changes=False)) is Unavailable


def test_a_decline_has_the_code_that_says_most() -> None:
    details = {
        "type": CARD,
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
    }
    error = error_for(StripeFailure(402, details), changes=True)
    assert isinstance(error, CardDeclined)
    assert error.stripe_code == "insufficient_funds"
    assert "Your card has insufficient funds." in error.message


@pytest.mark.parametrize("key", ["sk_test_1", "rk_live_abc", "whsec_9"])
def test_no_key_leaves_in_a_message(key: str) -> None:
    details = {"type": INVALID, "message": f"Invalid parameter {key} here."}
    assert key not in str(error_for(StripeFailure(400, details), changes=True))


@pytest.mark.parametrize("body", [None, "<html>", {}, {"error": "no"}, {"error": {"code": 7}}])
def test_an_answer_of_another_shape_is_judged_by_its_status(body: Any) -> None:
    error = stripe.StripeError("no", http_status=400, json_body=body)
    assert type(translated_error(error, True)) is StripeRefused
