"""The act queue: due accounts, and visitors' requests to sign up or sign in."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.accounts.sign_up import process_request
from chalicelib.usecases.messages import ProcessAccount, SignInOperator, read_act_message
from chalicelib.usecases.operators.sign_in import process_operator_sign_in
from chalicelib.usecases.schedule.process_due import process_due_account

bp = Blueprint(__name__)


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=10,
)
@entrypoint
def act_on_accounts(event: Any) -> dict[str, Any]:
    """Process due accounts and visitors' requests. Returns the messages that failed, for SQS to
    deliver again. If an account's message is lost, the next sweep queues the account again.
    """
    failed: list[str] = []
    for record in event.to_dict()["Records"]:
        try:
            _process(record["body"], record["messageId"])
        except Exception as failure:
            failed.append(record["messageId"])
            fields = {"message_id": record["messageId"]}
            logger.warning("A task of the act queue failed", extra=fields | failure_of(failure))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def _process(body: str, message_id: str) -> None:
    message = read_act_message(body)
    if message is None:
        logger.error("Unknown message in the act queue", extra={"message_id": message_id})
    elif isinstance(message, ProcessAccount):
        _process_account(message.account_id)
    elif isinstance(message, SignInOperator):
        process_operator_sign_in(message, wiring.services())
    else:
        process_request(message, wiring.services())


def _process_account(account_id: str) -> None:
    outcome = process_due_account(account_id, wiring.services())
    if outcome.failure:
        fields = {"account_id": account_id, "outcome": outcome.effect}
        logger.warning("Processing an account failed", extra=fields | failure_of(outcome.failure))
