"""The mail queue: sends messages, one at a time."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.invocation import entrypoint
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import count, failure_of, logger
from chalicelib.usecases.messages import (
    MailMessage,
    SendDigest,
    SendEndpointNotice,
    SendMessage,
    SendNotice,
    SignInOperator,
    read_mail_message,
)
from chalicelib.usecases.messaging.notify_team import (
    send_digest,
    send_endpoint_notice,
    send_notice,
)
from chalicelib.usecases.messaging.send_message import send_message
from chalicelib.usecases.operators.sign_in import send_operator_link

DASHBOARD = "https://dashboard.stripe.com"

UNLOGGED = frozenset({"happening", "operator_sign_in"})
"""The parts of a message that the log must not have: the customer's words, an address."""

bp = Blueprint(__name__)

_METRICS = {
    "sent": "MailsSent",
    "passed": "MailsPassed",
    "refused": "MailsRefused",
    "held_out": "MailsHeldOut",
    "unclear": "MailsUnclear",
    "over_limit": "MailsOverLimit",
}


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=1,
    maximum_concurrency=2,  # SENDERS_AT_ONCE in aws/mail/mailer.py: they share SES's rate
)
@entrypoint
def send_mails(event: Any) -> dict[str, Any]:
    """Send messages. Returns those to deliver again because SES or the table is not available."""
    repeat = [record["messageId"] for record in event.to_dict()["Records"] if not _handled(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in repeat]}


def _handled(record: dict[str, Any]) -> bool:
    """Send the message of a queue record. False if the queue must deliver the record again.

    Only an unavailable service does that. After any other failure, such as a broken template, the
    account still marks the message as queued, and the schedule queues it again in half an hour
    until its time has passed. SQS would deliver it again at once, for days.
    """
    fields: dict[str, str] = {"message_id": record["messageId"]}
    try:
        message = read_mail_message(record["body"])
        if message is None:
            logger.error("Unknown message in the mail queue", extra=fields)
            return True
        fields |= {name: value for name, value in message.dump().items() if name not in UNLOGGED}
        outcome = _send(message)
    except Unavailable as failure:
        count("MailsWaiting")
        logger.warning("A message waits", extra=fields | failure_of(failure))
        return False
    except Exception as failure:
        count("MailsBroken")
        logger.error("A message could not be sent", extra=fields | failure_of(failure))
        return True
    if outcome in _METRICS:
        count(_METRICS[outcome])
    logger.info("A message was processed", extra=fields | {"outcome": outcome})
    return True


def _send(message: MailMessage) -> str:
    services, mail_services = wiring.services(), wiring.mail_services()
    match message:
        case SendDigest(day):
            return send_digest(day, wiring.timelines(), services, mail_services)
        case SendEndpointNotice():
            return send_endpoint_notice(message, services, mail_services)
        case SignInOperator():
            return send_operator_link(message, services, mail_services)
        case SendNotice(account_id, event):
            dashboard = DASHBOARD if settings().livemode else f"{DASHBOARD}/test"
            return send_notice(account_id, event, dashboard, services, mail_services)
        case SendMessage(account_id, key):
            return send_message(account_id, key, services, mail_services)
