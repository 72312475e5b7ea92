"""HTTP responses: errors and results as JSON."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chalice.app import Response

from chalicelib.domain import errors
from chalicelib.runtime.telemetry import failure_of, logger

if TYPE_CHECKING:
    from chalicelib.domain.account.standing import Standing

STATUS: dict[type[errors.BillhookError], int] = {
    errors.InvalidInput: 400,
    errors.SignatureRefused: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.AccountNotFound: 404,
    errors.EndpointNotFound: 404,
    errors.NotSetUp: 404,
    errors.AccountTaken: 409,
    errors.ConcurrentUpdate: 409,
    errors.AlreadySubscribed: 409,
    errors.NoSubscription: 409,
    errors.NotPossible: 409,
    errors.IdempotencyConflict: 409,
    errors.TooMany: 409,
    errors.TooManyRequests: 429,
    errors.TooLarge: 413,
    errors.CursorExpired: 410,
    errors.CardDeclined: 402,
    errors.ConfirmationRequired: 402,
    errors.StripeRefused: 422,
    errors.Unavailable: 503,
    errors.Refused: 503,
}
"""Error → HTTP status, with subclasses before their base classes. Any other error is a defect and
gets 500.
"""


RETRY_AFTER_SECONDS = 10
"""When to repeat a call that could not be answered: later than a passing failure lasts, sooner than
the schedule goes on with what was begun.
"""

LARGEST_BODY = 64 * 1024
"""Bytes: far more than any API request or form needs."""

LARGEST_BODIES = {"/webhooks/stripe": 10 * 1024 * 1024, "/webhooks/intercom": 512 * 1024}
"""Route → a larger limit in bytes. Stripe's route checks its own lower limit, to count what it
refuses. A contact of Intercom's can have 250 attributes.
"""


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)


View = Callable[..., Any]


def json_errors(view: View) -> View:
    """Turns exceptions of a route into JSON error responses. Stands below Chalice's decorator:
    Chalice's middleware does not see exceptions.
    """

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except errors.BillhookError as error:
            status = status_of(error)
            if status >= 500:
                logger.warning("A request could not be answered", extra=failure_of(error))
            return described_error(error)
        except Exception as error:
            # Chalice would log the error's text, and the path, which may contain a token.
            logger.error("A request failed", extra={"view": view.__name__} | failure_of(error))
            return error_response(
                500, "internal", "Something failed on our side. Please try again."
            )

    return wrapper


def described_error(error: errors.BillhookError) -> Response:
    """The error response for one of Billhook's errors. With Retry-After where a repetition may
    succeed, with Stripe's own code where Stripe refused.
    """
    response = error_response(status_of(error), error.code, error.message, error.field)
    if isinstance(error, errors.Refused) and error.stripe_code:
        response.body["error"]["stripe_code"] = error.stripe_code
    if isinstance(error, errors.CursorExpired):
        response.body["error"]["oldest"] = error.oldest
    if isinstance(error, errors.Unavailable):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def error_response(status: int, code: str, message: str, field: str | None = None) -> Response:
    """An error response in the form that every error has."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    return Response(
        {"error": error},
        status_code=status,
        headers={"WWW-Authenticate": "Bearer"} if status == 401 else {},
    )


ALWAYS_SENT = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
"""Headers of every response: a browser takes none for anything but what it says it is, nobody keeps
one, and no address of ours, which may hold a link, is sent to another site.
"""

NO_CONTENT_RUNS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
}
"""The policy of every response that is no page, and so has none of its own."""

NO_CONTENT_OF_THE_GATEWAY = {
    name: policy.replace(" 'none'", "") for name, policy in NO_CONTENT_RUNS.items()
}
"""The same policy for the errors that API Gateway sends by itself. There a header stands between
single quotes and can have none in it. A directive without a value matches as 'none' does (CSP level
3, "Does url match source list in origin with redirect count?").
"""

HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
"""Headers of every response over https: for a year, a browser asks this host in no other way. Other
hosts of the owner's domain are the owner's to decide on.
"""


def add_security_headers(response: Response, is_https: bool) -> Response:
    """The response with the headers that all have; those of a page stay. API Gateway serves nothing
    but https. The local system is not, and a browser would ask its host name over https from then
    on.
    """
    for name, value in (ALWAYS_SENT | NO_CONTENT_RUNS | (HTTPS_ONLY if is_https else {})).items():
        response.headers.setdefault(name, value)
    return response


def reformat_error(response: Response) -> Response:
    """A response, with Chalice's own errors (wrong method, wrong content type, internal error) in
    Billhook's form.
    """
    body = response.body
    if response.status_code < 400 or not isinstance(body, dict) or "Code" not in body:
        return response
    codes = {
        "InternalServerError": "internal",
        "UnsupportedMediaType": "unsupported_media_type",
        "MethodNotAllowedError": "method_not_allowed",
    }
    reformatted = error_response(
        response.status_code, codes.get(body["Code"], "invalid"), str(body.get("Message", ""))
    )
    if "Allow" in response.headers:
        reformatted.headers["Allow"] = response.headers["Allow"]
    return reformatted


def refuse_large_body(request: Any) -> Response | None:
    """The error response for a body larger than its route allows, None for a smaller body."""
    most = LARGEST_BODIES.get(request.context.get("resourcePath"), LARGEST_BODY)
    if len(request.raw_body) <= most:
        return None
    return error_response(
        413, errors.TooLarge.code, f"The body is too large: at most {most} bytes are allowed here."
    )


def query_fields(request: Any) -> dict[str, str]:
    """The parameters of the query string, the last one of each name."""
    return {str(name): str(value) for name, value in (request.query_params or {}).items()}


def source_address(request: Any) -> str:
    """The caller's network address, as API Gateway saw it. Headers are ignored: callers can forge
    them.
    """
    return str(request.context.get("identity", {}).get("sourceIp") or "unknown")


def refuse_repeated(request: Any) -> None:
    """Raise InvalidInput for a parameter of the query string that is there twice: of two values
    nobody knows which one counts.
    """
    given = request.query_params
    for name in given or ():
        if len(given.getlist(name)) > 1:
            raise errors.InvalidInput(f"The parameter {name[:40]} was sent twice.", name[:40])


def standing_json(now: "Standing") -> dict[str, Any]:
    """The JSON form of a standing."""
    from chalicelib.domain.changes.event_document import access_fields

    return {"status": now.status, **access_fields(now)}


def access_json(account_id: str, now: "Standing") -> dict[str, Any]:
    """The answer of the access call."""
    from chalicelib.domain.changes.event_document import access_fields

    return {"account_id": account_id, **access_fields(now)}
