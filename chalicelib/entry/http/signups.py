"""Signing up from the marketing site: by script (JSON, with CORS), or by a plain form."""

from typing import Any, cast

from chalice.app import Blueprint, Response

from chalicelib.domain.access import standing
from chalicelib.domain.errors import Forbidden, InvalidInput, TooLarge, TooManyRequests
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.entry.http import response_schemas
from chalicelib.entry.http.endpoint import Call, declared
from chalicelib.entry.http.page_responses import led_to, shown
from chalicelib.entry.http.responses import answered, moment_text
from chalicelib.entry.http.signup_form import SIGNUP, Posted, is_form, posted, read_wish
from chalicelib.runtime import links, wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import count
from chalicelib.usecases.accounts.abuse_guard import admit
from chalicelib.usecases.accounts.sign_up import SignupOutcome, enqueue_signup, sign_up

CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")
CHECK_YOUR_INBOX = {"status": "check_your_inbox"}

bp = Blueprint(__name__)

declared(
    Call(
        "POST",
        "/signups",
        "Sign up for a free trial, from one of the sites in billing.toml: by script, or by a plain"
        " form, which gets pages.",
        body=SIGNUP,
        answers={
            201: response_schemas.SIGNED_UP,
            202: response_schemas.CHECK_YOUR_INBOX,
            303: None,
        },
        errors=(InvalidInput, Forbidden, TooLarge, TooManyRequests),
        content_types=CONTENT_TYPES,
    )
)
declared(Call("OPTIONS", "/signups", "The preflight of a browser.", answers={204: None}))


@bp.route("/signups", methods=["OPTIONS"])
@answered
def allow_signup() -> Response:
    """The preflight. Chalice's own knows one static origin; here it is each of the sites in
    billing.toml.
    """
    asked: dict[str, str | list[str]] = {
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "3600",
    }
    cors = _cors()
    return Response(
        "", status_code=204, headers=cors | (asked if "Access-Control-Allow-Origin" in cors else {})
    )


@bp.route("/signups", methods=["POST"], content_types=list(CONTENT_TYPES))
def receive_signup() -> Response:
    """201 {account_id, status, trial_ends_at, welcome_url}; 202 for who has had a trial, or must
    confirm the address first. A form: 303.
    """
    response = (
        _signup_page()
        if is_form(bp.current_request.headers.get("content-type"))
        else answered(_signup)()
    )
    response.headers.update(_cors())
    return cast(Response, response)


def _signup() -> Response:
    outcome = _received(_posted())
    if outcome.what == "known" or outcome.account is None or _is_unconfirmed(outcome):
        return Response(CHECK_YOUR_INBOX, status_code=202)
    account = outcome.account
    now = standing(account, wiring.policy(), clock.now())
    content: dict[str, Any] = {
        "account_id": account.id,
        "status": now.status,
        "trial_ends_at": moment_text(account.signup.trial_ends_at if account.signup else now.until),
        "welcome_url": links.url(links.new_link("welcome", account)),
    }
    return Response(content, status_code=201)


def _signup_page() -> Response:
    """The same for a browser without script: pages instead of JSON."""
    try:
        outcome = _received(_posted())
    except Exception as error:
        return shown(error, "receive_signup")
    known = outcome.what == "known" or outcome.account is None or _is_unconfirmed(outcome)
    target = (
        f"{links.base_url()}/check-your-inbox"
        if known or outcome.account is None
        else links.url(links.new_link("welcome", outcome.account))
    )
    return led_to(target)


def _posted() -> Posted:
    request = bp.current_request
    return posted(cast(bytes, request.raw_body), request.headers.get("content-type"))


def _received(form: Posted) -> SignupOutcome:
    policy, now = _policy(), clock.now()
    if form.is_trapped:
        count("SignupsTrapped")
        return SignupOutcome("known")  # a program learns nothing from it
    wish = read_wish(form.fields, wiring.policy(), in_test=settings().stage == "local")
    confirm = admit(
        wish.email,
        source_address(bp.current_request),
        form.captcha,
        policy,
        wiring.signup_guard(),
        now,
    )
    if policy.answer == "same":
        enqueue_signup(wish, confirm, wiring.services())
        return SignupOutcome("known")  # it is not known whether it is
    return sign_up(wish, confirm, wiring.services())


def source_address(request: Any) -> str:
    """Where a request came from, as API Gateway saw it: never a header that the caller writes."""
    return str(request.context.get("identity", {}).get("sourceIp") or "unknown")


def _policy() -> SignupPolicy:
    policy = wiring.policy().signup
    if policy is None:
        raise Forbidden("Nobody can sign up here: billing.toml has no table [signup].")
    return policy


def _is_unconfirmed(outcome: SignupOutcome) -> bool:
    return (
        outcome.account is not None
        and outcome.account.signup is not None
        and outcome.account.signup.confirm
    )


def _cors() -> dict[str, str | list[str]]:
    """What lets the script of a site in billing.toml read the answer; other origins are told
    nothing.
    """
    origin = bp.current_request.headers.get("origin")
    signup = wiring.policy().signup
    allowed = origin and signup and (origin in signup.sites or origin == links.base_url())
    return {"Vary": "Origin"} | (
        {"Access-Control-Allow-Origin": origin} if origin and allowed else {}
    )
