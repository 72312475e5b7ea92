"""API endpoint that ends a customer's links and sessions."""

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import AccountNotFound, InvalidInput, TooMany
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas.request import Field, line
from chalicelib.runtime import wiring
from chalicelib.usecases.accounts.links import end_link, end_links

LINK = Field("link", line(100), "One of the account's `openings`: the `link` of that.")

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "POST",
        "/accounts/{account_id}/links/end",
        "End every link that was mailed to the customer, and every session on the billing page: for"
        " a mailbox or a link that somebody else has. Links to unsubscribe go on working, and the"
        " customer can sign in again by a new link. With `link`, end only that one, and the"
        " sessions that it began.",
        "write",
        (LINK,),
        answers={204: None},
        errors=(AccountNotFound, InvalidInput, TooMany),
        audit="links.ended",
    ),
)
def end(account_id: str, request: CheckedRequest) -> Response:
    """204 once no link or session of before opens anything. Repeating it ends those of since."""
    if link := request.body["link"]:
        end_link(account_id, link, "api", wiring.services())
    else:
        end_links(account_id, "api", wiring.services())
    return Response("", status_code=204)
