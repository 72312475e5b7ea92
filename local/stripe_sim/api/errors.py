"""Stripe's refusals: a status and an error in Stripe's own shape."""

from typing import Any


class StripeRefusal(Exception):
    """A call that is refused. `charge` and `payment_intent` may say what failed
    (docs.stripe.com/api/errors).
    """

    def __init__(
        self,
        message: str,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        type: str = "invalid_request_error",
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = (
            {"type": type, "message": message}
            | ({"param": param} if param else {})
            | ({"code": code} if code else {})
            | more
        )

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"error": self.error}


NAMES = {
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "promotion_code": "promotion code",
    "customer_balance_transaction": "balance transaction",
    "billing_portal.configuration": "configuration",
}
"""What Stripe calls a kind of object in its messages, where that is not the kind itself."""


def missing(kind: str, id: str, param: str = "id", status: int | None = None) -> StripeRefusal:
    """For an object that there is not: 404 where the path names it, 400 where a parameter does,
    unless `status` says otherwise.
    """
    return StripeRefusal(
        f"No such {NAMES.get(kind, kind)}: '{id}'",
        param,
        "resource_missing",
        status or (404 if param == "id" else 400),
    )


def declined(
    message: str, code: str = "card_declined", decline_code: str | None = None, **more: Any
) -> StripeRefusal:
    """For a payment method that does not pay."""
    details = {"decline_code": decline_code} if decline_code else {}
    return StripeRefusal(message, None, code, 402, "card_error", **details, **more)
