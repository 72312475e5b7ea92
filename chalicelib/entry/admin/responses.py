"""Responses of the dashboard: its pages, its error pages and redirects between them."""

from urllib.parse import urlencode

from chalice.app import Response

from chalicelib.domain.errors import BillhookError, Refused, Unavailable
from chalicelib.domain.security.dashboard import NoDashboard, NotSignedIn, Operator
from chalicelib.domain.security.links import LinkRefused
from chalicelib.entry.http.page_responses import redirect
from chalicelib.entry.http.responses import status_of
from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.messaging.rebuild import NotRebuilt

STATUS: dict[type[BillhookError], int] = {
    NoDashboard: 404,
    NotSignedIn: 401,
    LinkRefused: 404,
    NotRebuilt: 404,
}


def admin_page(
    operator: Operator | None,
    name: str,
    code: int = 200,
    /,
    cookie: str | None = None,
    **values: object,
) -> Response:
    """A page of the dashboard. `cookie` is a Set-Cookie header to send with it."""
    from chalicelib.pages.admin.rendering import HEADERS, page

    policy = wiring.policy()
    headers: dict[str, str | list[str]] = {**HEADERS}
    return Response(
        page(
            name,
            operator=operator,
            root=wiring.links().root_path,
            product=policy.mail.product if policy.mail else "Billhook",
            zone=policy.mail.timezone if policy.mail else "UTC",
            **values,
        ),
        status_code=code,
        headers=headers | ({"Set-Cookie": cookie} if cookie else {}),
    )


def redirect_to(path: str, cookie: str | None = None, **query: str) -> Response:
    """A redirect to a page of the dashboard."""
    kept = {name: value for name, value in query.items() if value}
    url = f"{wiring.links().base_url}{path}"
    return redirect(f"{url}?{urlencode(kept)}" if kept else url, cookie)


def error_status(error: Exception) -> int:
    """The HTTP status of an error on a page of the dashboard."""
    found = next((code for kind, code in STATUS.items() if isinstance(error, kind)), None)
    return found or status_of(error)


def error_page(error: Exception, where: str, operator: Operator | None) -> Response:
    """The page for an error. `where` is the name of the view, for the log."""
    status = error_status(error)
    if isinstance(error, BillhookError) and status < 500:
        return admin_page(operator, "problem", status, message=error.message)
    if isinstance(error, Unavailable | Refused):
        logger.warning("A page could not be shown", extra={"view": where} | failure_of(error))
        message = error.message if operator else "Please try again in a moment."
        return admin_page(operator, "problem", 503, message=message)
    logger.error("A page failed", extra={"view": where} | failure_of(error))
    return admin_page(operator, "problem", 500, message="Something failed on our side.")
