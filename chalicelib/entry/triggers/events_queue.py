"""The events queue: ingests Stripe's events in batches."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.telemetry import count, failure_of, logger
from chalicelib.usecases.ingestion.ingest import Message, Outcome, ingest

bp = Blueprint(__name__)

_METRICS = {
    "dead_lettered": "EventsDead",
    "retry": "EventsGivenBack",
}
"""The effects that have a metric. The line in the log counts all of them."""


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=100,
    # one purchase makes several events within a second: a batch costs one read and one write
    maximum_batching_window_in_seconds=1,
)
@entrypoint
def process_events(event: Any) -> dict[str, Any]:
    """Ingest a batch of events. Returns the messages that failed, for SQS to deliver again."""
    messages = [
        Message(record["messageId"], record["body"]) for record in event.to_dict()["Records"]
    ]
    outcomes = ingest(messages, wiring.services())
    written_at = clock.now()
    effects = Counter(outcome.effect for outcome in outcomes)
    for effect, metric in _METRICS.items():
        count(metric, effects[effect])
    count(
        "UnknownApiVersions",
        sum(1 for outcome in outcomes if outcome.event and not outcome.event.version_known),
    )
    count("UnknownPrices", len({price for outcome in outcomes for price in outcome.unknown_prices}))
    _log(outcomes, effects, written_at)
    return {
        "batchItemFailures": [
            {"itemIdentifier": outcome.message} for outcome in outcomes if outcome.effect == "retry"
        ]
    }


def _log(outcomes: Sequence[Outcome], effects: Mapping[str, int], written_at: datetime) -> None:
    """One line for the batch, and one for each failure in it.

    The line has each effect with the number of its messages, `lag`, the seconds from Stripe's
    creation of an event to the save of the account, of the event that took longest, and in `events`
    one text for each message. An event is one field, because CloudWatch finds at most 200 fields
    in a line.
    """
    lags = [
        max(0.0, (written_at - outcome.event.created).total_seconds())
        for outcome in outcomes
        if outcome.effect == "applied" and outcome.event
    ]
    lag = {"lag": round(max(lags), 3)} if lags else {}
    events = [_summary(outcome) for outcome in outcomes]
    logger.info("Events were ingested", extra={**effects, **lag, "events": events})
    failures = {id(outcome.failure): outcome.failure for outcome in outcomes if outcome.failure}
    for failure in failures.values():
        failed = [_summary(outcome) for outcome in outcomes if outcome.failure is failure]
        fields = {"events": failed} | failure_of(failure)
        logger.warning("Events were not ingested", extra=fields)


def _summary(outcome: Outcome) -> str:
    """An event's id and type, its effect, and the account; for a message that is no event,
    the message's id.
    """
    event = outcome.event
    known = (event.id, event.type) if event else (outcome.message,)
    return " ".join((*known, outcome.effect, *filter(None, (outcome.account,))))
