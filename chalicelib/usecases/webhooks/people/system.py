"""What every people system can do, and how a call to one fails."""

from collections.abc import Callable, Sequence
from typing import Protocol

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import Contact
from chalicelib.domain.people.events import PersonEvent
from chalicelib.domain.people.state import Person
from chalicelib.values import frozen

Call = Callable[[str, str, object], CallAnswer]
"""(method, path, body as JSON or None) → the answer."""


class SystemDown(Exception):
    """The system is limited, down, or refuses the token: everything waits."""

    def __init__(self, answer: CallAnswer) -> None:
        super().__init__(answer.error)
        self.answer = answer


class WorkspaceRefused(SystemDown):
    """No contact can be written until somebody changes the workspace. The text says what."""

    def __init__(self, answer: CallAnswer, why: str) -> None:
        super().__init__(answer)
        self.args = (why,)


class ContactRefused(Exception):
    """The contact is not taken as it is. The text says why, for people."""


class ContactMissing(ContactRefused):
    """There is no such contact any more, though it was written once."""


class OtherMode(ContactRefused):
    """The contact is of Stripe's other mode: two stages write into one workspace."""


class NotYet(Exception):
    """The contact cannot be written now, but perhaps in some minutes. The text says why."""


@frozen
class Written:
    """A contact that was written: what is known of the person now, and a remark for the timeline
    where something was found that a person should know.
    """

    person: Person
    remark: str = ""


class PeopleSystem(Protocol):
    """Intercom, or what speaks Segment's HTTP API. Every call raises SystemDown."""

    @property
    def last_answer(self) -> CallAnswer:
        """The answer to the last call, whose headers say how much of the limit is left."""

    @property
    def takes_many(self) -> bool:
        """Whether one call tells many events, and a repeat of one does no harm."""

    def write(self, contact: Contact, person: Person) -> Written:
        """Make the contact what it should be. Raises ContactRefused, NotYet."""

    def tell(self, contact: Contact, events: Sequence[PersonEvent]) -> None:
        """Tell events of a person who was written, in their order. Raises ContactRefused with the
        reason if the person or an event is not taken, ContactMissing if the person is gone there.
        """

    def take_leads(self, contact: Contact, person: Person) -> None:
        """Join what visitors of the same address, which is proved, have left there. Does nothing in
        a system without leads.
        """

    def archive(self, person: Person) -> bool:
        """Put a contact away, so that it is written to no more; it can come back. False in a system
        that cannot do so. Raises ContactRefused.
        """

    def revive(self, person: Person) -> None:
        """Bring an archived contact back."""

    def join(self, account_id: str, person_id: str, into: str, mode: str) -> None:
        """The account is gone, since the account `into` has taken it in. A contact of another mode
        than this one is not the account's, and is left alone. Raises ContactRefused.
        """

    def forget(self, account_id: str, person_id: str, mode: str) -> None:
        """Delete the person for good; `mode` as in `join`. Raises ContactRefused."""
