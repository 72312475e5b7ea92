"""How results and errors go out over HTTP, and who may ask."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalice.app import Response

from chalicelib.domain import errors
from chalicelib.domain.account.standing import Standing
from chalicelib.runtime.telemetry import failure_of, logger

STATUS: dict[type[errors.BillhookError], int] = {
    errors.InvalidInput: 400,
    errors.SignatureRefused: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.AccountNotFound: 404,
    errors.AccountTaken: 409,
    errors.ConcurrentUpdate: 409,
    errors.AlreadySubscribed: 409,
    errors.NoSubscription: 409,
    errors.NotPossible: 409,
    errors.IdempotencyConflict: 409,
    errors.TooManyRequests: 429,
    errors.TooLarge: 413,
    errors.CardDeclined: 402,
    errors.Unavailable: 503,
    errors.Refused: 503,
}
"""The status of each error, the narrower ones first; one that is not here is ours, and a 500."""


LARGEST_BODY = 64 * 1024
"""Bytes: far more than any call or form has."""

LARGEST_BODIES = {"/webhooks/stripe": 10 * 1024 * 1024}
"""Where more is taken. A webhook's own limit is its route's, which counts what it refuses."""


def status_of(error: Exception) -> int:
    """The status of an error."""
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)


View = Callable[..., Any]


def answered(view: View) -> View:
    """For routes, below Chalice's decorator, whose middleware cannot see exceptions: our errors go
    out in our shape.
    """

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except errors.BillhookError as error:
            status = status_of(error)
            if status >= 500:
                logger.warning("A call could not be answered", extra=failure_of(error))
            return problem(status, error.code, error.message, error.field)
        except Exception as error:
            # Chalice would log the path, which may hold a token, and the error's text.
            logger.error("A call failed", extra={"view": view.__name__} | failure_of(error))
            return problem(500, "internal", "Something failed on our side. Please try again.")

    return wrapper


def problem(status: int, code: str, message: str, field: str | None = None) -> Response:
    """An error in the shape that every error has."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    return Response(
        {"error": error},
        status_code=status,
        headers={"WWW-Authenticate": "Bearer"} if status == 401 else {},
    )


def reformat_error(response: Response) -> Response:
    """Chalice's own refusals (another method, another content type, an unexpected failure) in our
    shape.
    """
    body = response.body
    if response.status_code < 400 or not isinstance(body, dict) or "Code" not in body:
        return response
    codes = {
        "InternalServerError": "internal",
        "UnsupportedMediaType": "unsupported_media_type",
        "MethodNotAllowedError": "method_not_allowed",
    }
    return problem(
        response.status_code, codes.get(body["Code"], "invalid"), str(body.get("Message", ""))
    )


def refuse_large_body(request: Any) -> Response | None:
    """The refusal of a body that is larger than anything that is taken at its route; None if it is
    not. Nothing is read of such a body.
    """
    most = LARGEST_BODIES.get(request.context.get("resourcePath"), LARGEST_BODY)
    if len(request.raw_body) <= most:
        return None
    return problem(413, errors.TooLarge.code, f"A body may have {most} bytes here.")


def query_of(request: Any) -> dict[str, str]:
    """The query's parameters, the last one of each name."""
    return {str(name): str(value) for name, value in (request.query_params or {}).items()}


def standing_shown(now: Standing) -> dict[str, Any]:
    """A standing as JSON has it."""
    return {
        "status": now.status,
        "access": now.access,
        "reason": now.reason,
        "plan": now.plan,
        "features": list(now.features),
        "quantity": now.quantity,
        "until": moment_text(now.until),
    }


def moment_text(value: datetime | None) -> str | None:
    """A moment as JSON has it: ISO 8601, in UTC."""
    return value.isoformat().replace("+00:00", "Z") if value else None
