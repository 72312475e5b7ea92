"""The events queue: ingests Stripe's events in batches."""

from collections import Counter
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.clock import clock
from chalicelib.runtime.telemetry import count, entrypoint, failure_of, logger, measure
from chalicelib.usecases.ingestion.ingest import Message, Outcome, ingest

bp = Blueprint(__name__)

_METRICS = {
    "applied": "EventsLearnt",
    "unchanged": "EventsUnchanged",
    "ignored": "EventsLeft",
    "foreign": "EventsNotOurs",
    "dead_lettered": "EventsDead",
    "retry": "EventsGivenBack",
}


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=100,
    # one purchase makes several events within a second: a batch costs one read and one write
    maximum_batching_window_in_seconds=1,
    maximum_concurrency=10,
)
@entrypoint
def process_events(event: Any) -> dict[str, Any]:
    """Ingest a batch of events. Returns the messages that failed, for SQS to deliver again."""
    messages = [
        Message(record["messageId"], record["body"]) for record in event.to_dict()["Records"]
    ]
    outcomes = ingest(messages, wiring.services())
    for effect, number in Counter(outcome.effect for outcome in outcomes).items():
        count(_METRICS[effect], number)
    count(
        "UnknownApiVersions",
        sum(1 for outcome in outcomes if outcome.event and not outcome.event.version_known),
    )
    count("UnknownPrices", len({price for outcome in outcomes for price in outcome.unknown_prices}))
    written_at = clock.now()
    for outcome in outcomes:
        if outcome.effect == "applied" and outcome.event:
            measure("EventLag", max(0.0, (written_at - outcome.event.created).total_seconds()))
        _log(outcome)
    return {
        "batchItemFailures": [
            {"itemIdentifier": outcome.message} for outcome in outcomes if outcome.effect == "retry"
        ]
    }


def _log(outcome: Outcome) -> None:
    event = outcome.event
    fields = {
        "message_id": outcome.message,
        "effect": outcome.effect,
        "account_id": outcome.account,
    }
    fields |= {"event_id": event.id, "event_type": event.type} if event else {}
    if outcome.failure:
        logger.warning("An event was not ingested", extra=fields | failure_of(outcome.failure))
    else:
        logger.info("An event was ingested", extra=fields)
