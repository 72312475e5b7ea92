"""The deliveries queue: posts events to the owner's endpoints."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.messages import read_deliver_message
from chalicelib.usecases.webhooks.deliver import Made, Outgoing, deliver

WRITES_NEED_SECONDS = 10
"""How much of the function's time is left when its last call ends."""

bp = Blueprint(__name__)


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=1,
    maximum_concurrency=20,  # one for each endpoint: none waits for another
)
@entrypoint
def deliver_events(event: Any) -> dict[str, Any]:
    """Deliver events to the endpoint of a message. A message that fails is not repeated: it would
    keep its endpoint waiting for minutes, and the next sweep sends another one.
    """
    for record in event.to_dict()["Records"]:
        try:
            _deliver(record["body"], record["messageId"], event.context)
        except Unavailable as failure:
            fields = {"message_id": record["messageId"]}
            logger.warning("Deliveries wait", extra=fields | failure_of(failure))
    return {"batchItemFailures": []}


def _deliver(body: str, message_id: str, context: Any) -> None:
    message = read_deliver_message(body)
    if message is None:
        logger.error("Unknown message in the deliveries queue", extra={"message_id": message_id})
        return
    needed = 1000 * (wiring.delivery_seconds() + WRITES_NEED_SECONDS)
    outgoing = Outgoing(
        wiring.caller(),
        lambda: wiring.secrets().hash_key,
        lambda: bool(context.get_remaining_time_in_millis() > needed),
    )
    _log(message.endpoint_id, deliver(message, wiring.services(), outgoing))


def _log(endpoint_id: str, attempts: list[Made]) -> None:
    """One line for a run. Without the URL, which may hold a token, and the answers, which may hold
    anything.
    """
    if not attempts:
        return
    succeeded = sum(made.answer.succeeded for made in attempts)
    logger.info(
        "Events were delivered",
        extra={
            "endpoint_id": endpoint_id,
            "succeeded": succeeded,
            "failed": len(attempts) - succeeded,
            "events": [
                f"{made.delivery.key.event_id} attempt {len(made.delivery.attempts)}"
                f" {made.answer.code or 'no answer'}"
                for made in attempts
            ],
        },
    )
