"""API endpoint of suppressed addresses."""

from urllib.parse import unquote

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput, Refused
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.signup_form import email_of
from chalicelib.runtime import wiring
from chalicelib.runtime.settings import settings
from chalicelib.usecases.messaging.lift_suppression import lift_suppression

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
    ),
)
def lift(email: str, request: CheckedRequest) -> Response:
    """204 once the address is on neither list, whether it was or not."""
    address = email_of(
        {"email": unquote(email)}, wiring.policy(), in_test=settings().stage == "local"
    )
    lift_suppression(address, wiring.suppressions(), wiring.ses_suppressions())
    return Response("", status_code=204)
