"""What begins and ends an invocation: log fields, conditions that it noticed, metrics."""

import functools
from collections.abc import Callable
from typing import Any

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import counted, failure_of, flush, logger, measure

RUNBOOK = "docs/operations.md"


def entrypoint(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Decorates event functions, below Chalice's decorator: adds log fields, and ends each
    invocation. Lambda calls these functions without the app, so no middleware of app.py runs for
    them.
    """

    @functools.wraps(function)  # Chalice makes the Lambda handler of the name
    def wrapper(event: Any) -> Any:
        logger.append_keys(
            function=function.__name__, request_id=getattr(event.context, "aws_request_id", None)
        )
        try:
            return function(event)
        finally:
            end_invocation()

    return wrapper


def end_invocation() -> None:
    """Keep the conditions that this invocation counted, for the next sweep to tell the operator,
    and emit its metrics.

    If they cannot be kept, the metric that tells the operator is counted here: an alarm that comes
    twice does less harm than none.
    """
    if written := counted():
        _notice(written)
    flush()


def _notice(written: set[str]) -> None:
    from chalicelib.domain.schedule.watch.conditions import BY_METRIC

    found = sorted(BY_METRIC[metric] for metric in BY_METRIC.keys() & written)
    if not found:
        return
    from chalicelib.usecases.schedule.conditions import notice

    try:
        notice(dict.fromkeys(found, ""), wiring.services())
    except Unavailable as failure:
        measure("NeedsYou", len(found))
        for name in found:
            tell_log(name, "", failure_of(failure))


def tell_log(name: str, details: str, fields: dict[str, object] | None = None) -> None:
    """Log which condition needs a person, and where to read what to do."""
    from chalicelib.domain.schedule.watch.conditions import CONDITIONS

    row = CONDITIONS[name]
    logger.error(
        "A person is needed",
        extra={
            "needs_you": name,
            "means": row.means,
            "details": details,
            "what_to_do": f"{RUNBOOK}, {name}",
        }
        | (fields or {}),
    )
