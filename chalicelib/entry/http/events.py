"""API endpoint of the feed of domain events."""

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.changes.event_catalogue import CATALOGUE
from chalicelib.domain.changes.event_feed import FEED_KEPT, Query
from chalicelib.domain.errors import CursorExpired, InvalidInput
from chalicelib.domain.ids import ACCOUNT_ID
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import (
    Field,
    integer_text,
    line,
    matching,
    words_of,
)
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.feed import read_feed

MOST = 100
"""Events of an answer."""

QUERY = (
    Field(
        "cursor",
        line(1000),
        "The cursor of the last answer. Without one, the answer begins with the oldest event.",
    ),
    Field(
        "types",
        words_of(CATALOGUE, "types of events"),
        "Only events of these types, with commas between them.",
        example="trial.started,access.revoked",
    ),
    Field(
        "account_id",
        matching(ACCOUNT_ID, "must be the id of an account"),
        "Only events of this account, in the order of their sequence.",
        example="acc_1a2b3c",
    ),
    Field("limit", integer_text(1, MOST), f"The most events of an answer: {MOST} if left out."),
)

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "GET",
        "/events",
        f"What happened to accounts in the last {FEED_KEPT.days} days, the oldest first. Keep the"
        " cursor and ask again with it: as long as it changes there may be more.",
        "read",
        query=QUERY,
        answers={200: response_schemas.EVENTS},
        errors=(InvalidInput, CursorExpired),
    ),
)
def list_events(request: CheckedRequest) -> Response:
    """{events: […], cursor}. Each event is the text that was kept of it, byte by byte."""
    given: Any = request.query
    stores = wiring.services().stores
    page = read_feed(
        given["cursor"],
        Query(given["types"] or (), given["account_id"]),
        given["limit"] or MOST,
        stores.feed,
        stores.timeline,
        clock.now(),
    )
    body = f'{{"events":[{",".join(page.documents)}],"cursor":"{page.cursor}"}}'
    return Response(body, headers={"Content-Type": "application/json"})
