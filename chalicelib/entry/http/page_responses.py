"""HTTP responses with pages, and the pages for errors, which reveal nothing internal."""

import functools
from collections.abc import Callable
from typing import Any

from chalice.app import Response

from chalicelib.domain import errors
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.cookies import cookie_values, set_cookie
from chalicelib.domain.security.links import PURPOSES, LinkRefused, account_mark, link_for
from chalicelib.entry.http.middleware.reader import is_negotiated, reader_language
from chalicelib.entry.http.responses import status_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
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
        return message_page(404, "sign_in.heading", "sign_in.newest")
    return sign_in_page(404, "sign_in.heading", "sign_in.detail")


def sign_in_page(status: int, heading: str, detail: str, cookie: str | None = None) -> Response:
    """The page with the form for a new link, below a heading and a sentence: the names of two texts
    in pages/texts. `cookie` is a Set-Cookie header to send with it.
    """
    return page_response(status, "sign_in", cookie=cookie, heading=heading, detail=detail)


def error_page(error: Exception, where: str) -> Response:
    """The page for an error. It shows errors that the visitor can correct, and no internal ones.
    `where` is the name of the view, for the log.
    """
    status = status_of(error)
    if isinstance(error, errors.Refused) and status < 500:
        return message_page(status, "failure.refused_title", "failure.refused")
    if isinstance(error, errors.BillhookError) and status < 500:
        from chalicelib.pages.problems import problem_text

        return page_response(
            status, "signup_problem", message=problem_text(error, reader_language())
        )
    if isinstance(error, errors.Unavailable | errors.Refused):
        logger.warning("A page could not be shown", extra={"view": where} | failure_of(error))
        return message_page(503, "failure.busy_title", "failure.busy")
    logger.error("A page failed", extra={"view": where} | failure_of(error))
    return message_page(500, "failure.broken_title", "failure.broken")


def redirect(url: str, cookie: str | None = None) -> Response:
    """A redirect. `cookie` is a Set-Cookie header to send with it."""
    headers: dict[str, str | list[str]] = {"Location": url}
    return Response(
        "", status_code=303, headers=headers | ({"Set-Cookie": cookie} if cookie else {})
    )


def refuse_cross_site(request: Any) -> None:
    """Raise Forbidden for a POST that a page of another origin sent: cookies with SameSite=Lax are
    still sent with a POST from another host of the same site.
    """
    if not is_own_origin(request):
        raise errors.Forbidden(
            "This form was sent from another site. Please open your billing page and press the"
            " button there.",
            kind="site",
        )


def cookies_of(request: Any, name: str) -> list[str]:
    """The values that a browser sent for one of our cookies, each once."""
    header, is_https = request.headers.get("cookie"), wiring.links().is_https
    return list(dict.fromkeys(cookie_values(header, name, is_https)))


KNOWN = "billhook_known"
"""The cookie of a browser that has shown a billing page, without the prefix that it has over https:
such a browser is counted apart from its neighbours, and has no other right by it.
"""


def known_cookie(account: Account) -> str:
    """The Set-Cookie header of a browser that shows the account's billing page."""
    links, lasts = wiring.links(), PURPOSES["known"][0]
    assert lasts is not None, "the cookie ends"
    token = links.token(link_for("known", account_mark(account.id), 0, clock.now()))
    return set_cookie(KNOWN, token, round(lasts.total_seconds()), links.is_https)


def known_browser(request: Any) -> str:
    """The mark of the account whose billing page this browser has shown; empty for none."""
    for value in cookies_of(request, KNOWN):
        try:
            return wiring.links().read(value, "known", clock.now()).account_id
        except LinkRefused:
            continue
    return ""


def is_own_origin(request: Any) -> bool:
    """Whether a page of this host sent the request, or no page at all.

    Origin does not decide it alone: it is `null` from any page without a referrer, as ours are.
    Every current browser sends Sec-Fetch-Site, and pages cannot change it.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site:
        return site in {"same-origin", "none"}
    return origin in {None, "null", wiring.links().origin}


def message_page(status: int, title: str, text: str) -> Response:
    """A page of a heading and a sentence: the names of two texts in pages/texts."""
    return page_response(status, "message", title=title, text=text)


def page_response(
    status: int,
    name: str,
    /,
    form_to: tuple[str, ...] = (),
    cookie: str | None = None,
    **values: Any,
) -> Response:
    """The page with this name, in the reader's language and the owner's colours. `form_to` lists
    other origins that its forms may redirect to; `cookie` is a Set-Cookie header to send with it.
    """
    from chalicelib.pages.rendering import headers, page
    from chalicelib.pages.texts import text

    policy, root, language = wiring.policy(), wiring.links().root_path, reader_language()
    product = policy.mail.product if policy.mail else text("us", language)
    shared = {"root": root, "product": product}
    return Response(
        page(name, brand=policy.pages, language=language, **shared | values),
        status_code=status,
        headers=headers(policy.pages, form_to, language, is_negotiated())
        | ({"Set-Cookie": cookie} if cookie else {}),
    )
