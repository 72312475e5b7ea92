"""API endpoints of the reports of revenue, trials, customers and messages."""

from datetime import UTC, date, timedelta
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.figures.trials import TrialWeek, spans
from chalicelib.entry.http.endpoint import CheckedRequest, Endpoint, serve
from chalicelib.entry.http.schemas import report_schemas
from chalicelib.entry.http.schemas.request import Field, day
from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.usecases.figures.reports import (
    DEFAULT,
    LONGEST,
    message_effects,
    reasons,
    retention,
    revenue,
    trials,
)

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
        answers={200: report_schemas.REVENUE},
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
        answers={200: report_schemas.TRIALS},
        errors=(InvalidInput,),
    ),
)
def show_trials(request: CheckedRequest) -> dict[str, Any]:
    """{weeks: [{week, started, converted, expired, running, activated, …}]}."""
    return {"weeks": list(map(_trial_week, trials(wiring.services(), *_days(request))))}


def _trial_week(one: TrialWeek) -> dict[str, Any]:
    return {
        "week": one.week.isoformat(),
        "started": one.started,
        "converted": one.converted,
        "expired": one.expired,
        "running": one.running,
        "activated": one.activated,
        "milestones": [
            {"name": name, "reached": number} for name, number in one.milestones.items()
        ],
        "median_days": one.median_days,
        "conversions": [
            {"days": span, "converted": number} for span, number in spans(one.days).items()
        ],
    }


@serve(
    bp,
    Endpoint(
        "GET",
        "/reports/retention",
        "Customers by the week in which they first brought in anything, and how many still do.",
        "read",
        query=QUERY,
        answers={200: report_schemas.RETENTION},
        errors=(InvalidInput,),
    ),
)
def show_retention(request: CheckedRequest) -> dict[str, Any]:
    """{weeks: [{week, customers, kept: [{months, customers}]}]}."""
    return {
        "weeks": [
            {
                "week": one.week.isoformat(),
                "customers": one.customers,
                "kept": [
                    {"months": months, "customers": number} for months, number in one.kept.items()
                ],
            }
            for one in retention(wiring.services(), *_days(request))
        ]
    }


@serve(
    bp,
    Endpoint(
        "GET",
        "/reports/leaving",
        "Why customers left, and why trials did not become customers, the most frequent first.",
        "read",
        query=QUERY,
        answers={200: report_schemas.LEAVING},
        errors=(InvalidInput,),
    ),
)
def show_reasons(request: CheckedRequest) -> dict[str, Any]:
    """{reasons: [{reason, customers, trials}]}."""
    return {
        "reasons": [
            {"reason": one.reason, "customers": one.customers, "trials": one.trials}
            for one in reasons(wiring.services(), *_days(request))
        ]
    }


@serve(
    bp,
    Endpoint(
        "GET",
        "/reports/messages",
        "What followed each message with a holdout, among those that got it and those held out.",
        "read",
        query=QUERY,
        answers={200: report_schemas.MESSAGES},
        errors=(InvalidInput,),
    ),
)
def show_message_effects(request: CheckedRequest) -> dict[str, Any]:
    """{steps: [{step, sequence, sent, converted, held_out, held_out_converted, …}]}."""
    sequences = {step.id: step.sequence for step in wiring.policy().steps}
    return {
        "steps": [
            {
                "step": one.step,
                "sequence": sequences.get(one.step),
                "sent": one.sent,
                "converted": one.converted,
                "held_out": one.held_out,
                "held_out_converted": one.held_out_converted,
                **dict(
                    zip(
                        ("difference", "low", "high"),
                        one.difference or (None, None, None),
                        strict=True,
                    )
                ),
            }
            for one in message_effects(wiring.services(), *_days(request))
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
