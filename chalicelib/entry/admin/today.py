"""The first page of the dashboard, and its stylesheet."""

from datetime import UTC, timedelta
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import BillhookError
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
from chalicelib.domain.security.dashboard import NoDashboard, Operator
from chalicelib.entry.admin.responses import admin_page
from chalicelib.entry.admin.session import has_sign_in, open_page, operator_of, page
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.figures.reports import revenue
from chalicelib.usecases.operators.customers import (
    FAILING,
    TRIALS,
    CustomerList,
    CustomerPage,
    first_pages,
)

bp = Blueprint(__name__)

SHOWN = 10
"""How many customers each list of this page shows."""

NEW = ("unconfirmed", *TRIALS)
"""The statuses of customers who have signed up lately."""

THIS_WEEK = timedelta(days=7)


@page(bp, "/admin")
def show_today(operator: Operator) -> Response:
    """Show what needs a person, the trials that end this week, failing payments, new customers."""
    from chalicelib.pages.admin.conditions import open_now
    from chalicelib.pages.admin.customer import row_of
    from chalicelib.pages.admin.payments import payment_row

    policy, now, services = wiring.policy(), clock.now(), wiring.services()
    ending, failing, newest = first_pages(
        [
            CustomerList(TRIALS, since=now, until=now + THIS_WEEK, size=SHOWN),
            CustomerList(FAILING, newest_first=True, size=SHOWN),
            CustomerList(NEW, newest_first=True, size=SHOWN),
        ],
        wiring.directory(),
        wiring.accounts(),
    )
    known = services.stores.job_states.load(OpenConditions)
    today = now.astimezone(UTC).date()
    earned = revenue(services, today - timedelta(days=1), today)

    def rows(found: CustomerPage) -> list[dict[str, Any]]:
        return [row_of(one, policy, now) for one in found.accounts]

    return admin_page(
        operator,
        "today",
        conditions=open_now(known),
        ending=rows(ending),
        failing=[payment_row(one, policy, now) for one in failing.accounts],
        newest=rows(newest),
        earned=[
            (currency, one.days[-1].mrr, one.days[-1].mrr - one.days[0].mrr)
            for currency, one in sorted(earned.items())
        ],
    )


@open_page(bp, "/admin/style.css")
def show_style() -> Response:
    """The stylesheet of all pages. Where nobody may sign in, only who is signed in gets it."""
    from chalicelib.pages.admin.rendering import stylesheet

    if not has_sign_in():
        try:
            operator_of(bp.current_request)
        except BillhookError as error:
            raise NoDashboard from error
    return Response(
        stylesheet(),
        headers={
            "Content-Type": "text/css; charset=utf-8",
            "Cache-Control": "private, max-age=3600",
        },
    )
