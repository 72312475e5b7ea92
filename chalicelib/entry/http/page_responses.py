"""HTTP responses with pages, and the pages for errors, which reveal nothing internal."""

import functools
from collections.abc import Callable
from typing import Any

from chalice.app import Response

from chalicelib.domain import errors
from chalicelib.domain.security.links import LinkRefused
from chalicelib.entry.http.responses import status_of
from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import failure_of, logger

View = Callable[..., Response]

PAGES: set[View] = set()
"""The views of all pages: the routes for people."""


def html_page(view: View) -> View:
    """Registers a page and turns its exceptions into error pages. Stands below Chalice's decorator:
    Chalice would log the path of a failed request, and so its token.
    """

    @functools.wraps(view)
    def wrapper(**parameters: str) -> Response:
        try:
            return view(**parameters)
        except LinkRefused:
            return link_refused_page()
        except Exception as error:
            return error_page(error, view.__name__)

    PAGES.add(wrapper)
    return wrapper


def link_refused_page() -> Response:
    """The page for a link that does not work, with a form to request a new one if customers can
    sign in here.
    """
    if wiring.policy().signup is None:
        return page_response(
            404,
            "message",
            title="This link does not work",
            text="Please use the newest link that you have.",
        )
    return page_response(
        404,
        "sign_in",
        reason=(
            "This link does not work any more. Please use the newest one that you have, or request"
            " a new one."
        ),
    )


def error_page(error: Exception, where: str) -> Response:
    """The page for an error. It shows errors that the visitor can correct, and no internal ones.
    `where` is the name of the view, for the log.
    """
    status = status_of(error)
    if isinstance(error, errors.BillhookError) and status < 500:
        return page_response(status, "signup_problem", message=error.message)
    if isinstance(error, errors.Unavailable | errors.Refused):
        logger.warning("A page could not be shown", extra={"view": where} | failure_of(error))
        return page_response(
            503,
            "message",
            title="Please try again",
            text="This page is not available at the moment. Please try again in a minute.",
        )
    logger.error("A page failed", extra={"view": where} | failure_of(error))
    return page_response(
        500,
        "message",
        title="Something failed",
        text="Something failed on our side. Please try again.",
    )


def redirect(url: str, cookie: str | None = None) -> Response:
    """A redirect that sends no referrer. `cookie` is a Set-Cookie header to send with it."""
    headers: dict[str, str | list[str]] = {
        "Location": url,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(
        "", status_code=303, headers=headers | ({"Set-Cookie": cookie} if cookie else {})
    )


def refuse_cross_site(request: Any) -> None:
    """Raise Forbidden for a POST that a page of another origin sent.

    Cookies with SameSite=Lax are still sent with a POST from another host of the same site. Origin
    does not decide it alone: it is `null` from any page without a referrer. Every current browser
    sends Sec-Fetch-Site, and pages cannot change it.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    same_origin = (
        site in {"same-origin", "none"} if site else origin in {None, "null", wiring.links().origin}
    )
    if not same_origin:
        raise errors.Forbidden(
            "This form was sent from another site. Please open your billing page and press the"
            " button there."
        )


def page_response(
    status: int, name: str, /, form_to: tuple[str, ...] = (), **values: Any
) -> Response:
    """The page with this name, in the owner's colours. `form_to` lists other origins that its
    forms may redirect to.
    """
    from chalicelib.pages.rendering import headers, page

    policy, root = wiring.policy(), wiring.links().root_path
    product = policy.mail.product if policy.mail else "us"
    body = page(name, brand=policy.pages, root=root, **{"product": product} | values)
    return Response(body, status_code=status, headers=headers(brand=policy.pages, form_to=form_to))
