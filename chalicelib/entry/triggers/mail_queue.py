"""The mail queue: sends messages, one at a time."""

import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import count, entrypoint, failure_of, logger
from chalicelib.usecases.messaging.notify_team import send_digest, send_notice
from chalicelib.usecases.messaging.send_message import send_message

TASKS = ({"account_id", "key"}, {"account_id", "happening"}, {"digest"})
"""The fields of each kind of task: a message to a customer, a notice to the team, the team's digest
of a day.
"""

DASHBOARD = "https://dashboard.stripe.com"

bp = Blueprint(__name__)

_METRICS = {
    "sent": "MailsSent",
    "passed": "MailsPassed",
    "refused": "MailsRefused",
    "held_out": "MailsHeldOut",
    "unclear": "MailsUnclear",
}


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=1,
    maximum_concurrency=2,  # SENDERS_AT_ONCE in aws/mailer.py: they share SES's rate
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
    task = _task(record["body"])
    if task is None:
        logger.error("Unknown message in the mail queue", extra={"message_id": record["messageId"]})
        return True
    fields = {name: value for name, value in task.items() if name != "happening"}
    try:
        outcome = _send(task)
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


def _send(task: dict[str, str]) -> str:
    services, mail_services = wiring.services(), wiring.mail_services()
    if "digest" in task:
        return send_digest(task["digest"], wiring.timelines(), services, mail_services)
    if "happening" in task:
        return send_notice(
            task["account_id"],
            task["happening"],
            DASHBOARD if settings().livemode else f"{DASHBOARD}/test",
            services,
            mail_services,
        )
    return send_message(task["account_id"], task["key"], services, mail_services)


def _task(body: str) -> dict[str, str] | None:
    """The fields of a task, None if the message is not one of Billhook."""
    try:
        task = json.loads(body)
    except (ValueError, RecursionError):
        return None
    texts = isinstance(task, dict) and all(
        isinstance(value, str) and value for value in task.values()
    )
    return task if texts and task.keys() in TASKS else None
