"""The table's stream: accounts that were saved with domain events in their outbox."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.schedule.outbox import publish_outbox

bp = Blueprint(__name__)


@bp.on_dynamodb_record(
    stream_arn="arn:aws:dynamodb:us-east-1:000000000000:table/replaced-by-resources-yaml/stream/x",
    batch_size=100,
)
@entrypoint
def carry_out(event: Any) -> dict[str, Any]:
    """Publish the outboxes of saved accounts. If one fails, returns its record: the stream delivers
    again from there and keeps the order of each account.
    """
    published: set[str] = set()
    for record in event.to_dict()["Records"]:
        account_id = record["dynamodb"]["Keys"]["pk"]["S"].partition("#")[2]
        if account_id in published:
            continue
        try:
            publish_outbox(account_id, wiring.services())
        except Exception as failure:
            logger.warning(
                "An outbox was not published",
                extra={"account_id": account_id} | failure_of(failure),
            )
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        published.add(account_id)
    return {"batchItemFailures": []}
