"""The webhook endpoint for Stripe. It checks the signature and queues the event; everything else
happens later, so that Stripe gets its response within milliseconds. Its function loads this module
and little else, so nothing here may need the domain's values, or the schemas of the API.
"""

import json
import re
from typing import Any, cast

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput, SignatureRefused, TooLarge
from chalicelib.entry.http.responses import json_errors
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import count
from chalicelib.stripe_api.signature import check_signature

PATH = "/webhooks/stripe"

LARGEST_BODY = 1_000_000
"""Bytes. An SQS message can have 1 MiB with its attributes. Stripe's events have a few kilobytes.
"""

_MODES = {live: re.compile(rf'"livemode"\s*:\s*{str(live).lower()}\b') for live in (True, False)}
"""Whether live → how Stripe writes that into an event and its objects."""

bp = Blueprint(__name__)


@bp.route(PATH, methods=["POST"])
def webhook() -> Response:
    """The route as the API's app has it. Deployed, webhook_app.py answers it."""
    return cast(Response, receive_stripe(bp.current_request))


@json_errors
def receive_stripe(request: Any) -> Response:
    """200 once the event is queued, or if it is of Stripe's other mode; 400 for an invalid
    signature; 413 for a body that is too large; 503 if the queue or the secret is not available.
    """
    try:
        return _received(request)
    except (InvalidInput, SignatureRefused, TooLarge):
        raise
    except Exception:
        count("WebhooksNotQueued")
        raise


def _received(request: Any) -> Response:
    payload = cast(bytes, request.raw_body)
    if len(payload) > LARGEST_BODY:
        count("BodiesTooLarge")
        raise TooLarge(f"The body is too large: at most {LARGEST_BODY} bytes are allowed.")
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
    if _is_of_mode(body, not settings().livemode):
        count("WebhooksOfOtherMode")
        return Response({"received": True, "taken": False})
    wiring.events_queue().send(body)
    return Response({"received": True})


def _text(payload: bytes) -> str:
    try:
        body = payload.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("The body is not valid UTF-8.") from error
    if not body.strip():
        raise InvalidInput("The body is empty.")
    return body


def _is_of_mode(body: str, live: bool) -> bool:
    """Whether the event is of this mode, live or test, of Stripe's. False if that cannot be read:
    ingestion then puts the event into the dead-letter queue.

    The body is parsed only where some `livemode` in it has that value, and so not for the events
    of this stage: ingestion parses them.
    """
    if not _MODES[live].search(body):
        return False
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and event.get("livemode") is live
