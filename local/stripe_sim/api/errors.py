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


def missing(kind: str, id: str, param: str = "id") -> StripeRefusal:
    """For an object that there is not."""
    return StripeRefusal(f"No such {kind}: '{id}'", param, "resource_missing", 404)


def declined(message: str, decline_code: str, **more: Any) -> StripeRefusal:
    """For a card that does not pay."""
    return StripeRefusal(
        message, None, "card_declined", 402, "card_error", decline_code=decline_code, **more
    )
