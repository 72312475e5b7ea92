"""Sign-in to the dashboard: by an admin key, or by a link that is mailed to an operator."""

from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import BillhookError, Forbidden, TooManyRequests, Unauthorized
from chalicelib.domain.security.api_keys import ApiKey
from chalicelib.domain.security.browsers import browser_of
from chalicelib.domain.security.dashboard import NoDashboard, Operator, key_actor
from chalicelib.domain.security.links import Link
from chalicelib.entry.admin.responses import admin_page, error_status, redirect_to
from chalicelib.entry.admin.session import (
    audited,
    ended_cookie,
    form_of,
    has_sign_in,
    key_in,
    open_page,
    page,
    query_of,
    refuse_other_origin,
    session_cookie,
    session_of,
)
from chalicelib.entry.http.responses import source_address
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.operators.sessions import admit_operator, begin_session
from chalicelib.usecases.operators.sign_in import (
    enqueue_operator_sign_in,
    operator_behind,
    use_operator_link,
)

bp = Blueprint(__name__)


@open_page(bp, "/admin/sign-in")
def show_sign_in() -> Response:
    """Show the form. Whoever has a session is led on."""
    if session_of(bp.current_request):
        return redirect_to("/admin")
    if not has_sign_in():
        raise NoDashboard
    return _form(200, query_of(bp.current_request, "notice")["notice"])


@open_page(bp, "/admin/sign-in", "POST")
def sign_in() -> Response:
    """Begin a session by an admin key, or have a link mailed. The answer for an address, and the
    work before it, does not depend on whose address it is.
    """
    refuse_other_origin(bp.current_request)
    form, has_mail = form_of(bp.current_request), wiring.policy().team is not None
    key, email = form.get("key", "").strip(), form.get("email", "").strip()
    try:
        admit_operator(
            source_address(bp.current_request), wiring.signup_guard().limits, clock.now()
        )
        if key:
            return _begun(key_in(key))
        if not has_sign_in():
            raise NoDashboard
        if not has_mail:
            return _form(400, error="Please enter an admin key.")
        if not 3 <= len(email) <= 320 or "@" not in email:
            return _form(400, error="Please enter an e-mail address, or an admin key.")
        enqueue_operator_sign_in(email, wiring.services())
    except (Unauthorized, Forbidden, TooManyRequests) as error:
        if not has_sign_in() and not isinstance(error, TooManyRequests):
            raise NoDashboard from error
        return _form(error_status(error), error=_words(error))
    return redirect_to("/admin/sign-in", notice="mailed")


@open_page(bp, "/admin/sign-in/{token}")
def show_link(token: str) -> Response:
    """Show a button that signs in. Changes nothing, because mail scanners open every link."""
    link = _link(token)
    operator_behind(link, wiring.services())
    return admin_page(None, "sign_in_link", email=link.about)


@open_page(bp, "/admin/sign-in/{token}", "POST")
def use_link(token: str) -> Response:
    """Begin a session by a mailed link. It works once."""
    refuse_other_origin(bp.current_request)
    actor = use_operator_link(_link(token), wiring.operator_sessions(), wiring.services())
    return _session(actor)


@page(bp, "/admin/sign-out", "POST")
def sign_out(operator: Operator) -> Response:
    """End this session, or, with `all`, every session of this operator."""
    store, now = wiring.operator_sessions(), clock.now()
    ends = [operator.session] if operator.session else []
    if form_of(bp.current_request).get("all"):
        ends += [one.id for one in store.all(now) if one.actor == operator.actor]
    with audited(bp.current_request, operator.actor, "admin.signed_out"):
        for id in dict.fromkeys(ends):
            store.end(id, now)
    return redirect_to("/admin/sign-in", ended_cookie(), notice="signed_out")


def _link(token: str) -> Link:
    if not has_sign_in():
        raise NoDashboard
    return wiring.links().read(unquote(token), "operator", clock.now())


def _begun(key: ApiKey) -> Response:
    return _session(key_actor(key.name), key)


def _session(actor: str, key: ApiKey | None = None) -> Response:
    browser = browser_of(bp.current_request.headers.get("user-agent") or "")
    with audited(bp.current_request, actor, "admin.signed_in"):
        secret = begin_session(actor, browser, wiring.operator_sessions(), clock.now(), key)
    return redirect_to("/admin", session_cookie(secret))


def _form(status: int, notice: str = "", error: str = "") -> Response:
    has_mail = wiring.policy().team is not None
    is_local = settings().stage == "local"
    return admin_page(
        None, "sign_in", status, notice=notice, error=error, has_mail=has_mail, is_local=is_local
    )


def _words(error: BillhookError) -> str:
    if isinstance(error, Unauthorized):
        return "This key does not work. An admin key is made by python -m ops keys create."
    if isinstance(error, Forbidden):
        return "This key's scope is not admin."
    return error.message
