"""Revenue and trials, as charts with the table beside them, and what messages achieve."""

from datetime import UTC, date, timedelta

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.figures.trials import weeks
from chalicelib.domain.messaging.mail_counts import by_step
from chalicelib.domain.security.dashboard import Operator
from chalicelib.entry.admin.responses import admin_page
from chalicelib.entry.admin.session import page, query_of
from chalicelib.entry.http.schemas.request import Field, day
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.figures.reports import (
    DEFAULT,
    LONGEST,
    closed_now,
    message_effects,
    reasons,
    retention,
    revenue,
    trials,
)

bp = Blueprint(__name__)

WEEKS = timedelta(weeks=12)


@page(bp, "/admin/revenue")
def show_revenue(operator: Operator) -> Response:
    """Show the MRR of each currency day by day, and what moved it."""
    from chalicelib.pages.admin.figures import revenue_view

    first, last = _span(timedelta(days=DEFAULT - 1))
    found = revenue(wiring.services(), first, last)
    return admin_page(operator, "revenue", first=first, last=last, currencies=revenue_view(found))


@page(bp, "/admin/trials")
def show_trials(operator: Operator) -> Response:
    """Show the trials of each week, how many became customers and stayed, and why others left."""
    from chalicelib.pages.admin.figures import reasons_view, retention_view, trials_view

    first, last = _span(WEEKS)
    services = wiring.services()
    closed = closed_now(services)
    return admin_page(
        operator,
        "trials",
        first=first,
        last=last,
        **trials_view(trials(services, first, last, closed)),
        **retention_view(retention(services, first, last, closed)),
        reasons=reasons_view(reasons(services, first, last, closed)),
    )


@page(bp, "/admin/messages")
def show_messages(operator: Operator) -> Response:
    """Show each message: when it goes out, how it was delivered, and what it achieves."""
    from chalicelib.pages.admin.messages import sequences_view

    first, last = _span(WEEKS)
    services = wiring.services()
    sequences = sequences_view(
        wiring.policy().steps,
        by_step(services.stores.mail_counts.of_weeks(weeks(first, last)[0], last)),
        {one.step: one for one in message_effects(services, first, last)},
    )
    return admin_page(operator, "messages", first=first, last=last, sequences=sequences)


def _span(length: timedelta) -> tuple[date, date]:
    """The days that the query asks for: the last ones by default. Raises InvalidInput."""
    query = query_of(bp.current_request, "from", "to")
    last = _day("to", query["to"]) or clock.now().astimezone(UTC).date()
    first = _day("from", query["from"]) or last - length
    if not timedelta(0) <= last - first < timedelta(days=LONGEST):
        raise InvalidInput(f"from must not be after to, and at most {LONGEST} days before it.")
    return first, last


def _day(name: str, text: str) -> date | None:
    """The day that a text names, as the API's reports read it; None for none."""
    found: date | None = Field(name, day(), "").read({name: text or None})
    return found
