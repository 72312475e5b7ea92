"""API endpoints of access tokens: one for an account, and the keys that verify all of them."""

from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access.standing import standing
from chalicelib.domain.changes.event_document import iso_time
from chalicelib.domain.errors import AccountNotFound
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.responses import access_json
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.reading import require_account

KEPT_BY_VERIFIERS = "public, max-age=3600"
"""Much less than the day for which a key is published before it signs."""

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "POST",
        "/accounts/{account_id}/access/token",
        "A signed token of the account's access, which your product verifies without a call.",
        "access",
        answers={200: response_schemas.ACCESS_TOKEN},
        errors=(AccountNotFound,),
    ),
)
def issue_token(account_id: str, request: CheckedRequest) -> dict[str, Any]:
    """{token, expires_at}. Costs one consistent read and a signature."""
    account, now = require_account(account_id, wiring.accounts()), clock.now()
    given = standing(account, wiring.policy(), now)
    token, expires = wiring.access_tokens().issue(
        access_json(account.id, given), account.profile.external_id, given.until, now
    )
    return {"token": token, "expires_at": iso_time(datetime.fromtimestamp(expires, UTC))}


@serve(
    bp,
    Endpoint(
        "GET",
        "/.well-known/jwks.json",
        "The public keys that verify access tokens, as a JSON Web Key Set.",
        answers={200: response_schemas.KEY_SET},
    ),
)
def show_key_set(request: CheckedRequest) -> Response:
    """{keys: […]}: every key that may still be met, and the next one before it signs."""
    return Response(
        wiring.access_tokens().key_set(clock.now()),
        headers={"Cache-Control": KEPT_BY_VERIFIERS},
    )
