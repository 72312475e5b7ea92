"""Reads a dead letter from an SQS message: its origin, its subject, and the reason. Pure.

Only `body` contains payload data, addresses or secrets: everything else must have the form of an id
or a type.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.changes.dead_letters import CODES, DeadLetter
from chalicelib.domain.security.visible_text import visible
from chalicelib.stripe_api.event_subject import looks_like_event, subject_of

_QUEUES = {"EventsQueue": "events", "ActQueue": "act", "MailQueue": "mail"}
_REQUESTS = {
    "sign_up": "sign-up",
    "sign_in": "sign-in",
    "operator_sign_in": "operator-sign-in",
    "happening": "notice",
    "digest": "digest",
    "endpoint_id": "endpoint-notice",
}
"""The keys of the messages of usecases/messages.py that name no message to a customer, and what
each asks for. Their values may be addresses.
"""

_WORD = re.compile(r"[A-Za-z0-9_.@-]{1,255}")


def read_letter(message: Mapping[str, Any]) -> DeadLetter:
    """The dead letter in a message of `ReceiveMessage` with all attributes. Reads any message."""
    told = {
        name: str(value.get("StringValue", ""))
        for name, value in message.get("MessageAttributes", {}).items()
    }
    system = message.get("Attributes", {})
    content = _json(message["Body"])
    source = _source(system.get("DeadLetterQueueSourceArn", ""))
    origin = source or _written_by(told, content) or _origin_by_form(content)
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


def _written_by(told: Mapping[str, str], content: Any) -> str:
    """The origin of a letter that Billhook itself put here, with a code; else empty."""
    if told.get("code") == "bus_refused":
        return "bus" if isinstance(content, dict) else "unknown"
    return "events" if "code" in told else ""


def _origin_by_form(content: Any) -> str:
    if not isinstance(content, dict):
        return "unknown"
    if list(_feedback(content)):
        return "feedback"
    if looks_like_event(content):
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
        event = _event_of(content)
        return _joined(event), _word(event.partition(".")[0])
    if origin == "events":
        type, id, account = subject_of(content)
        return _joined(type, id), _word(account)
    request = next((name for key, name in _REQUESTS.items() if key in content), "")
    return _joined(request or content.get("key")), _word(content.get("account_id"))


def _event_of(content: Mapping[str, Any]) -> str:
    """The id of the domain event in a message of the deliveries queue; empty if there is none."""
    deliveries = _json(str(content.get("deliveries", "")))
    if not isinstance(deliveries, list) or len(deliveries) != 1:
        return ""
    (one,) = deliveries
    return str(one[1]) if isinstance(one, list) and len(one) == 2 else ""


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
