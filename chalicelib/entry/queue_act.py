"""The act queue: accounts that are due."""

import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import entrypoint, failure_of, logger
from chalicelib.usecases.act import act_on_due

bp = Blueprint(__name__)


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=10,
    maximum_concurrency=5,
)
@entrypoint
def act_on_accounts(event: Any) -> dict[str, Any]:
    """Answers with the messages that are to come again. Should they be lost, the next sweep hands the accounts out again."""
    failed: list[str] = []
    for record in event.to_dict()["Records"]:
        account_id = _account_id(record["body"])
        if account_id is None:
            logger.error("No work of ours in the act queue", extra={"message_id": record["messageId"]})
            continue
        try:
            outcome = act_on_due(account_id, wiring.world())
        except Exception as failure:
            failed.append(record["messageId"])
            logger.warning("An account was not acted on", extra={"account_id": account_id} | failure_of(failure))
            continue
        if outcome in {"failed", "dead"}:
            logger.warning("An act failed", extra={"account_id": account_id, "outcome": outcome})
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _account_id(body: str) -> str | None:
    try:
        work = json.loads(body)
    except (ValueError, RecursionError):
        return None
    account_id = work.get("account_id") if isinstance(work, dict) else None
    return account_id if isinstance(account_id, str) and account_id else None
