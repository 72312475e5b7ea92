"""Failing payments, webhook endpoints and the audit log."""

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.ids import well_formed
from chalicelib.domain.security.dashboard import Operator
from chalicelib.domain.webhooks.delivery import log_rows
from chalicelib.domain.webhooks.endpoint import DISABLED_REASONS
from chalicelib.entry.admin.responses import admin_page, redirect_to
from chalicelib.entry.admin.session import audited, next_page, page, query_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.operators.customers import FAILING, CustomerList, list_customers
from chalicelib.usecases.webhooks.endpoints import enable_endpoint, find_endpoint, send_test

bp = Blueprint(__name__)

ENDPOINT_CALLS = {
    "enable": (enable_endpoint, "webhooks.endpoint_enabled"),
    "test": (send_test, "webhooks.test_sent"),
}
"""The last part of the path → what is done to an endpoint, and its name in the audit log."""


@page(bp, "/admin/payments")
def show_payments(operator: Operator) -> Response:
    """Show the customers whose payment failed, what is owed, and what is tried next."""
    from chalicelib.pages.admin.payments import payment_row

    query, policy, now = query_of(bp.current_request, "cursor"), wiring.policy(), clock.now()
    failing = CustomerList(FAILING, newest_first=True)
    found = list_customers(failing, query["cursor"] or None, wiring.directory(), wiring.accounts())
    return admin_page(
        operator,
        "payments",
        rows=[payment_row(account, policy, now) for account in found.accounts],
        following=next_page("/admin/payments", found.cursor),
        is_first=not query["cursor"],
    )


@page(bp, "/admin/webhooks")
def show_webhooks(operator: Operator) -> Response:
    """Show the endpoints of outgoing webhooks, and the deliveries to one of them."""
    query, services = (
        query_of(bp.current_request, "endpoint", "cursor", "notice"),
        wiring.services(),
    )
    endpoints = services.stores.endpoints.load().all
    chosen = find_endpoint(query["endpoint"], services) if query["endpoint"] else None
    rows, following = [], None
    if chosen:
        deliveries, cursor = services.stores.deliveries.page(
            chosen.id, query["cursor"] or None, clock.now()
        )
        rows = [row for one in deliveries for row in log_rows(one, chosen.is_enabled)]
        rows.sort(key=lambda row: row.at, reverse=True)
        following = next_page("/admin/webhooks", cursor, endpoint=chosen.id)
    return admin_page(
        operator,
        "webhooks",
        endpoints=endpoints,
        reasons=DISABLED_REASONS,
        chosen=chosen,
        rows=rows,
        following=following,
        is_first=not query["cursor"],
        notice=query["notice"],
    )


@page(bp, "/admin/webhooks/{endpoint_id}/{call}", "POST", acts=True)
def act_on_endpoint(operator: Operator, endpoint_id: str, call: str) -> Response:
    """Enable a disabled endpoint, or send it a test event."""
    if call not in ENDPOINT_CALLS or not well_formed(endpoint_id):
        raise InvalidInput("There is no such action.")
    do, name = ENDPOINT_CALLS[call]
    with audited(bp.current_request, operator.actor, name, asked={"endpoint_id": endpoint_id}):
        do(endpoint_id, wiring.services())
    return redirect_to("/admin/webhooks", endpoint=endpoint_id, notice=call)


@page(bp, "/admin/audit")
def show_audit(operator: Operator) -> Response:
    """Show who changed what, the newest first; of one account, if the query names it."""
    query = query_of(bp.current_request, "account_id", "cursor")
    account_id = query["account_id"] or None
    if account_id and not well_formed(account_id):
        raise InvalidInput("account_id must be the id of an account.", "account_id")
    entries, cursor = wiring.audit_log().page(account_id, query["cursor"] or None, clock.now())
    return admin_page(
        operator,
        "audit",
        entries=entries,
        account_id=query["account_id"],
        following=next_page("/admin/audit", cursor, account_id=query["account_id"]),
        is_first=not query["cursor"],
    )
