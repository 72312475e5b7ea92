"""Reads a dead letter from an SQS message: its origin, its subject, and the reason. Pure.

Only `body` contains payload data, addresses or secrets: everything else must have the form of an id
or a type.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.stripe_api import objects
from chalicelib.stripe_api.envelope import opened
from chalicelib.stripe_api.fields import if_readable
from ops.terminal import visible

ORIGINS = {
    "events": "The events queue: a Stripe event.",
    "act": "The act queue: a due account, or a visitor's request.",
    "mail": "The mail queue: a message to send.",
    "feedback": "SES, by EventBridge: its report about a message.",
    "bus": "The event bus of billing.toml: a domain event that it did not take.",
    "unknown": "Not known: the message does not say so, and it has no form that Billhook uses.",
}
"""Where a dead letter came from; it is sent back there."""

CODES = {
    "unreadable": "Ingestion could not read the event; the reason says why.",
    "bus_refused": "The event bus did not take the event for three days; the reason says why.",
    "worn_out": "SQS moved it here after it was received a thousand times.",
    "failed": "The function for SES's feedback failed three times.",
    "undelivered": (
        "EventBridge could not deliver it to the events queue or to the function for SES's"
        " feedback."
    ),
    "unknown": "The reason is not known.",
}
"""Why a message is in the dead-letter queue. Ingestion writes `unreadable` itself
(`domain/errors.py`), and delivery `bus_refused`; the others follow from the form of the message.
"""

_QUEUES = {"EventsQueue": "events", "ActQueue": "act", "MailQueue": "mail"}
_WORD = re.compile(r"[A-Za-z0-9_.@-]{1,255}")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `what` and `account` are ids and types, empty if not known; `handle` is the
    receipt handle with which SQS deletes it.
    """

    id: str
    at: datetime
    origin: str
    what: str
    account: str
    code: str
    reason: str
    body: str
    handle: str


def read_letter(message: Mapping[str, Any]) -> DeadLetter:
    """The dead letter in a message of `ReceiveMessage` with all attributes. Reads any message."""
    told = {
        name: str(value.get("StringValue", ""))
        for name, value in message.get("MessageAttributes", {}).items()
    }
    system = message.get("Attributes", {})
    content = _json(message["Body"])
    source = _source(system.get("DeadLetterQueueSourceArn", ""))
    written = "bus" if told.get("code") == "bus_refused" else "events"
    origin = source or (written if "code" in told else _origin_by_form(content))
    what, account = _about(origin, content)
    code, reason = _why(told, bool(source), content)
    return DeadLetter(
        id=message["MessageId"],
        at=datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC),
        origin=origin,
        what=what,
        account=account,
        code=code,
        reason=visible(reason, kept=""),
        body=message["Body"],
        handle=message["ReceiptHandle"],
    )


def feedback_of(body: str) -> list[Mapping[str, Any]]:
    """SES's records in a dead letter of its feedback: in EventBridge's event, in Lambda's record of
    a failed invocation with it, and in the envelopes of SNS, which releases before this one used.
    """
    return list(_feedback(_json(body)))


def _source(arn: str) -> str:
    """The origin by the source queue's name. CloudFormation puts the logical id between a prefix
    and a hash; in the emulator's names it comes last.
    """
    name = arn.rpartition(":")[2]
    return next((origin for logical_id, origin in _QUEUES.items() if logical_id in name), "")


def _origin_by_form(content: Any) -> str:
    if not isinstance(content, dict):
        return "unknown"
    if list(_feedback(content)):
        return "feedback"
    event = _hash(if_readable(opened, content))
    if event.get("object") == "event" or isinstance(event.get("data"), dict):
        return "events"
    if isinstance(content.get("account_id"), str):
        return "mail" if isinstance(content.get("key"), str) else "act"
    return "unknown"


def _why(told: Mapping[str, str], moved: bool, content: Any) -> tuple[str, str]:
    if "code" in told:
        return _word(told["code"]) or "unknown", told.get("reason", "")
    if "RULE_ARN" in told:  # by EventBridge, with what the last attempt failed on
        failure = _word(told.get("ERROR_CODE"))
        return "undelivered", CODES["undelivered"] + (f" It says {failure}." if failure else "")
    if moved:
        return "worn_out", CODES["worn_out"]
    if isinstance(content, dict) and "requestPayload" in content:
        response = content.get("responsePayload")
        failure = _word(response.get("errorType")) if isinstance(response, dict) else ""
        return "failed", CODES["failed"] + (f" The last failure was {failure}." if failure else "")
    if list(_feedback(content)):
        return "undelivered", CODES["undelivered"]
    return "unknown", CODES["unknown"]


def _about(origin: str, content: Any) -> tuple[str, str]:
    if not isinstance(content, dict):
        return "", ""
    if origin == "feedback":
        return _about_feedback(next(_feedback(content), {}))
    if origin == "bus":
        event = if_readable(_event_of, content) or ""
        return _joined(event), _word(event.partition(".")[0])
    if origin == "events":
        content = _hash(if_readable(opened, content))
        thing = _hash(_hash(content.get("data")).get("object"))
        account = if_readable(objects.account_id_of, thing) or if_readable(
            objects.customer_of, thing
        )
        return _joined(content.get("type"), content.get("id")), _word(account)
    return _joined(content.get("key")), _word(content.get("account_id"))


def _event_of(content: Mapping[str, Any]) -> str:
    """The id of the domain event in a message of the deliveries queue."""
    ((_, event_id),) = json.loads(content["deliveries"])
    return str(event_id)


def _about_feedback(told: Mapping[str, Any]) -> tuple[str, str]:
    mail = _hash(told.get("mail"))
    account = _hash(mail.get("tags")).get("account")
    return _joined(
        told.get("eventType") or told.get("notificationType"), mail.get("messageId")
    ), _word(account[0] if isinstance(account, list) and account else None)


def _feedback(content: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(content, dict):
        return
    payload = _hash(content.get("requestPayload")) or content
    if payload.get("source") == "aws.ses" and isinstance(payload.get("detail"), dict):
        yield payload["detail"]
    records = payload.get("Records")
    texts = [
        _hash(_hash(record).get("Sns")).get("Message")
        for record in (records if isinstance(records, list) else ())
    ]
    if content.get("Type") == "Notification":
        texts.append(content.get("Message"))
    for text in texts:
        told = _json(text) if isinstance(text, str) else None
        if isinstance(told, dict):
            yield told


def _joined(*words: Any) -> str:
    return " ".join(word for word in map(_word, words) if word)


def _word(value: Any) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _hash(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
