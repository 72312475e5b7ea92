"""The visitor's session on the customer's pages, the fields of forms, and redirects."""

import unicodedata
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from chalice.app import Response

from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.payments import OpenPayment
from chalicelib.domain.bounds import most
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.domain.security.cookies import set_cookie
from chalicelib.domain.security.links import PURPOSES, Link, LinkRefused
from chalicelib.entry.http.middleware.reader import recognize
from chalicelib.entry.http.page_responses import (
    cookies_of,
    page_response,
    redirect,
    refuse_cross_site,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.accounts.links import open_link

COOKIES = {"welcome-visit": "billhook_welcome", "billing-visit": "billhook_billing"}
"""Session → the name of its cookie, without the prefix that it has over https."""

FORM = ["application/x-www-form-urlencoded"]


def opened(token: str, purpose: str) -> tuple[Link, Account]:
    """The link in a token from a path or a cookie, and its account. Raises LinkRefused."""
    link = wiring.links().read(unquote(token), purpose, clock.now())
    account = open_link(link, wiring.accounts())
    recognize(account)
    return link, account


def visitor(request: Any, purpose: str = "billing-visit") -> Account:
    """The account of the visitor's session. Raises LinkRefused without a session, and Forbidden for
    a form from another site.
    """
    return visit(request, purpose)[1]


def visit(request: Any, purpose: str = "billing-visit") -> tuple[Link, Account]:
    """The visitor's session and its account. Raises as `visitor` does."""
    if request.method != "GET":
        refuse_cross_site(request)
    return _session(request, purpose)


def _session(request: Any, purpose: str) -> tuple[Link, Account]:
    for value in cookies_of(request, COOKIES[purpose]):
        try:
            return opened(value, purpose)
        except LinkRefused:
            continue
    raise LinkRefused


def session_of(request: Any, account_id: str) -> Link | None:
    """The session of an account on the billing page that a request belongs to; None for none."""
    try:
        session, account = _session(request, "billing-visit")
    except LinkRefused:
        return None
    return session if account.id == account_id else None


def has_session(request: Any) -> bool:
    """Whether a request belongs to a session on the billing page, of whatever account."""
    try:
        _session(request, "billing-visit")
    except LinkRefused:
        return False
    return True


def cookie(purpose: str, account: Account, about: str = "") -> str:
    """The Set-Cookie header that starts a session. The cookie lasts an hour. `about` says how the
    session began.
    """
    links, lasts = wiring.links(), PURPOSES[purpose][0]
    assert lasts is not None, "a session ends"
    token = links.token(link_to(account, purpose, clock.now(), about))
    return set_cookie(COOKIES[purpose], token, round(lasts.total_seconds()), links.is_https)


def ended_cookie(purpose: str) -> str:
    """The Set-Cookie header that ends a session in this browser."""
    return set_cookie(COOKIES[purpose], "", 0, wiring.links().is_https)


def form_of(request: Any) -> dict[str, str]:
    """The fields of a form, the last one of each name. Raises InvalidInput."""
    try:
        fields = parse_qs(cast(bytes, request.raw_body).decode(), max_num_fields=20)
    except ValueError as error:
        raise InvalidInput("The form cannot be read.") from error
    return {name: values[-1] for name, values in fields.items()}


def reason_of(form: dict[str, str]) -> str | None:
    """The chosen reason for a cancellation, if there is one. Raises InvalidInput."""
    reason = form.get("reason") or None
    if reason is not None and reason not in CANCELLATION_REASONS:
        raise InvalidInput("Please choose one of the reasons on the page.", "reason")
    return reason


def comment_of(form: dict[str, str]) -> str:
    """The customer's comment as one line, without control characters. Raises InvalidInput."""
    spaced = (
        "" if unicodedata.category(letter) in {"Cc", "Cs"} and not letter.isspace() else letter
        for letter in form.get("comment", "")
    )
    text = " ".join("".join(spaced).split())
    if len(text) > most("comment"):
        raise InvalidInput(f"Please use at most {most('comment')} characters.", "comment")
    return text


def redirect_to(path: str, notice: str = "", cookie: str | None = None) -> Response:
    """A redirect to one of the customer's pages. `notice` names the notice to show there, `cookie`
    is a Set-Cookie header.
    """
    base_url = wiring.links().base_url
    return redirect(f"{base_url}{path}{f'?notice={notice}' if notice else ''}", cookie)


def open_payment_page(payment: OpenPayment) -> Response:
    """The page for a payment that is under way, or that the bank wants confirmed at Stripe."""
    return billing_page("payment_open", status=payment.status, url=payment.url)


def billing_page(name: str, status: int = 200, /, **values: Any) -> Response:
    """The billing page or one below it. Forms on these pages may redirect to Stripe."""
    stand_in = settings().stripe_api_base
    hosts = (*wiring.policy().pages.stripe_hosts, *([stand_in] if stand_in else []))
    return page_response(status, name, form_to=hosts, **values)
