"""API endpoint of the audit log."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.changes.audit import AUDIT_KEPT, AuditEntry
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.ids import ACCOUNT_ID
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import Field, line, matching
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock

QUERY = (
    Field("cursor", line(1000), "The cursor of the last answer; without one, the newest entries."),
    Field(
        "account_id",
        matching(ACCOUNT_ID, "must be the id of an account"),
        "Only entries about this account.",
        example="acc_1a2b3c",
    ),
)

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "GET",
        "/audit",
        f"Who changed what in the last {AUDIT_KEPT.days} days, the newest first: 50 entries and"
        " the cursor of the next page.",
        "admin",
        query=QUERY,
        answers={200: response_schemas.AUDIT},
        errors=(InvalidInput,),
    ),
)
def list_entries(request: CheckedRequest) -> dict[str, Any]:
    """{entries: […], cursor}. Reading is not logged."""
    entries, cursor = wiring.audit_log().page(
        request.query["account_id"], request.query["cursor"], clock.now()
    )
    return {"entries": [entry_json(entry) for entry in entries], "cursor": cursor}


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as the API and exports show it."""
    return {
        "id": entry.id,
        "at": entry.at.isoformat().replace("+00:00", "Z"),
        "actor": entry.actor,
        "action": entry.action,
        **({"account_id": entry.account_id} if entry.account_id else {}),
        "detail": dict(entry.detail or {}),
        "from": entry.source or None,
    }
