"""The act queue: accounts that are due, and what visitors have handed in."""

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
    """Answers with the messages that are to come again. Should accounts be lost from it, the next
    sweep hands them out again.
    """
    failed: list[str] = []
    for record in event.to_dict()["Records"]:
        kind, work = _work(record["body"])
        known = {"message_id": record["messageId"], "account_id": work.get("account_id")}
        try:
            if kind is None:
                logger.error("No work of ours in the act queue", extra=known)
            elif kind == ACCOUNT:
                _act(work[ACCOUNT])
            else:
                process_request(work, wiring.services())
        except Exception as failure:
            failed.append(record["messageId"])
            logger.warning(
                "Work of the act queue was not done",
                extra=known | {"work": kind} | failure_of(failure),
            )
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _act(account_id: str) -> None:
    outcome = process_due_account(account_id, wiring.services())
    if outcome.failure:
        known = {"account_id": account_id, "outcome": outcome.effect}
        logger.warning("An act failed", extra=known | failure_of(outcome.failure))


ACCOUNT = "account_id"


def _work(body: str) -> tuple[str | None, dict[str, str]]:
    """What is to be done, and about what; None for what nobody here has put into the queue."""
    try:
        work = json.loads(body)
    except (ValueError, RecursionError):
        return None, {}
    if not isinstance(work, dict) or not all(
        isinstance(value, str) and value for value in work.values()
    ):
        return None, {}
    return next((kind for kind in (ACCOUNT, SIGN_IN, SIGN_UP) if kind in work), None), work
