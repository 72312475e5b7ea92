"""The mailbox of a soak test: every message that SES accepted, and whether it was due by the
state of its account at that moment.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.due_messages import due_messages
from chalicelib.domain.messaging.email_message import EmailMessage
from chalicelib.domain.policy.policy import Policy
from chalicelib.runtime.clock import clock
from chalicelib.usecases.ports.mail import Mailer
from local.control_room.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Sent:
    """One message, and what was wrong with it when it was sent, if anything."""

    at: datetime
    account_id: str
    key: str
    letter: EmailMessage
    wrong: str = ""


class CheckedMailer:
    """Wraps a mailer and keeps its messages. `account` reads an account as it is stored."""

    def __init__(
        self,
        mailer: Mailer,
        mailbox: Mailbox | None,
        account: Callable[[str], Account | None],
        policy: Policy,
    ) -> None:
        self._mailer, self._mailbox, self._account, self._policy = mailer, mailbox, account, policy
        self._of: defaultdict[str, list[Sent]] = defaultdict(list)
        self._lock = Lock()

    def send(self, message: EmailMessage) -> str:
        """See Mailer in usecases/ports/mail.py."""
        account_id, key, now = (
            message.tags["account"],
            f"{message.tags['step']}@{message.tags['occasion']}",
            clock.now(),
        )
        wrong = self._wrong(account_id, key, now)
        message_id = self._mailer.send(message)
        self.keep(Sent(now, account_id, key, message, wrong))
        if self._mailbox:
            self._mailbox.take(message, message_id)
        return message_id

    def wait_for_capacity(self) -> None:
        """See Mailer in usecases/ports/mail.py."""
        self._mailer.wait_for_capacity()

    def keep(self, sent: Sent) -> None:
        """Add a message."""
        with self._lock:
            self._of[sent.account_id].append(sent)

    def forget(self, sent: Sent) -> None:
        """Remove a message."""
        with self._lock:
            self._of[sent.account_id].remove(sent)

    def of(self, account_id: str) -> list[Sent]:
        """The messages to an account, the newest last."""
        return list(self._of.get(account_id, []))

    def all(self) -> list[Sent]:
        """All messages, in the order in which they were sent."""
        return sorted((one for some in self._of.values() for one in some), key=lambda one: one.at)

    def _wrong(self, account_id: str, key: str, now: datetime) -> str:
        """Whether it was due, judged as if it were not queued yet: nothing else was decided
        about it since.
        """
        account = self._account(account_id)
        if account is None:
            return "no such account"
        others = {other: mailed for other, mailed in account.mails.items() if other != key}
        fresh = replace(account, mails=others, standing=standing(account, self._policy, now))
        mail = next((one for one in due_messages(fresh, self._policy, now) if one.key == key), None)
        if mail is None:
            return "its reason was gone"
        return (
            "its time was over" if mail.missed else "its time had not come" if mail.at > now else ""
        )
