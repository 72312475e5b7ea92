"""Requests and responses of actions. A response has what came of the action, or the payment that it
still waits for.
"""

import hashlib
import json
from typing import Any

from chalice.app import Response

from chalicelib.domain.billing.idempotency import IdempotentRequest, Outcome
from chalicelib.entry.http.endpoint import CheckedRequest
from chalicelib.entry.http.responses import standing_json


def idempotent_request(name: str, request: CheckedRequest) -> IdempotentRequest:
    """The request with a fingerprint of its input. Equal inputs have equal fingerprints: the zone
    of a time does not matter, and a field left out equals null.
    """
    body = {field: value for field, value in request.body.items() if value is not None}
    text = json.dumps(body, sort_keys=True, default=lambda time: time.isoformat())
    return IdempotentRequest(
        f"{name} {hashlib.sha256(text.encode()).hexdigest()[:32]}", request.key
    )


def standing_response(outcome: Outcome) -> Response:
    """200 with the standing; 202 with the payment if that is open."""
    return waiting_response(outcome) or Response(standing_json(outcome.standing), status_code=200)


def reactivated_response(outcome: Outcome) -> Response:
    """200 {action, url?}; 202 with the payment if that is open."""
    content = {"action": outcome.action} | ({"url": outcome.url} if outcome.url else {})
    return waiting_response(outcome) or Response(content, status_code=200)


def charge_response(outcome: Outcome) -> Response:
    """201 {charge_id, amount, currency, description, bill, status, invoice?}; 202 the same, with
    the `url` of Stripe's page, while its payment is open.
    """
    charged, payment = outcome.charged, outcome.payment
    assert charged
    content: dict[str, Any] = {
        "charge_id": charged.charge.id,
        "amount": charged.charge.amount,
        "currency": charged.charge.currency,
        "description": charged.charge.description,
        "bill": charged.charge.bill,
        "status": charged.status,
    }
    content |= {"invoice": charged.invoice} if charged.invoice else {}
    content |= {"url": payment.url} if payment and payment.url else {}
    return Response(content, status_code=202 if payment else 201)


def waiting_response(outcome: Outcome) -> Response | None:
    """202 {status, invoice, url?} if the payment of the outcome is open."""
    payment = outcome.payment
    if payment is None:
        return None
    content = {"status": payment.status, "invoice": payment.invoice}
    return Response(content | ({"url": payment.url} if payment.url else {}), status_code=202)
