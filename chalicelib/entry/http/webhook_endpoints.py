"""API endpoints of outgoing webhooks: where events are delivered to, and the log of deliveries."""

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_document import iso_time
from chalicelib.domain.errors import EndpointNotFound, InvalidInput, NotPossible, TooMany
from chalicelib.domain.outgoing.targets import LONGEST_URL
from chalicelib.domain.webhooks import endpoint as webhook_endpoint
from chalicelib.domain.webhooks.delivery import LogRow, log_rows
from chalicelib.domain.webhooks.endpoint import DISABLED_REASONS, TEST_TYPE, checked_types
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas.request import Field, Schema, line, text_list, timestamp
from chalicelib.entry.http.schemas.response_schemas import MAYBE, TEXT, TIME, WHOLE, array, fields
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.webhooks.endpoints import (
    NewEndpoint,
    add_endpoint,
    enable_endpoint,
    find_endpoint,
    remove_endpoint,
    rotate_secret,
    send_test,
)
from chalicelib.usecases.webhooks.replay import Span, replay

PATH = "/webhooks/endpoints"
ONE = f"{PATH}/{{endpoint_id}}"

LONGEST_DESCRIPTION = 200

_NEW = (
    Field(
        "url",
        line(LONGEST_URL),
        "Where events are posted to: https, a public host, the port 443 or one above 1023.",
        required=True,
        example="https://app.example.com/billhook",
    ),
    Field(
        "events",
        text_list(len(CATALOGUE), 80),
        "The types of events that it gets. All, if there are none here.",
        example=["trial.started", "access.revoked"],
    ),
    Field("description", line(LONGEST_DESCRIPTION), "What it is for.", example="the product"),
)
_SPAN = (
    Field(
        "since",
        timestamp(),
        "The first timestamp of the events.",
        required=True,
        example="2026-11-27T00:00:00Z",
    ),
    Field("until", timestamp(), "The last timestamp of the events; now, if left out."),
    Field("types", text_list(len(CATALOGUE), 80), "Only events of these types."),
)
_CURSOR = Field("cursor", line(1000), "The cursor from the previous page.")

_SECRET: Schema = TEXT | {
    "description": (
        "What you verify signatures with, by Standard Webhooks: whsec_ and the base64 of the key."
        " It is told here only, so keep it."
    )
}
_FIELDS: dict[str, Schema] = {
    "id": TEXT,
    "url": TEXT | {"format": "uri"},
    "events": array(TEXT) | {"description": "The types of events that it gets; empty: all."},
    "description": MAYBE,
    "status": {"enum": ["enabled", "disabled"]},
    "disabled_reason": {
        "enum": [*DISABLED_REASONS, None],
        "description": " ".join(f"{name}: {means}" for name, means in DISABLED_REASONS.items()),
    },
    "created_at": TIME,
}
_ENDPOINT = fields(_FIELDS, title="WebhookEndpoint")
_CREATED = fields(_FIELDS | {"secret": _SECRET}, title="NewWebhookEndpoint")
_ROW = fields(
    {
        "id": TEXT,
        "event_id": TEXT,
        "type": TEXT,
        "at": TIME | {"description": "When it was tried; of pending, when it is tried next."},
        "attempt": WHOLE | {"description": "Counts the attempts of a delivery from 1."},
        "status": {"enum": ["succeeded", "failed", "pending"]},
        "code": WHOLE | {"description": "The status of the answer, if one came."},
        "error": TEXT | {"description": "Why it failed, or why it waits."},
    },
    "code",
    "error",
    title="WebhookDelivery",
)
_ROWS = fields(
    {
        "deliveries": array(_ROW),
        "cursor": MAYBE | {"description": "The cursor of the next page; null on the last page."},
    },
    title="WebhookDeliveries",
)

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "POST",
        PATH,
        "Deliver events to a URL from now on, signed by Standard Webhooks. At most 20 endpoints.",
        "write",
        _NEW,
        answers={201: _CREATED},
        errors=(InvalidInput, NotPossible, TooMany),
        audit="webhooks.endpoint_made",
    ),
)
def create(request: CheckedRequest) -> Response:
    """201 with the endpoint and its secret."""
    wanted = NewEndpoint(
        request.body["url"],
        request.body["events"] or (),
        request.body["description"],
        settings().sends_webhooks,
        loopback=settings().stage == "local",
    )
    endpoint, secret = add_endpoint(wanted, CATALOGUE, wiring.secrets().hash_key, wiring.services())
    return Response({**_endpoint(endpoint), "secret": secret}, status_code=201)


@serve(
    bp,
    Endpoint(
        "GET",
        PATH,
        "All webhook endpoints, without their secrets.",
        "read",
        answers={200: fields({"endpoints": array(_ENDPOINT)}, title="WebhookEndpoints")},
    ),
)
def show_all(request: CheckedRequest) -> dict[str, Any]:
    """{endpoints: […]}, the oldest first."""
    all = wiring.services().stores.endpoints.load().all
    return {"endpoints": [_endpoint(endpoint) for endpoint in all]}


@serve(
    bp,
    Endpoint(
        "DELETE",
        ONE,
        "Delete an endpoint. What is on its way to it is dropped.",
        "write",
        answers={204: None},
        errors=(EndpointNotFound,),
        audit="webhooks.endpoint_deleted",
    ),
)
def delete(endpoint_id: str, request: CheckedRequest) -> Response:
    """204 once nothing more is delivered to it."""
    remove_endpoint(endpoint_id, wiring.services())
    return Response("", status_code=204)


@serve(
    bp,
    Endpoint(
        "POST",
        f"{ONE}/rotate",
        "Give the endpoint a new secret. The one before signs too for 24 hours.",
        "write",
        (),
        answers={200: fields({"secret": _SECRET}, title="WebhookSecret")},
        errors=(EndpointNotFound,),
        audit="webhooks.secret_rotated",
    ),
)
def rotate(endpoint_id: str, request: CheckedRequest) -> dict[str, str]:
    """{secret}. A second rotation within 24 hours ends the oldest one."""
    return {"secret": rotate_secret(endpoint_id, wiring.secrets().hash_key, wiring.services())}


@serve(
    bp,
    Endpoint(
        "POST",
        f"{ONE}/test",
        f"Deliver an event of the type {TEST_TYPE} now, once.",
        "write",
        (),
        answers={202: None},
        errors=(EndpointNotFound,),
        audit="webhooks.test_sent",
    ),
)
def test(endpoint_id: str, request: CheckedRequest) -> Response:
    """202; the log of deliveries shows the result."""
    send_test(endpoint_id, wiring.services())
    return Response("", status_code=202)


@serve(
    bp,
    Endpoint(
        "POST",
        f"{ONE}/enable",
        "Deliver to a disabled endpoint again. What waits for it goes on; replay what was published"
        " meanwhile.",
        "write",
        (),
        answers={200: _ENDPOINT},
        errors=(EndpointNotFound,),
        audit="webhooks.endpoint_enabled",
    ),
)
def enable(endpoint_id: str, request: CheckedRequest) -> dict[str, Any]:
    """The endpoint."""
    return _endpoint(enable_endpoint(endpoint_id, wiring.services()))


@serve(
    bp,
    Endpoint(
        "POST",
        f"{ONE}/replay",
        "Deliver events of a time again, with their ids and bodies, whether the endpoint had them"
        " or not: those of its types, by their timestamps, both ends included.",
        "write",
        _SPAN,
        answers={202: fields({"count": WHOLE}, title="Replayed")},
        errors=(EndpointNotFound, InvalidInput, TooMany),
        audit="webhooks.events_replayed",
    ),
)
def replay_events(endpoint_id: str, request: CheckedRequest) -> Response:
    """202 {count}: how many events are delivered."""
    services = wiring.services()
    endpoint = find_endpoint(endpoint_id, services)
    types = checked_types(request.body["types"] or (), CATALOGUE, "types")
    span = Span(request.body["since"], request.body["until"] or clock.now(), types)
    return Response({"count": replay(endpoint, span, services)}, status_code=202)


@serve(
    bp,
    Endpoint(
        "GET",
        f"{ONE}/deliveries",
        "What came of the deliveries to an endpoint, the newest events first: a row for each"
        " attempt, and one for what waits. Kept for 30 days.",
        "read",
        query=(_CURSOR,),
        answers={200: _ROWS},
        errors=(EndpointNotFound, InvalidInput),
    ),
)
def show_deliveries(endpoint_id: str, request: CheckedRequest) -> dict[str, Any]:
    """{deliveries: […], cursor}: 50 deliveries a page, each with all its rows."""
    services = wiring.services()
    endpoint = find_endpoint(endpoint_id, services)
    page, following = services.stores.deliveries.page(
        endpoint.id, request.query["cursor"], clock.now()
    )
    rows = [row for one in page for row in log_rows(one, endpoint.is_enabled)]
    rows.sort(key=lambda row: row.at, reverse=True)
    return {"deliveries": [_row(row) for row in rows], "cursor": following}


def _endpoint(endpoint: webhook_endpoint.Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason,
        "created_at": iso_time(endpoint.created_at),
    }


def _row(row: LogRow) -> dict[str, Any]:
    shown = {
        "id": row.id,
        "event_id": row.event_id,
        "type": row.type,
        "at": iso_time(row.at),
        "attempt": row.attempt,
        "status": row.status,
        "code": row.code,
        "error": row.error,
    }
    return {name: value for name, value in shown.items() if value is not None}
