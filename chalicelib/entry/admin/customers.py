"""The list of customers, and the search for one."""

from chalice.app import Blueprint, Response

from chalicelib.domain.account.rules.directory import STATUSES
from chalicelib.domain.security.dashboard import Operator
from chalicelib.entry.admin.responses import admin_page
from chalicelib.entry.admin.session import next_page, page, query_of
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.operators.customers import CustomerQuery, find_customers

bp = Blueprint(__name__)

PATH = "/admin/customers"


@page(bp, PATH)
def list_customers(operator: Operator) -> Response:
    """Show customers, 50 a page: all, the newest first, or those that a search finds."""
    from chalicelib.pages.admin.customer import row_of

    policy, now = wiring.policy(), clock.now()
    query = query_of(bp.current_request, "q", "status", "plan", "cursor")
    found = find_customers(
        CustomerQuery(query["q"], query["status"], query["plan"], query["cursor"]),
        wiring.directory(),
        wiring.accounts(),
        wiring.services(),
    )
    cursor = query.pop("cursor")
    return admin_page(
        operator,
        "customers",
        rows=[row_of(account, policy, now) for account in found.accounts],
        following=next_page(PATH, found.cursor, **query),
        is_first=not cursor,
        statuses=STATUSES,
        plans=list(policy.plans),
        **query,
    )
