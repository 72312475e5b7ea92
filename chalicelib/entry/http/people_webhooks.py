"""The webhooks of the people system: Intercom's notifications, and what speaks Segment's format."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput, NotSetUp, SignatureRefused, TooLarge, TooMany
from chalicelib.domain.people.heard import Heard, of_intercom, of_segment
from chalicelib.domain.people.signature import (
    INTERCOM_HEADER,
    SEGMENT_HEADER,
    check_people_signature,
)
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.entry.http.endpoint import Endpoint, declare
from chalicelib.entry.http.responses import json_errors
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import json_object
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.telemetry import count

INTERCOM_PATH, SEGMENT_PATH = "/webhooks/intercom", "/webhooks/segment"

bp = Blueprint(__name__)

declare(
    Endpoint(
        "HEAD",
        INTERCOM_PATH,
        "Intercom's check of the URL, when it is entered there. 404 without [people] in"
        " billing.toml.",
        answers={200: None},
        errors=(NotSetUp,),
    )
)
declare(
    Endpoint(
        "POST",
        INTERCOM_PATH,
        f"Receives notifications from Intercom, signed by the header {INTERCOM_HEADER}: who"
        " unsubscribed there, which contacts were deleted, archived or merged, and events that"
        " stand for milestones.",
        answers={200: response_schemas.HEARD},
        errors=(NotSetUp, SignatureRefused, InvalidInput, TooLarge, TooMany),
    )
)
declare(
    Endpoint(
        "POST",
        SEGMENT_PATH,
        f"Receives messages of Segment's webhook destination, signed by the header"
        f" {SEGMENT_HEADER}: each `track` that stands for a milestone is one.",
        answers={200: response_schemas.HEARD},
        errors=(NotSetUp, SignatureRefused, InvalidInput, TooLarge, TooMany),
    )
)


@bp.route(INTERCOM_PATH, methods=["HEAD"])
@json_errors
def check_intercom_url() -> Response:
    """200 if there is a people system."""
    _policy()
    return Response("", status_code=200)


@bp.route(INTERCOM_PATH, methods=["POST"])
@json_errors
def receive_intercom() -> Response:
    """200 with whether it was taken; 404 if nothing is set up, 400 for an invalid signature or
    body, 503 if it could not be saved: it comes again then.
    """
    return _heard(INTERCOM_HEADER, lambda body: of_intercom(body, clock.now()))


@bp.route(SEGMENT_PATH, methods=["POST"])
@json_errors
def receive_segment() -> Response:
    """As `receive_intercom`."""
    return _heard(SEGMENT_HEADER, of_segment)


def _policy() -> PeoplePolicy:
    policy = wiring.policy().people
    if policy is None:
        raise NotSetUp("billing.toml has no table [people].")
    return policy


def _heard(header: str, read: Callable[[Mapping[str, Any]], Heard | None]) -> Response:
    from chalicelib.usecases.accounts.hear_people import hear

    policy, request = _policy(), bp.current_request
    secrets = wiring.secrets().people_webhook_secrets
    if not secrets:
        raise NotSetUp("The secret people-webhook-secrets is not set.")
    payload = cast(bytes, request.raw_body or b"")
    try:
        check_people_signature(payload, header, request.headers.get(header.lower()), secrets)
    except SignatureRefused:
        count("PeopleSignaturesRefused")
        raise
    outcome = hear(read(json_object(payload)), policy, wiring.services())
    reason = {"reason": outcome.reason} if outcome.reason else {}
    return Response({"received": True, "taken": outcome.taken, **reason})
