"""API endpoint of suppressed addresses."""

from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput, Refused
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas.request import Field, matching
from chalicelib.runtime import wiring
from chalicelib.usecases.messaging.lift_suppression import lift_suppression

ADDRESS = Field(
    "email",
    matching(r"[^@\s]{1,64}@[^@\s]{1,255}", "must be an e-mail address"),
    "The suppressed address. Any that mail could be sent to: also one that no signup may have.",
    required=True,
)

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "DELETE",
        "/suppressions/{email}",
        "Write again to an address that bounced or complained: once the mailbox works, or its owner"
        " asks for it.",
        "write",
        answers={204: None},
        errors=(InvalidInput, Refused),
        audit="suppression.lifted",
    ),
)
def lift(email: str, request: CheckedRequest) -> Response:
    """204 once the address is on neither list, whether it was or not."""
    address = ADDRESS.read({"email": unquote(email)})
    lift_suppression(address, wiring.suppressions(), wiring.ses_suppressions(), wiring.services())
    return Response("", status_code=204)
