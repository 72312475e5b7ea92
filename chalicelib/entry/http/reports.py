"""API endpoints of the reports of revenue and trials."""

from datetime import UTC, date, timedelta
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import InvalidInput
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas import response_schemas
from chalicelib.entry.http.schemas.request import Field, day
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.figures.reports import DEFAULT, LONGEST, revenue, trials

QUERY = (
    Field(
        "from",
        day(),
        f"The first day, in UTC. If it is left out, the report has {DEFAULT} days.",
        example="2026-03-01",
    ),
    Field(
        "to",
        day(),
        f"The last day, today if it is left out. A report has at most {LONGEST} days.",
        example="2026-03-31",
    ),
)

bp = Blueprint(__name__)


@serve(
    bp,
    Endpoint(
        "GET",
        "/reports/revenue",
        "Monthly recurring revenue by currency: a row for each day, with what moved it.",
        "read",
        query=QUERY,
        answers={200: response_schemas.REVENUE},
        errors=(InvalidInput,),
    ),
)
def show_revenue(request: CheckedRequest) -> dict[str, Any]:
    """{currencies: {usd: {annualised, days: […]}}}."""
    found = revenue(wiring.services(), *_days(request))
    return {
        "currencies": {
            currency: {
                "annualised": of.annualised,
                "days": [
                    {
                        "date": one.date.isoformat(),
                        "mrr": one.mrr,
                        "new": one.new,
                        "reactivation": one.reactivation,
                        "expansion": one.expansion,
                        "contraction": one.contraction,
                        "churn": one.churn,
                    }
                    for one in of.days
                ],
            }
            for currency, of in found.items()
        }
    }


@serve(
    bp,
    Endpoint(
        "GET",
        "/reports/trials",
        "Trials by the week in which they started, the oldest first, and what became of them.",
        "read",
        query=QUERY,
        answers={200: response_schemas.TRIALS},
        errors=(InvalidInput,),
    ),
)
def show_trials(request: CheckedRequest) -> dict[str, Any]:
    """{weeks: [{week, started, converted, expired, running}]}."""
    return {
        "weeks": [
            {
                "week": one.week.isoformat(),
                "started": one.started,
                "converted": one.converted,
                "expired": one.expired,
                "running": one.running,
            }
            for one in trials(wiring.services(), *_days(request))
        ]
    }


def _days(request: CheckedRequest) -> tuple[date, date]:
    """The first and the last day that are asked for. Raises InvalidInput."""
    given: Any = request.query
    last: date = given["to"] or clock.now().astimezone(UTC).date()
    first: date = given["from"] or last - timedelta(days=DEFAULT - 1)
    if last < first:
        raise InvalidInput(
            f"The report would end on {last} and begin on {first}: give a `from` that is not"
            " later than `to`.",
            "to" if given["to"] else "from",
        )
    if (last - first).days >= LONGEST:
        raise InvalidInput(
            f"A report has at most {LONGEST} days: ask for less, such as from"
            f" {last - timedelta(days=LONGEST - 1)} to {last}.",
            "from",
        )
    return first, last
