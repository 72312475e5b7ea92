"""What a dead letter is, read from the message that SQS gives: where it came from, what it is
about, why it lies here. Pure.

No payload, address or secret is told by anything but `body`: what is read out of a payload must
have the form of an id or of a type.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.stripe_api import objects
from chalicelib.stripe_api.fields import if_readable

ORIGINS = {
    "events": "The events queue: an event of Stripe's.",
    "act": "The act queue: an account that was due, or what a visitor has handed in.",
    "mail": "The mail queue: a message that was to be sent.",
    "feedback": "The feedback topic: what SES told of a mail.",
    "unknown": "It cannot be told: nothing in it says so, and it has no form of ours.",
}
"""Where a dead letter came from, and so where it is sent back to."""

CODES = {
    "unreadable": "take_in could not read the event; the reason says what was in the way.",
    "worn_out": "SQS moved it here after it was received a thousand times.",
    "failed": "The function that takes SES's feedback failed three times.",
    "undelivered": "SNS could not hand it to the function that takes SES's feedback.",
    "unknown": "Nothing tells why it lies here.",
}
"""Why a dead letter lies here. `unreadable` is written by take_in itself (`domain/errors.py`); the
others are told by how the message looks.
"""

_QUEUES = {"EventsQueue": "events", "ActQueue": "act", "MailQueue": "mail"}
_WORD = re.compile(r"[A-Za-z0-9_.@-]{1,255}")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `what` and `account` are ids and types, empty where they cannot be told;
    `handle` is what SQS deletes it by.
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
    """The letter in a message of `ReceiveMessage`, with all its attributes asked for. Any message
    can be read.
    """
    told = {
        name: str(value.get("StringValue", ""))
        for name, value in message.get("MessageAttributes", {}).items()
    }
    system = message.get("Attributes", {})
    content = _json(message["Body"])
    source = _source(system.get("DeadLetterQueueSourceArn", ""))
    origin = source or ("events" if "code" in told else _origin_by_form(content))
    what, account = _about(origin, content)
    code, reason = _why(told, bool(source), content)
    return DeadLetter(
        id=message["MessageId"],
        at=datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC),
        origin=origin,
        what=what,
        account=account,
        code=code,
        reason=printable(reason),
        body=message["Body"],
        handle=message["ReceiptHandle"],
    )


def notifications(body: str) -> list[str]:
    """The messages of SNS's in a letter of the feedback's, whichever envelope it lies in: Lambda's
    record of a failed call, what SNS calls a function with, or SNS's own notification.
    """
    return list(_notifications(_json(body)))


def printable(text: str) -> str:
    """The text without what could turn a terminal's head."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


def _source(arn: str) -> str:
    """CloudFormation's names hold the logical id, ours after a prefix and before a hash; the
    emulator's end in it.
    """
    name = arn.rpartition(":")[2]
    return next((origin for logical_id, origin in _QUEUES.items() if logical_id in name), "")


def _origin_by_form(content: Any) -> str:
    if not isinstance(content, dict):
        return "unknown"
    if list(_notifications(content)):
        return "feedback"
    if content.get("object") == "event" or isinstance(content.get("data"), dict):
        return "events"
    if isinstance(content.get("account_id"), str):
        return "mail" if isinstance(content.get("key"), str) else "act"
    return "unknown"


def _why(told: Mapping[str, str], moved: bool, content: Any) -> tuple[str, str]:
    if "code" in told:
        return _word(told["code"]) or "unknown", told.get("reason", "")
    if moved:
        return "worn_out", CODES["worn_out"]
    if isinstance(content, dict) and "requestPayload" in content:
        response = content.get("responsePayload")
        failure = _word(response.get("errorType")) if isinstance(response, dict) else ""
        return "failed", CODES["failed"] + (f" The last time with {failure}." if failure else "")
    if list(_notifications(content)):
        return "undelivered", CODES["undelivered"]
    return "unknown", CODES["unknown"]


def _about(origin: str, content: Any) -> tuple[str, str]:
    if not isinstance(content, dict):
        return "", ""
    if origin == "feedback":
        inner = next((_json(text) for text in _notifications(content)), None)
        return _about_feedback(inner) if isinstance(inner, dict) else ("", "")
    if origin == "events":
        thing = _hash(_hash(content.get("data")).get("object"))
        account = if_readable(objects.account_id_of, thing) or if_readable(
            objects.customer_of, thing
        )
        return _joined(content.get("type"), content.get("id")), _word(account)
    return _joined(content.get("key")), _word(content.get("account_id"))


def _about_feedback(told: Mapping[str, Any]) -> tuple[str, str]:
    mail = _hash(told.get("mail"))
    account = _hash(mail.get("tags")).get("account")
    return _joined(
        told.get("eventType") or told.get("notificationType"), mail.get("messageId")
    ), _word(account[0] if isinstance(account, list) and account else None)


def _notifications(content: Any) -> Iterator[str]:
    if not isinstance(content, dict):
        return
    payload = _hash(content.get("requestPayload")) or content
    records = payload.get("Records")
    for record in records if isinstance(records, list) else ():
        message = _hash(_hash(record).get("Sns")).get("Message")
        if isinstance(message, str):
            yield message
    if content.get("Type") == "Notification" and isinstance(content.get("Message"), str):
        yield content["Message"]


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
