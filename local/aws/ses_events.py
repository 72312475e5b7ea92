"""SES's events, in the shape in which a configuration set publishes them. No
emulator makes them."""

import uuid
from collections.abc import Callable
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.runtime.clock import clock
from local.durations import iso


def event(
    kind: str, letter: EmailMessage, message_id: str, sent_at: datetime, configuration_set: str
) -> dict[str, Any]:
    """What SES publishes of a letter when `kind`, one of KINDS, befalls it now."""
    return {
        "mail": _mail(letter, message_id, sent_at, configuration_set),
        **KINDS[kind](letter.recipient, iso(clock.now())),
    }


def _mail(
    letter: EmailMessage, message_id: str, sent_at: datetime, configuration_set: str
) -> dict[str, Any]:
    common = {
        "from": [letter.sender],
        "to": [letter.recipient],
        "messageId": message_id,
        "subject": letter.subject,
    }
    headers = {
        "From": letter.sender,
        "Reply-To": letter.reply_to,
        "To": letter.recipient,
        "Subject": letter.subject,
        **letter.headers,
    }
    domain = parseaddr(letter.sender)[1].rpartition("@")[2]
    return {
        "timestamp": iso(sent_at),
        "source": letter.sender,
        "sendingAccountId": "000000000000",
        "messageId": message_id,
        "destination": [letter.recipient],
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers.items()],
        "commonHeaders": common,
        "tags": {
            "ses:operation": ["SendEmail"],
            "ses:configuration-set": [configuration_set],
            "ses:from-domain": [domain],
            **{name: [value] for name, value in letter.tags.items()},
        },
    }


def _send(recipient: str, at: str) -> dict[str, Any]:
    return {"eventType": "Send", "send": {}}


def _delivery(recipient: str, at: str) -> dict[str, Any]:
    told = {
        "timestamp": at,
        "processingTimeMillis": 546,
        "recipients": [recipient],
        "smtpResponse": "250 2.0.0 OK",
        "reportingMTA": "local",
    }
    return {"eventType": "Delivery", "delivery": told}


def _bounce(recipient: str, at: str, permanent: bool) -> dict[str, Any]:
    status, why = (
        ("5.1.1", "550 5.1.1 user unknown") if permanent else ("4.2.2", "452 4.2.2 mailbox full")
    )
    told = {
        "bounceType": "Permanent" if permanent else "Transient",
        "bounceSubType": "General" if permanent else "MailboxFull",
        "bouncedRecipients": [
            {
                "emailAddress": recipient,
                "action": "failed",
                "status": status,
                "diagnosticCode": f"smtp; {why}",
            }
        ],
        "timestamp": at,
        "feedbackId": str(uuid.uuid4()),
        "reportingMTA": "dns; local",
    }
    return {"eventType": "Bounce", "bounce": told}


def _complaint(recipient: str, at: str) -> dict[str, Any]:
    told = {
        "complainedRecipients": [{"emailAddress": recipient}],
        "timestamp": at,
        "feedbackId": str(uuid.uuid4()),
        "complaintSubType": None,
        "userAgent": "local",
        "complaintFeedbackType": "abuse",
        "arrivalDate": at,
    }
    return {"eventType": "Complaint", "complaint": told}


KINDS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "send": _send,
    "delivery": _delivery,
    "bounce": lambda recipient, at: _bounce(recipient, at, True),
    "soft_bounce": lambda recipient, at: _bounce(recipient, at, False),
    "complain": _complaint,
}
"""What can befall a letter."""

BY_HAND = ("bounce", "soft_bounce", "complain")
"""What a person or a program may bring about; the rest follows by itself."""
