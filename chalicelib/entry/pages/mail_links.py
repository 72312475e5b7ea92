"""The pages behind links in mail: unsubscribing and preferences. Also the health check."""

from typing import cast
from urllib.parse import parse_qs, unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.state import Account
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.middleware.reader import recognize
from chalicelib.entry.http.page_responses import html_page, page_response
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.accounts.links import UNSUBSCRIBABLE, open_mail_link
from chalicelib.usecases.accounts.record import is_wanted, record_consent

ANY_TYPE = ["*/*"]
"""Mail programs differ: they post a form (RFC 8058), multipart, or no content type at all."""

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "GET", "/healthz", "Check that the API responds.", answers={200: response_schemas.HEALTH}
    ),
)
def show_health(request: CheckedRequest) -> dict[str, str]:
    """Always `ok`: the function runs."""
    return {"status": "ok"}


@bp.route("/unsubscribe/{token}", methods=["GET"], content_types=ANY_TYPE)
@html_page
def show_unsubscribe(token: str) -> Response:
    """Show an unsubscribe button. Changes nothing, because mail scanners open every link."""
    account = _account(token, "unsubscribe")
    return page_response(200, "unsubscribe", wanted=_wanted(account))


@bp.route("/unsubscribe/{token}", methods=["POST"], content_types=ANY_TYPE)
@html_page
def unsubscribe(token: str) -> Response:
    """Unsubscribe from lifecycle mail at once, whatever the body contains (RFC 8058)."""
    account = _account(token, "unsubscribe")
    _save(account, wanted=False)
    preferences = ""
    if account:
        link = link_to(account, "preferences", clock.now(), UNSUBSCRIBABLE)
        preferences = wiring.links().token(link)
    return page_response(200, "unsubscribed", preferences=preferences)


@bp.route("/preferences/{token}", methods=["GET"], content_types=ANY_TYPE)
@html_page
def show_preferences(token: str) -> Response:
    """Show which mail the customer gets."""
    account = _account(token, "preferences")
    return page_response(200, "preferences", wanted=_wanted(account), saved=False, wrong=False)


@bp.route("/preferences/{token}", methods=["POST"], content_types=ANY_TYPE)
@html_page
def save_preferences(token: str) -> Response:
    """Save the choice, yes or no. Shows the page again without one."""
    account = _account(token, "preferences")
    choice = _choice(cast(bytes, bp.current_request.raw_body))
    if choice not in {"yes", "no"}:
        return page_response(400, "preferences", wanted=_wanted(account), saved=False, wrong=True)
    _save(account, wanted=choice == "yes")
    return page_response(200, "preferences", wanted=choice == "yes", saved=True, wrong=False)


def _choice(body: bytes) -> str:
    try:
        return parse_qs(body.decode(errors="replace"), max_num_fields=20).get("lifecycle", [""])[-1]
    except ValueError:
        return ""


def _account(token: str, purpose: str) -> Account | None:
    """The account of a link, None if it was erased. Raises LinkRefused."""
    link = wiring.links().read(unquote(token), purpose, clock.now())
    account = open_mail_link(link, wiring.accounts())
    if account:
        recognize(account)
    return account


def _wanted(account: Account | None) -> bool:
    return account is not None and is_wanted(account, UNSUBSCRIBABLE)


def _save(account: Account | None, wanted: bool) -> None:
    if account is not None:
        record_consent(account, UNSUBSCRIBABLE, wanted, wiring.services())
