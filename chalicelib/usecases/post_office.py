"""What sending and feedback act on beside the world; see aws/mailer.py, aws/claims.py,
aws/suppressions.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.links import Link
from chalicelib.domain.post import Claim, Letter


class Mailer(Protocol):
    """SES."""

    def send(self, letter: Letter) -> str:
        """SES's id of the message. One attempt. Raises MailRefused, MailUnclear, and Unavailable if
        SES said that it did not take it now.
        """

    def wait_for_room(self) -> None:
        """Return when the pace allows one more. Raises Unavailable over the daily quota, or while
        sending is paused.
        """


class Claims(Protocol):
    """The records under which messages are claimed."""

    def load(self, account_id: str, key: str) -> Claim | None:
        """The claim, if there is one."""

    def take(self, claim: Claim, before: Claim | None) -> None:
        """Claim, where there is no claim or it still is `before`. Raises LostRace."""

    def confirm(self, claim: Claim, message_id: str) -> None:
        """SES has taken it."""

    def drop(self, claim: Claim) -> None:
        """SES has said that it did not take it: it may be claimed again."""


@dataclass(frozen=True, slots=True)
class PostOffice:
    """`suppressed` says whether an address must not be written to; `link` makes a signed link."""

    mailer: Mailer
    claims: Claims
    suppressed: Callable[[str], bool]
    link: Callable[[Link], str]

    def wait_for_room(self) -> None:
        """See Mailer."""
        self.mailer.wait_for_room()
