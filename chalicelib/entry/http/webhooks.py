"""Stripe's webhooks: proven, queued, answered. Nothing is decided here, so that Stripe has its
answer within milliseconds.
"""

import json
from typing import cast

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput, SignatureRefused, TooLarge, Unavailable
from chalicelib.entry.http import response_schemas
from chalicelib.entry.http.endpoint import Call, declared
from chalicelib.entry.http.responses import answered
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import count
from chalicelib.stripe_api.signature import check_signature

LARGEST_BODY = 1_000_000
"""Bytes. A message of SQS may have 1 MiB with its attributes; Stripe's events have some kilobytes.
"""

bp = Blueprint(__name__)


declared(
    Call(
        "POST",
        "/webhooks/stripe",
        "Stripe's events, proven by the header Stripe-Signature: 200 once one is in the queue.",
        answers={200: response_schemas.RECEIVED},
        errors=(SignatureRefused, TooLarge),
    )
)


@bp.route("/webhooks/stripe", methods=["POST"])
@answered
def receive_stripe() -> Response:
    """200 once the event is in the queue; 400 for a bad signature; 413 for a body too large; 503 if
    the queue refused.
    """
    request = bp.current_request
    payload = cast(bytes, request.raw_body)
    if len(payload) > LARGEST_BODY:
        count("BodiesTooLarge")
        raise TooLarge(f"A webhook may have {LARGEST_BODY} bytes.")
    try:
        check_signature(
            payload,
            request.headers.get("stripe-signature"),
            wiring.secrets().stripe_webhook_secrets,
            clock.now(),
        )
    except SignatureRefused:
        count("SignaturesRefused")
        raise
    body = _text(payload)
    if _livemode(body) is (not settings().livemode):
        count("WebhooksOfOtherMode")
        return Response({"received": True, "taken": False})
    try:
        wiring.events_queue().send(body)
    except Unavailable:
        count("WebhooksNotQueued")
        raise
    count("WebhooksAccepted")
    return Response({"received": True})


def _text(payload: bytes) -> str:
    try:
        body = payload.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("The body is no UTF-8.") from error
    if not body.strip():
        raise InvalidInput("The body is empty.")
    return body


def _livemode(body: str) -> bool | None:
    """The event's mode; None where it cannot be told: the worker buries such a thing."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    livemode = event.get("livemode") if isinstance(event, dict) else None
    return livemode if isinstance(livemode, bool) else None
