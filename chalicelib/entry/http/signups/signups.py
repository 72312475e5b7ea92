"""Signups from the marketing site: by script (JSON with CORS), or by a plain form."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from chalice.app import Blueprint, Response

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.links import link_to
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_document import iso_time
from chalicelib.domain.errors import (
    Forbidden,
    InvalidInput,
    TooLarge,
    TooManyRequests,
    Unauthorized,
)
from chalicelib.domain.policy.policy import SignupPolicy
from chalicelib.domain.security.api_keys import ApiKey
from chalicelib.domain.security.claims import read_claim
from chalicelib.domain.security.signup import SignupRequest
from chalicelib.entry.http.endpoint import Endpoint, declare
from chalicelib.entry.http.middleware.cors import is_listed
from chalicelib.entry.http.page_responses import (
    error_page,
    is_own_origin,
    known_browser,
    redirect,
)
from chalicelib.entry.http.responses import json_errors, source_address
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.signups.form import (
    CLAIM,
    SIGNUP,
    PostedSignup,
    is_form,
    parse_signup,
    read_signup,
    with_claim,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import count
from chalicelib.usecases.accounts.abuse_guard import admit
from chalicelib.usecases.accounts.sign_up import SignupOutcome, enqueue_signup, sign_up

if TYPE_CHECKING:
    from chalicelib.usecases.operators.audit import Act

CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")
CHECK_YOUR_INBOX = {"status": "check_your_inbox"}

bp = Blueprint(__name__)

declare(
    Endpoint(
        "POST",
        "/signups",
        "Sign up for a free trial from one of the sites in billing.toml: by script, or by a plain"
        " form, which is answered with pages. Your own server may sign a user up too, with a write"
        " key in Authorization.",
        body=SIGNUP,
        answers={
            201: response_schemas.SIGNED_UP,
            202: response_schemas.CHECK_YOUR_INBOX,
            303: None,
        },
        errors=(InvalidInput, Unauthorized, Forbidden, TooLarge, TooManyRequests),
        content_types=CONTENT_TYPES,
    )
)
declare(Endpoint("OPTIONS", "/signups", "A browser's CORS preflight.", answers={204: None}))


@bp.route("/signups", methods=["OPTIONS"])
def allow_signup() -> Response:
    """The CORS preflight. The middleware adds the headers, as to every response of this route."""
    return Response("", status_code=204, headers={"Allow": "OPTIONS, POST"})


@bp.route("/signups", methods=["POST"], content_types=list(CONTENT_TYPES))
def receive_signup() -> Response:
    """201 {account_id, status, trial_ends_at, welcome_url}; 202 if the address had a trial before
    or must be confirmed first. A form gets 303.
    """
    is_page = is_form(bp.current_request.headers.get("content-type"))
    return _signup_page() if is_page else cast(Response, json_errors(_signup_json)())


def _signup_json() -> Response:
    account = _welcomed(_process(_posted()))
    if account is None:
        return Response(CHECK_YOUR_INBOX, status_code=202)
    current = standing(account, wiring.policy(), clock.now())
    trial_ends_at = account.signup.trial_ends_at if account.signup else current.until
    content: dict[str, Any] = {
        "account_id": account.id,
        "status": current.status,
        "trial_ends_at": iso_time(trial_ends_at),
        "welcome_url": _welcome_url(account),
    }
    return Response(content, status_code=201)


def _signup_page() -> Response:
    """A signup by a plain form: answered with pages instead of JSON."""
    try:
        account = _welcomed(_process(_posted()))
    except Exception as error:
        return error_page(error, "receive_signup")
    if account is None:
        return redirect(f"{wiring.links().base_url}/check-your-inbox")
    return redirect(_welcome_url(account))


def _welcome_url(account: Account) -> str:
    return wiring.links().url(link_to(account, "welcome", clock.now()))


def _posted() -> PostedSignup:
    request = bp.current_request
    _refuse_other_sites(request)
    return parse_signup(cast(bytes, request.raw_body), request.headers.get("content-type"))


def _refuse_other_sites(request: Any) -> None:
    """Raise Forbidden for a signup that a page of a site posted which is not in billing.toml: it
    would have each of its visitors sign up and be written to. Servers send no Origin.
    """
    origin, names_site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    hides = origin == "null" and not names_site  # no page of ours signs anybody up
    if is_listed(origin or "") or (is_own_origin(request) and not hides):
        return
    raise Forbidden(
        "This signup was sent from a site that is not listed in billing.toml, [signup] sites.",
        kind="unlisted",
    )


def _process(posted: PostedSignup) -> SignupOutcome:
    policy, product = _policy(), _product()
    if posted.is_trapped:
        count("SignupsTrapped")
        return SignupOutcome("known")  # the same response as for a person, so a bot learns nothing
    signup = read_signup(
        posted.fields,
        wiring.policy(),
        in_test=settings().stage == "local",
        accept_language=bp.current_request.headers.get("accept-language") or "",
    )
    if product:
        confirm = policy.confirm
    else:
        _refuse_unproved_id(signup)
        confirm = _admitted(signup, posted, policy)
    if claim := CLAIM.read(posted.fields):
        signup = with_claim(signup, read_claim(claim, wiring.secrets().claim_keys, clock.now()))
    if policy.answer == "same":
        if product:
            wiring.note(_act(product))
        enqueue_signup(signup, confirm, wiring.services())
        return SignupOutcome("known")  # the same response for all, before anything is looked up
    with wiring.audited(_act(product)) if product else nullcontext():
        return sign_up(signup, confirm, wiring.services())


def _product() -> ApiKey | None:
    """The key with which the owner's product signs its user up; None for the public form. Raises
    Unauthorized, Forbidden for another key, Unavailable.
    """
    authorization = bp.current_request.headers.get("authorization")
    if authorization is None:
        return None
    return wiring.key_ring().check(authorization, "write", clock.now())


def _act(product: ApiKey) -> "Act":
    """The signup as the audit log has it, without what was asked for: that is of a person, and an
    entry that names no account is not erased.
    """
    from chalicelib.usecases.operators.audit import Act

    source = source_address(bp.current_request)
    return Act(f"key:{product.name}", "account.signed_up", source=source)


def _refuse_unproved_id(signup: SignupRequest) -> None:
    """Raise InvalidInput for the product's id from the public form: anybody could take the id of
    somebody else, who would be refused when they sign up.
    """
    if signup.external_id is not None:
        raise InvalidInput(
            "external_id is taken only with a write key in Authorization, or in a claim that your"
            " product has signed (docs/snippet.md).",
            "external_id",
        )


def _admitted(signup: SignupRequest, posted: PostedSignup, policy: SignupPolicy) -> bool:
    return admit(
        signup.email,
        source_address(bp.current_request),
        posted.captcha,
        policy,
        wiring.signup_guard(),
        clock.now(),
        known_browser(bp.current_request),
    )


def _policy() -> SignupPolicy:
    policy = wiring.policy().signup
    if policy is None:
        raise Forbidden("Signups are not enabled: billing.toml has no table [signup].")
    return policy


def _welcomed(outcome: SignupOutcome) -> Account | None:
    """The account whose welcome page the visitor may see now. None if the visitor must open a link
    in mail first, or the response must not show whether the address has an account.
    """
    account = outcome.account
    if outcome.what == "known" or account is None:
        return None
    return None if account.signup and account.signup.confirm else account
