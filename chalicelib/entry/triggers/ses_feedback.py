"""SES's delivery feedback, from EventBridge's default bus."""

import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.telemetry import failure_of, logger
from chalicelib.usecases.messaging import delivery_feedback

bp = Blueprint(__name__)


@bp.on_cw_event({"source": ["aws.ses"]})
@entrypoint
def take_feedback(event: Any) -> None:
    """Process what SES tells of one message. Raises Unavailable if that failed, so that Lambda
    repeats the call and finally keeps the event in the dead-letter queue.

    `detail` is SES's record (docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html); the
    rule lets through only what names our configuration set.
    """
    fields = {"feedback_id": event.event_id}
    try:
        kind = delivery_feedback.take_feedback(
            json.dumps(event.detail), wiring.services(), wiring.claims(), wiring.suppressions()
        )
    except Exception as failure:
        logger.warning("Feedback was not processed", extra=fields | failure_of(failure))
        # Without the failure's text, which may hold an address.
        raise Unavailable("The feedback could not be processed now.") from None
    if kind == "unreadable":
        logger.warning("Feedback cannot be read", extra=fields)
    else:
        logger.info("Feedback was processed", extra=fields | {"kind": kind})
