"""Pages, and what anyone may ask."""

from typing import cast
from urllib.parse import parse_qs, unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import LinkRefused, verify
from chalicelib.entry.http import response_schemas
from chalicelib.entry.http.endpoint import Call, Given, serve
from chalicelib.entry.http.page_responses import page_of, paged
from chalicelib.runtime import links, wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.accounts.record import is_wanted, record_consent

UNSUBSCRIBABLE = "lifecycle"
"""The one stream that may be unsubscribed from."""

ANYTHING = ["*/*"]
"""Mail programs post what they like: a form (RFC 8058), multipart, or no type at all."""

bp = Blueprint(__name__)


@serve(bp, Call("GET", "/healthz", "The function answers.", answers={200: response_schemas.HEALTH}))
def show_health(given: Given) -> dict[str, str]:
    """The function answers."""
    return {"status": "ok"}


@bp.route("/unsubscribe/{token}", methods=["GET"], content_types=ANYTHING)
@paged
def show_unsubscribe(token: str) -> Response:
    """Shows a button and changes nothing: programs that look for bad links open every one."""
    account = _account(token, "unsubscribe")
    return page_of(200, "unsubscribe", wanted=_wanted(account))


@bp.route("/unsubscribe/{token}", methods=["POST"], content_types=ANYTHING)
@paged
def unsubscribe(token: str) -> Response:
    """Ends lifecycle mail at once, whatever the body says (RFC 8058); the same
    again does no harm."""
    account = _account(token, "unsubscribe")
    _learn(account, wanted=False)
    preferences = (
        links.token(links.new_link("preferences", account, UNSUBSCRIBABLE)) if account else ""
    )
    return page_of(200, "unsubscribed", preferences=preferences)


@bp.route("/preferences/{token}", methods=["GET"], content_types=ANYTHING)
@paged
def show_preferences(token: str) -> Response:
    """Which mail comes."""
    account = _account(token, "preferences")
    return page_of(200, "preferences", wanted=_wanted(account), saved=False, wrong=False)


@bp.route("/preferences/{token}", methods=["POST"], content_types=ANYTHING)
@paged
def save_preferences(token: str) -> Response:
    """Saves the choice, if there is one: yes or no."""
    account = _account(token, "preferences")
    choice = _choice(cast(bytes, bp.current_request.raw_body))
    if choice not in {"yes", "no"}:
        return page_of(400, "preferences", wanted=_wanted(account), saved=False, wrong=True)
    _learn(account, wanted=choice == "yes")
    return page_of(200, "preferences", wanted=choice == "yes", saved=True, wrong=False)


def _choice(body: bytes) -> str:
    try:
        return parse_qs(body.decode(errors="replace"), max_num_fields=20).get("lifecycle", [""])[-1]
    except ValueError:
        return ""


def _account(token: str, purpose: str) -> Account | None:
    """The account of a link; None if it was erased since. Raises LinkRefused."""
    link = verify(unquote(token), purpose, wiring.secrets().link_keys, clock.now())
    if link.about != UNSUBSCRIBABLE:
        raise LinkRefused("This link is about mail that cannot be unsubscribed from.")
    return wiring.accounts().load(link.account_id)


def _wanted(account: Account | None) -> bool:
    return account is not None and is_wanted(account, UNSUBSCRIBABLE)


def _learn(account: Account | None, wanted: bool) -> None:
    if account is not None:
        record_consent(account, UNSUBSCRIBABLE, wanted, wiring.services())
