"""The table's stream: an account was written with something in its outbox."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import count, entrypoint, failure_of, logger
from chalicelib.usecases.schedule.outbox import publish_outbox as carry_out_of

bp = Blueprint(__name__)


@bp.on_dynamodb_record(
    stream_arn="arn:aws:dynamodb:us-east-1:000000000000:table/replaced-by-resources-yaml/stream/x",
    batch_size=100,
)
@entrypoint
def carry_out(event: Any) -> dict[str, Any]:
    """Answers with the record to begin again from, if one failed: the stream keeps the order of
    each account.
    """
    done: set[str] = set()
    for record in event.to_dict()["Records"]:
        account_id = record["dynamodb"]["Keys"]["pk"]["S"].partition("#")[2]
        if account_id in done:
            continue
        try:
            happenings = carry_out_of(account_id, wiring.services())
        except Exception as failure:
            logger.warning(
                "An outbox was not carried out",
                extra={"account_id": account_id} | failure_of(failure),
            )
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        done.add(account_id)
        for domain_event in happenings:
            logger.info(
                "It happened",
                extra={
                    "account_id": account_id,
                    "happening": domain_event.type,
                    "happening_id": domain_event.id,
                },
            )
        count("Happenings", len(happenings))
    return {"batchItemFailures": []}
