"""SES's feedback, by way of its topic."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.telemetry import entrypoint, failure_of, logger
from chalicelib.usecases.messaging.delivery_feedback import take_feedback as take_feedback_of

bp = Blueprint(__name__)


@bp.on_sns_message(topic="arn:aws:sns:us-east-1:000000000000:replaced-by-resources-yaml")
@entrypoint
def take_feedback(event: Any) -> None:
    """Takes every notification; raises in the end if one could not be taken now, so that Lambda
    calls again and at last keeps it.
    """
    failed = 0
    for record in event.to_dict()["Records"]:
        notice = record["Sns"]
        try:
            kind = take_feedback_of(
                notice["Message"], wiring.services(), wiring.claims(), wiring.suppressions()
            )
        except Exception as failure:
            failed += 1
            logger.warning(
                "Feedback was not taken",
                extra={"sns_id": notice.get("MessageId")} | failure_of(failure),
            )
            continue
        if kind == "unreadable":
            logger.warning("Feedback cannot be read", extra={"sns_id": notice.get("MessageId")})
        else:
            logger.info(
                "Feedback was taken", extra={"sns_id": notice.get("MessageId"), "kind": kind}
            )
    if failed:
        raise Unavailable(f"{failed} notifications could not be taken now.")
