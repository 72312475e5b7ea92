"""SES's delivery feedback, from its SNS topic."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.messaging import delivery_feedback

bp = Blueprint(__name__)


@bp.on_sns_message(topic="arn:aws:sns:us-east-1:000000000000:replaced-by-resources-yaml")
@entrypoint
def take_feedback(event: Any) -> None:
    """Process every notification. Raises Unavailable at the end if one failed, so that Lambda
    repeats the call and finally keeps the notification in the function's dead-letter queue.
    """
    failed = 0
    for record in event.to_dict()["Records"]:
        notification = record["Sns"]
        fields = {"sns_id": notification.get("MessageId")}
        try:
            kind = delivery_feedback.take_feedback(
                notification["Message"], wiring.services(), wiring.claims(), wiring.suppressions()
            )
        except Exception as failure:
            failed += 1
            logger.warning("Feedback was not processed", extra=fields | failure_of(failure))
            continue
        if kind == "unreadable":
            logger.warning("Feedback cannot be read", extra=fields)
        else:
            logger.info("Feedback was processed", extra=fields | {"kind": kind})
    if failed:
        raise Unavailable(f"{failed} notifications could not be processed now.")
