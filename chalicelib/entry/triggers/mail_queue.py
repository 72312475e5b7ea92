"""The mail queue: messages to be sent, one at a time."""

import json
from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Unavailable
from chalicelib.runtime import wiring
from chalicelib.runtime.settings import settings
from chalicelib.runtime.telemetry import count, entrypoint, failure_of, logger
from chalicelib.usecases.messaging.notify_team import send_digest, send_notice
from chalicelib.usecases.messaging.send_message import send_message

SHAPES = ({"account_id", "key"}, {"account_id", "happening"}, {"digest"})
"""What may be in the queue: a message to a customer, a notice to the team, a day's digest for it.
"""

DASHBOARD = "https://dashboard.stripe.com"

bp = Blueprint(__name__)

_COUNTED = {
    "sent": "MailsSent",
    "passed": "MailsPassed",
    "refused": "MailsRefused",
    "held_out": "MailsHeldOut",
    "unclear": "MailsUnclear",
}


@bp.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:000000000000:replaced-by-resources-yaml",
    batch_size=1,
    maximum_concurrency=2,  # aws/mailer.py shares SES's rate among so many
)
@entrypoint
def send_mails(event: Any) -> dict[str, Any]:
    """Answers with the messages that are to come again, as SES takes no more or the table does not
    answer.
    """
    back = [record["messageId"] for record in event.to_dict()["Records"] if not _sent(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in back]}


def _sent(record: dict[str, Any]) -> bool:
    """Whether the message in the queue is done with.

    So is one that fails for another reason than that something is out of reach, such as a template
    that is broken: the account still says that it is queued, and the agenda hands it out again in
    half an hour, as long as its time is not over. Given back, it would come at once, for days.
    """
    work = _work(record["body"])
    if work is None:
        logger.error("No work of ours in the mail queue", extra={"message_id": record["messageId"]})
        return True
    known = {name: value for name, value in work.items() if name != "happening"}
    try:
        outcome = _send(work)
    except Unavailable as failure:
        count("MailsWaiting")
        logger.warning("A message waits", extra=known | failure_of(failure))
        return False
    except Exception as failure:
        count("MailsBroken")
        logger.error("A message could not be sent", extra=known | failure_of(failure))
        return True
    if outcome in _COUNTED:
        count(_COUNTED[outcome])
    logger.info("A message is done with", extra=known | {"outcome": outcome})
    return True


def _send(work: dict[str, str]) -> str:
    services, post = wiring.services(), wiring.mail_services()
    if "digest" in work:
        return send_digest(work["digest"], wiring.timelines(), services, post)
    if "happening" in work:
        return send_notice(
            work["account_id"],
            work["happening"],
            DASHBOARD if settings().livemode else f"{DASHBOARD}/test",
            services,
            post,
        )
    return send_message(work["account_id"], work["key"], services, post)


def _work(body: str) -> dict[str, str] | None:
    try:
        work = json.loads(body)
    except (ValueError, RecursionError):
        return None
    texts = isinstance(work, dict) and all(
        isinstance(value, str) and value for value in work.values()
    )
    return work if texts and work.keys() in SHAPES else None
