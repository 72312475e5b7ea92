"""Who opens a page of the dashboard: an admin key in a header, or the session of a browser."""

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast
from urllib.parse import parse_qs, urlencode

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import Forbidden, InvalidInput, Unauthorized
from chalicelib.domain.security.api_keys import ApiKey, split_token
from chalicelib.domain.security.cookies import cookie_values, set_cookie
from chalicelib.domain.security.dashboard import (
    COOKIE,
    SESSION_LASTS,
    NoDashboard,
    NotSignedIn,
    Operator,
    is_own_form,
)
from chalicelib.entry.admin.responses import error_page, redirect_to
from chalicelib.entry.http.page_responses import PAGES, is_own_origin
from chalicelib.entry.http.responses import query_fields, source_address
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.operators.audit import Act
from chalicelib.usecases.operators.sessions import operator_of_key, operator_of_session

View = Callable[..., Response]

FORM = ["application/x-www-form-urlencoded"]

CSRF = "csrf"
"""The hidden field of every form."""

MOST_FIELDS = 40

TRACES = frozenset({204, 405, 415})
"""The statuses of responses that no page has given: the methods of a page, and the refusals of
another method and of a body that is no form.
"""


def page(
    bp: Blueprint, path: str, method: str = "GET", acts: bool = False
) -> Callable[[View], View]:
    """Serve a page of the dashboard by the decorated view, for whoever may open it. The view gets
    the operator and the ids in the path.

    A form must come from a page of this host and carry the value of its own session. `acts`: the
    operator's role must allow actions.
    """
    types: dict[str, Any] = {"content_types": FORM} if method == "POST" else {}

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def served(**ids: str) -> Response:
            request, operator = bp.current_request, None
            try:
                operator = operator_of(request)
                if method == "POST":
                    _check_form(request, operator)
                if acts and not operator.may_act:
                    raise Forbidden("Your role only allows to look.", kind="role")
                return view(operator, **ids)
            except NotSignedIn as error:
                if method == "GET":
                    return redirect_to("/admin/sign-in")
                return error_page(error, view.__name__, operator)
            except Exception as error:
                return error_page(error, view.__name__, operator)

        PAGES.add(served)
        bp.route(path, methods=[method], **types)(served)
        return view

    return decorate


def open_page(bp: Blueprint, path: str, method: str = "GET") -> Callable[[View], View]:
    """Serve a page of the sign-in by the decorated view, without a session."""
    types: dict[str, Any] = {"content_types": FORM} if method == "POST" else {}

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def served(**ids: str) -> Response:
            try:
                return view(**ids)
            except Exception as error:
                return error_page(error, view.__name__, None)

        PAGES.add(served)
        bp.route(path, methods=[method], **types)(served)
        return view

    return decorate


def operator_of(request: Any) -> Operator:
    """Who sent a request. Raises Unauthorized or Forbidden for a key that does not open the
    dashboard, NotSignedIn without a session, NoDashboard for both where nobody may sign in.
    """
    header = request.headers.get("authorization")
    if header:
        try:
            key = wiring.key_ring().check(header, "admin", clock.now())
        except (Unauthorized, Forbidden) as error:
            if has_sign_in():
                raise
            raise NoDashboard from error
        return operator_of_key(key, header.partition(" ")[2].strip())
    if operator := session_of(request):
        return operator
    raise NotSignedIn if has_sign_in() else NoDashboard


def without_traces(request: Any, response: Response) -> Response:
    """The response to a request, unless it shows a stranger that there is a page of the dashboard
    where nobody may sign in: by the methods that it has, or the form that it takes. Then the page
    of an address with nothing.
    """
    path = request.context.get("resourcePath") or ""
    if response.status_code not in TRACES or not (path + "/").startswith("/admin/"):
        return response
    try:
        if not has_sign_in():
            operator_of(request)
    except NoDashboard as error:
        return error_page(error, "without_traces", None)
    return response


def has_sign_in() -> bool:
    """Whether people are led to the sign-in: there are operators, or this is the local system,
    whose control room shows a key.
    """
    return wiring.policy().team is not None or settings().stage == "local"


def session_of(request: Any) -> Operator | None:
    """Who the session of a browser belongs to; None for none."""
    team = wiring.policy().team
    roles = team.role_by_address() if team else {}
    is_https = wiring.links().is_https
    for secret in cookie_values(request.headers.get("cookie"), COOKIE, is_https)[:5]:
        found = operator_of_session(
            secret, roles, wiring.operator_sessions(), wiring.api_keys(), clock.now()
        )
        if found:
            return found
    return None


def session_cookie(secret: str) -> str:
    """The Set-Cookie header that begins a session in a browser."""
    seconds = round(SESSION_LASTS.total_seconds())
    return set_cookie(COOKIE, secret, seconds, wiring.links().is_https)


def ended_cookie() -> str:
    """The Set-Cookie header that ends the session in this browser."""
    return set_cookie(COOKIE, "", 0, wiring.links().is_https)


def refuse_other_origin(request: Any) -> None:
    """Raise Forbidden for a form that a page of another origin sent."""
    origin = request.headers.get("origin")
    if not is_own_origin(request) or origin not in {None, "null", wiring.links().origin}:
        raise Forbidden("This form was sent from another site.", kind="site")


def form_of(request: Any) -> dict[str, str]:
    """The fields of a form, the last one of each name. Raises InvalidInput."""
    try:
        body = cast(bytes, request.raw_body or b"").decode()
        fields = parse_qs(body, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InvalidInput("The form cannot be read.") from error
    return {name: values[-1] for name, values in fields.items()}


def query_of(request: Any, *names: str) -> dict[str, str]:
    """These parameters of the query string, stripped; empty where left out."""
    given = query_fields(request)
    return {name: given.get(name, "").strip()[:400] for name in names}


def next_page(path: str, cursor: str | None, **query: str) -> str | None:
    """The path of the next page of a list; None on the last."""
    if cursor is None:
        return None
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept | {'cursor': cursor})}"


def audited(
    request: Any,
    actor: str,
    action: str,
    account_id: str | None = None,
    asked: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> AbstractContextManager[None]:
    """Within it, what is done goes into the audit log before the first write."""
    given = {name: value for name, value in (asked or {}).items() if value is not None}
    act = Act(actor, action, account_id, given or None, source_address(request), key)
    return wiring.audited(act)


def _check_form(request: Any, operator: Operator) -> None:
    refuse_other_origin(request)
    if not is_own_form(operator, form_of(request).get(CSRF, "")):
        raise Forbidden(
            "This form is not from your session. Please open the page again.", kind="form"
        )


def key_in(text: str) -> ApiKey:
    """The admin key of a text that somebody typed. Raises Unauthorized, Forbidden."""
    if split_token(text.strip()) is None:
        raise Unauthorized("This is not a key of Billhook.", "key")
    return wiring.key_ring().check(f"Bearer {text.strip()}", "admin", clock.now())
