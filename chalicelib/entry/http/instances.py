"""API endpoints of instances: what the provisioner reports, and operators' orders."""

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.account.parts.instance import ORDERS, REPORTED, STATUSES
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_document import iso_time
from chalicelib.domain.errors import AccountNotFound, InvalidInput, NotPossible
from chalicelib.domain.instances.lifecycle import wanted
from chalicelib.domain.outgoing.targets import LONGEST_URL
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas.request import Field, line, one_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.settings import settings
from chalicelib.usecases.instances.order import order_instance
from chalicelib.usecases.instances.report import InstanceReport, report_instance

PATH = "/accounts/{account_id}/instance"

_REPORT = (
    Field(
        "status",
        one_of(REPORTED),
        "What the instance is now. " + " ".join(f"{name}: {STATUSES[name]}" for name in REPORTED),
        required=True,
        example="ready",
    ),
    Field(
        "url",
        line(LONGEST_URL),
        "Where it is, if that is new: https, and on one of the hosts of billing.toml.",
        example="https://acc-1.acme.app",
    ),
    Field(
        "request_id",
        line(200),
        "The request that this is about. One that is not the last is refused with 409.",
        example="acc_1.0.2.create",
    ),
)

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "PUT",
        PATH,
        "Report what the account's instance is, such as ready once it is made. The same again"
        " changes nothing.",
        "write",
        _REPORT,
        answers={204: None},
        errors=(AccountNotFound, InvalidInput, NotPossible),
        audit="instance.reported",
    ),
)
def report(account_id: str, request: CheckedRequest) -> Response:
    """204 once it is saved."""
    told = InstanceReport(**request.body, loopback=settings().stage == "local")
    report_instance(account_id, told, wiring.services())
    return Response("", status_code=204)


_LOGGED = {
    "retry": "instance.retried",
    "suspend": "instance.suspended",
    "resume": "instance.resumed",
    "delete": "instance.deleted",
}
"""What the audit log calls each order."""


def _serve_order(order: str) -> None:
    """The call by which an operator gives one order."""

    @serve(
        bp,
        Endpoint(
            "POST",
            f"{PATH}/{order}",
            ORDERS[order],
            "admin",
            (),
            answers={202: None},
            errors=(AccountNotFound, NotPossible),
            audit=_LOGGED[order],
        ),
    )
    def give_order(account_id: str, request: CheckedRequest) -> Response:
        """202; the account shows the result."""
        order_instance(account_id, order, wiring.services())
        return Response("", status_code=202)


for _order in ORDERS:
    _serve_order(_order)


def instance_json(account: Account) -> dict[str, Any] | None:
    """The account's instance as the API shows it; None if it has none."""
    instance = account.instance
    if instance is None:
        return None
    request, pending = instance.request, instance.open_request
    return {
        "status": instance.status,
        "url": instance.url,
        "wanted": wanted(account, wiring.policy(), clock.now()),
        "request_id": request.id if request else None,
        "deadline": iso_time(pending.deadline) if pending else None,
        "since": iso_time(instance.since),
    }
