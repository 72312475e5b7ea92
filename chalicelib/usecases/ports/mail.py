"""Sending mail, and what decides whether a message may go out."""

from datetime import date, datetime
from typing import Protocol

from chalicelib.domain.messaging.email_message import EmailMessage, SendClaim
from chalicelib.domain.messaging.mail_counts import MailCount
from chalicelib.domain.messaging.mailbox_limits import Mailbox


class Mailer(Protocol):
    """SES."""

    def send(self, message: EmailMessage) -> str:
        """SES's id of the message, after one attempt. Raises MailRefused, MailOutcomeUnknown, and
        Unavailable if SES does not accept the message now.
        """

    def wait_for_capacity(self) -> None:
        """Wait until the rate allows one more message. Raises Unavailable over the daily quota, or
        while sending is paused.
        """


class SendClaims(Protocol):
    """The records under which messages are claimed."""

    def load(self, account_id: str, key: str) -> SendClaim | None:
        """The claim, if there is one."""

    def take(self, claim: SendClaim, before: SendClaim | None) -> None:
        """Claim, where there is no claim or it still is `before`. Raises ConcurrentUpdate."""

    def confirm(self, claim: SendClaim, message_id: str) -> None:
        """SES has taken it."""

    def drop(self, claim: SendClaim) -> None:
        """SES has said that it did not take it: it may be claimed again."""


class Suppressions(Protocol):
    """The addresses that must not be written to; see aws/mail/suppressions.py."""

    def add(
        self,
        email: str,
        reason: str,
        at: datetime,
        message_id: str = "",
        about_a_notice: bool = False,
    ) -> None:
        """Suppress the address after a `bounce`, or after a `complaint` about the message of this
        id (domain/messaging/suppression.py). Raises Unavailable.
        """

    def mark(self, email: str) -> str:
        """The hash that stands for the address in a claim."""


class LiftableSuppressions(Protocol):
    """A list of addresses that must not be written to: the table's, or SES's own."""

    def lift(self, email: str) -> bool:
        """Write to the address again; False if it was not on the list. Raises Unavailable,
        Refused.
        """


class MailboxStore(Protocol):
    """The mail that visitors caused, by the identity of the mailbox; see aws/rate_counters.py."""

    def load(self, identity: str) -> Mailbox:
        """What counts; empty if nothing does."""

    def save(self, identity: str, old: Mailbox, new: Mailbox, now: datetime) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate, Unavailable."""


class MailCountStore(Protocol):
    """Counts of messages by week and step; see aws/mail/mail_counts.py."""

    def count(self, week: date, step: str, name: str) -> None:
        """Add one to a number (of COUNTED) of a step in the week from that Monday on. Raises
        Unavailable.
        """

    def of_weeks(self, first: date, last: date) -> list[MailCount]:
        """The counts of the weeks from the Monday `first` to the Monday `last`. Raises
        Unavailable.
        """
