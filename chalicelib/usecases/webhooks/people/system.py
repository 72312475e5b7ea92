"""What every people system can do, and how a call to one fails."""

from collections.abc import Callable, Sequence
from typing import Protocol

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import Contact
from chalicelib.domain.people.events import PersonEvent
from chalicelib.domain.people.state import Person
from chalicelib.values import frozen

Call = Callable[[str, str, object], CallAnswer]
"""(method, path, body as JSON or None) → what came of it."""


class SystemDown(Exception):
    """The system is limited, down, or refuses the token: everything waits."""

    def __init__(self, answer: CallAnswer) -> None:
        super().__init__(answer.error)
        self.answer = answer


class ContactRefused(Exception):
    """The contact is not taken as it is. The text says why, for people."""


@frozen
class Written:
    """A contact that was written: what is known of the person now, and a remark for the timeline
    where something was found that a person should know.
    """

    person: Person
    remark: str = ""


class PeopleSystem(Protocol):
    """Intercom, or what speaks Segment's HTTP API. Every call raises SystemDown."""

    def write(self, contact: Contact, person: Person) -> Written:
        """Make the contact what it should be. Raises ContactRefused."""

    def tell(self, contact: Contact, events: Sequence[PersonEvent]) -> None:
        """Tell events of a person who was written, in their order. Raises ContactRefused with the
        reason if the person or an event is not taken.
        """

    def forget(self, account_id: str, person_id: str) -> None:
        """Delete the person for good. Raises ContactRefused."""
