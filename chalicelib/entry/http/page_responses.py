"""How pages go out, and what is shown where one cannot: a page too, that tells nothing."""

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from chalice.app import Response

from chalicelib.domain import errors
from chalicelib.domain.security.links import LinkRefused
from chalicelib.entry.http.responses import status_of
from chalicelib.runtime import links, wiring
from chalicelib.runtime.telemetry import failure_of, logger

View = Callable[..., Response]

PAGES: set[View] = set()
"""Every page: a route for people."""


def paged(view: View) -> View:
    """For pages, below Chalice's decorator. Chalice would log the path of one that fails, and so
    its token.
    """

    @functools.wraps(view)
    def wrapper(**parameters: str) -> Response:
        try:
            return view(**parameters)
        except LinkRefused:
            return link_refused()
        except Exception as error:
            return shown(error, view.__name__)

    PAGES.add(wrapper)
    return wrapper


def link_refused() -> Response:
    """For a link that opens nothing, whyever: a way to get another one, if
    customers sign in here."""
    if wiring.policy().signup is None:
        return page_of(
            404,
            "message",
            title="This link does not work",
            text="Please use the newest link that you have.",
        )
    return page_of(
        404,
        "sign_in",
        reason=(
            "This link does not work any more. Please use the newest one that you have, or ask for"
            " another."
        ),
    )


def shown(error: Exception, where: str) -> Response:
    """The page for what went wrong: what the visitor can mend is told, what is ours is not."""
    status = status_of(error)
    if isinstance(error, errors.BillhookError) and status < 500:
        return page_of(status, "signup_problem", message=error.message)
    if isinstance(error, errors.Unavailable | errors.Refused):
        logger.warning("A page could not be shown", extra={"view": where} | failure_of(error))
        return page_of(
            503,
            "message",
            title="Not now",
            text="Something is out of reach. Please try again in a minute.",
        )
    logger.error("A page failed", extra={"view": where} | failure_of(error))
    return page_of(
        500,
        "message",
        title="Something failed",
        text="Something failed on our side. Please try again.",
    )


def led_to(url: str, cookie: str | None = None) -> Response:
    """On to another page, which does not learn from where; `cookie` is the Set-Cookie header that
    goes along.
    """
    headers: dict[str, str | list[str]] = {
        "Location": url,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(
        "", status_code=303, headers=headers | ({"Set-Cookie": cookie} if cookie else {})
    )


def refuse_strangers_forms(request: Any) -> None:
    """Return if what is posted comes from a page of ours, or from no browser. Raises Forbidden.

    A cookie that is SameSite=Lax still goes along with what another host of the same site posts.
    Origin alone cannot tell: from pages without a referrer it is `null`, whosever they are;
    Sec-Fetch-Site is sent by every browser of today, and by pages it cannot be changed.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = urlsplit(links.base_url())
    ours = (
        site in {"same-origin", "none"}
        if site
        else origin in {None, "null", f"{own.scheme}://{own.netloc}"}
    )
    if not ours:
        raise errors.Forbidden(
            "This was sent from another site's page. Please open your billing page, and press the"
            " button there."
        )


def page_of(status: int, name: str, /, form_to: tuple[str, ...] = (), **values: Any) -> Response:
    """The page of that name, in the owner's colours; `form_to` are the origins that its forms may
    lead to.
    """
    from chalicelib.pages.rendering import headers, page

    policy = wiring.policy()
    product = policy.mail.product if policy.mail else "us"
    body = page(name, brand=policy.pages, root=links.root_path(), **{"product": product} | values)
    return Response(body, status_code=status, headers=headers(brand=policy.pages, form_to=form_to))
