"""The visitor's session on the customer's pages, the fields of forms, and redirects."""

import unicodedata
from typing import Any, cast
from urllib.parse import parse_qs

from chalice.app import Response

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS
from chalicelib.entry.http.page_responses import page_response, redirect, refuse_cross_site
from chalicelib.runtime import links

FORM = ["application/x-www-form-urlencoded"]

COMMENT_AT_MOST = 500


def visitor(request: Any, purpose: str = "billing-visit") -> Account:
    """The account of the visitor's session. Raises LinkRefused without a session, and Forbidden for
    a form from another site.
    """
    if request.method != "GET":
        refuse_cross_site(request)
    return links.visitor(request.headers.get("cookie"), purpose)


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
    if len(text) > COMMENT_AT_MOST:
        raise InvalidInput(f"Please use at most {COMMENT_AT_MOST} characters.", "comment")
    return text


def redirect_to(path: str, notice: str = "", cookie: str | None = None) -> Response:
    """A redirect to one of the customer's pages. `notice` names the notice to show there, `cookie`
    is a Set-Cookie header.
    """
    return redirect(f"{links.base_url()}{path}{f'?notice={notice}' if notice else ''}", cookie)


def billing_page(name: str, status: int = 200, /, **values: Any) -> Response:
    """The billing page or one below it. Forms on these pages may redirect to Stripe."""
    return page_response(status, name, form_to=links.stripe_hosts(), **values)
