"""The mailbox: every message that SES accepted, in order, and the events that SES publishes."""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.errors import BillhookError, MailOutcomeUnknown, MailRefused
from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ports.mail import Mailer
from local.aws import ses_events
from local.aws.ses_bus import BusTrigger
from local.aws.ses_suppressions import SuppressionList
from local.control_room.sent_requests import Outgoing
from local.durations import iso


@dataclass(frozen=True, slots=True)
class Received:
    """One message, numbered from 1. `events` are the kinds of SES events published about it."""

    number: int
    at: datetime
    message_id: str
    letter: EmailMessage
    events: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `/_local/mail` shows it."""
        letter, tags = self.letter, self.letter.tags
        return {
            "number": self.number,
            "at": iso(self.at),
            "account_id": tags.get("account"),
            "step": tags.get("step"),
            "occasion": tags.get("occasion"),
            "stream": tags.get("stream"),
            "from": letter.sender,
            "to": letter.recipient,
            "subject": letter.subject,
            "headers": {"Reply-To": letter.reply_to, **letter.headers},
            "html": letter.html,
            "text": letter.text,
            "message_id": self.message_id,
            "events": list(self.events),
        }


class Mailbox:
    """Keeps messages and publishes the SES events about them. `suppressed` is SES's own list of
    addresses that bounced.
    """

    def __init__(self, bus: BusTrigger, configuration_set: str) -> None:
        self._bus, self._configuration_set = bus, configuration_set
        self._received: list[Received] = []
        self.suppressed = SuppressionList()
        self._lock = threading.Lock()

    def take(self, letter: EmailMessage, message_id: str) -> None:
        """Keep a message that SES accepted, and publish that it was sent and delivered."""
        with self._lock:
            received = Received(len(self._received) + 1, clock.now(), message_id, letter)
            self._received.append(received)
        self.happen(received, "send")
        self.happen(received, "delivery")

    def happen(self, received: Received, kind: str) -> None:
        """Publish an event of a kind in ses_events.KINDS."""
        event = ses_events.event(
            kind, received.letter, received.message_id, received.at, self._configuration_set
        )
        if kind == "bounce":
            self.suppressed.add(received.letter.recipient)
        received.events.append(kind)
        self._bus.publish(event)

    def all(self) -> list[Received]:
        """Every message, the oldest first."""
        with self._lock:
            return list(self._received)

    def find(self, number: int) -> Received | None:
        """The message with this number; None if there is none."""
        with self._lock:
            return self._received[number - 1] if 1 <= number <= len(self._received) else None


class WatchedMailer:
    """The real mailer, which calls SES. Notes each call, and puts what SES accepted into the
    mailbox.
    """

    def __init__(self, mailer: Mailer, mailbox: Mailbox, outgoing: Outgoing) -> None:
        self._mailer, self._mailbox, self._outgoing = mailer, mailbox, outgoing

    def send(self, message: EmailMessage) -> str:
        """See Mailer in chalicelib/usecases/ports/mail.py."""
        try:
            message_id = self._mailer.send(message)
        except BillhookError as error:
            self._note(
                message,
                None
                if isinstance(error, MailOutcomeUnknown)
                else 400
                if isinstance(error, MailRefused)
                else 503,
            )
            raise
        self._note(message, 200)
        self._mailbox.take(message, message_id)
        return message_id

    def wait_for_capacity(self) -> None:
        """See Mailer in chalicelib/usecases/ports/mail.py."""
        self._mailer.wait_for_capacity()

    def _note(self, letter: EmailMessage, status: int | None) -> None:
        body = {
            "from": letter.sender,
            "to": letter.recipient,
            "subject": letter.subject,
            "tags": dict(letter.tags),
        }
        self._outgoing.note("ses", "mail", letter.headers, body, status)
