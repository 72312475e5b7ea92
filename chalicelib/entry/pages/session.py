"""Who visits the customer's own pages, and what their forms hold."""

import unicodedata
from typing import Any, cast
from urllib.parse import parse_qs

from chalice.app import Response

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.selling import REASONS
from chalicelib.entry.http.page_responses import led_to, page_of, refuse_strangers_forms
from chalicelib.runtime import links

FORM = ["application/x-www-form-urlencoded"]

COMMENT_AT_MOST = 500


def visitor(request: Any, purpose: str = "billing-visit") -> Account:
    """The account of a visit; what is posted must come from a page of ours. Raises LinkRefused,
    Forbidden.
    """
    if request.method != "GET":
        refuse_strangers_forms(request)
    return links.visitor(request.headers.get("cookie"), purpose)


def form_of(request: Any) -> dict[str, str]:
    """The fields of a form, the last one of each name. Raises InvalidInput."""
    try:
        fields = parse_qs(cast(bytes, request.raw_body).decode(), max_num_fields=20)
    except ValueError as error:
        raise InvalidInput("The form cannot be read.") from error
    return {name: values[-1] for name, values in fields.items()}


def reason_of(form: dict[str, str]) -> str | None:
    """The reason that was chosen, if one was. Raises InvalidInput."""
    reason = form.get("reason") or None
    if reason is not None and reason not in REASONS:
        raise InvalidInput("Please choose one of the reasons on the page.", "reason")
    return reason


def comment_of(form: dict[str, str]) -> str:
    """The customer's own words, as one line. Raises InvalidInput."""
    spaced = (
        "" if unicodedata.category(letter) in {"Cc", "Cs"} and not letter.isspace() else letter
        for letter in form.get("comment", "")
    )
    text = " ".join("".join(spaced).split())
    if len(text) > COMMENT_AT_MOST:
        raise InvalidInput(f"Please use {COMMENT_AT_MOST} letters at most.", "comment")
    return text


def back_to(path: str, notice: str = "", cookie: str | None = None) -> Response:
    """On to a page of ours, which says the notice."""
    return led_to(f"{links.base_url()}{path}{f'?notice={notice}' if notice else ''}", cookie)


def billing_page_of(name: str, status: int = 200, /, **values: Any) -> Response:
    """One of the pages behind the billing page, whose forms may lead to Stripe."""
    return page_of(status, name, form_to=links.stripe_hosts(), **values)
