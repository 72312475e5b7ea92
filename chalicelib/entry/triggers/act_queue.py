"""The act queue: due accounts, and visitors' requests to sign up or sign in."""

import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import entrypoint, failure_of, logger
from chalicelib.usecases.accounts.sign_up import SIGN_IN, SIGN_UP, process_request
from chalicelib.usecases.schedule.process_due import process_due_account

bp = Blueprint(__name__)


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=10,
    maximum_concurrency=5,
)
@entrypoint
def act_on_accounts(event: Any) -> dict[str, Any]:
    """Process due accounts and visitors' requests. Returns the messages that failed, for SQS to
    deliver again. If an account's message is lost, the next sweep queues the account again.
    """
    failed: list[str] = []
    for record in event.to_dict()["Records"]:
        kind, task = _task(record["body"])
        fields = {"message_id": record["messageId"], "account_id": task.get("account_id")}
        try:
            if kind is None:
                logger.error("Unknown message in the act queue", extra=fields)
            elif kind == ACCOUNT:
                _process(task[ACCOUNT])
            else:
                process_request(task, wiring.services())
        except Exception as failure:
            failed.append(record["messageId"])
            logger.warning(
                "A task of the act queue failed",
                extra=fields | {"work": kind} | failure_of(failure),
            )
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _process(account_id: str) -> None:
    outcome = process_due_account(account_id, wiring.services())
    if outcome.failure:
        fields = {"account_id": account_id, "outcome": outcome.effect}
        logger.warning("Processing an account failed", extra=fields | failure_of(outcome.failure))


ACCOUNT = "account_id"
"""The field of a due account's message."""


def _task(body: str) -> tuple[str | None, dict[str, str]]:
    """The kind of a task and its fields. The kind is None if the message is not one of Billhook."""
    try:
        task = json.loads(body)
    except (ValueError, RecursionError):
        return None, {}
    if not isinstance(task, dict) or not all(
        isinstance(value, str) and value for value in task.values()
    ):
        return None, {}
    return next((kind for kind in (ACCOUNT, SIGN_IN, SIGN_UP) if kind in task), None), task
