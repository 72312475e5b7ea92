"""The page of one customer."""

from collections.abc import Mapping

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import AccountNotFound, BillhookError
from chalicelib.domain.ids import well_formed
from chalicelib.domain.security.dashboard import Operator
from chalicelib.entry.admin.responses import admin_page
from chalicelib.entry.admin.session import page, query_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.reading import require_account

bp = Blueprint(__name__)


@page(bp, "/admin/customers/{account_id}")
def show_customer(operator: Operator, account_id: str) -> Response:
    """Show one customer: the standing with the rule that made it, what Stripe has, the history, and
    the actions.
    """
    return customer_page(operator, account_id)


def customer_page(
    operator: Operator,
    account_id: str,
    status: int = 200,
    call: str = "",
    error: BillhookError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    """The page of a customer. After an action that was refused: with the error at its form, which
    keeps what was given.
    """
    from chalicelib.pages.admin.customer import customer_view, person_view

    query = query_of(bp.current_request, "notice", "cursor") if error is None else {}
    if not well_formed(account_id):
        raise AccountNotFound("There is no such customer.")
    try:
        account = require_account(account_id, wiring.accounts())
    except AccountNotFound:
        erased = query.get("notice") == "erase"
        return admin_page(operator, "gone", 200 if erased else 404, id=account_id, erased=erased)
    now, policy = clock.now(), wiring.policy()
    entries, cursor = wiring.timelines().page(account.id, query.get("cursor") or None, now)
    person = None
    if policy.people:
        known = wiring.services().stores.persons.load(account.id)
        person = person_view(known, policy.people.to)
    return admin_page(
        operator,
        "customer",
        status,
        **customer_view(account, policy, now, wiring.timelines().newest_mails(account.id)),
        person=person,
        entries=entries,
        cursor=cursor,
        notice=query.get("notice", ""),
        call=call,
        error=error,
        given=given or {},
        stripe=f"https://dashboard.stripe.com{'' if wiring.services().livemode else '/test'}",
    )
