"""The events queue: batches of Stripe's events, taken in."""

from collections import Counter
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import BillhookError
from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import count, entrypoint, logger
from chalicelib.usecases.take_in import Message, Outcome, take_in

bp = Blueprint(__name__)

_COUNTED = {
    "learnt": "EventsLearnt",
    "unchanged": "EventsUnchanged",
    "left": "EventsLeft",
    "not_ours": "EventsNotOurs",
    "dead": "EventsDead",
    "given_back": "EventsGivenBack",
}


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=100,
    maximum_batching_window_in_seconds=1,  # a purchase makes several events within a second: together they cost one read and one write
    maximum_concurrency=10,
)
@entrypoint
def process_events(event: Any) -> dict[str, Any]:
    """Answers with the messages that are to come again."""
    messages = [Message(record["messageId"], record["body"]) for record in event.to_dict()["Records"]]
    outcomes = take_in(messages, wiring.world())
    for effect, number in Counter(outcome.effect for outcome in outcomes).items():
        count(_COUNTED[effect], number)
    count("UnknownApiVersions", sum(1 for outcome in outcomes if outcome.event and not outcome.event.version_known))
    count("UnknownPrices", len({price for outcome in outcomes for price in outcome.unknown_prices}))
    for outcome in outcomes:
        if outcome.failure:
            _tell(outcome)
    return {"batchItemFailures": [{"itemIdentifier": outcome.message} for outcome in outcomes if outcome.effect == "given_back"]}


def _tell(outcome: Outcome) -> None:
    failure = outcome.failure
    ours = isinstance(failure, BillhookError)
    logger.warning(
        "An event was not taken in",
        extra={
            "effect": outcome.effect,
            "event_id": outcome.event.id if outcome.event else None,
            "account_id": outcome.account,
            "failure": type(failure).__name__,
            "why": str(failure) if ours else None,  # the text of another error may hold what it failed on
        },
        exc_info=None if ours else failure,
    )
