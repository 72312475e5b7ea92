"""What speaks Segment's HTTP API, as a people system."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import ATTRIBUTES, Contact
from chalicelib.domain.people.events import PersonEvent
from chalicelib.domain.people.segment import (
    Message,
    alias,
    batches,
    forgotten,
    group,
    identify,
    track,
)
from chalicelib.domain.people.state import Person, is_down
from chalicelib.usecases.webhooks.people.system import Call, ContactRefused, SystemDown, Written
from chalicelib.values import replace

TRAITS = ("email", "name", "createdAt", "unsubscribedFromEmails", *ATTRIBUTES)


class Segment:
    """Calls it. Almost everything is answered with 200 there, also what is dropped later."""

    takes_many = True

    def __init__(self, call: Call, now: Callable[[], datetime]) -> None:
        self._call, self._now = call, now
        self.last_answer = CallAnswer(200)

    def write(self, contact: Contact, person: Person) -> Written:
        """See PeopleSystem."""
        about = (identify(contact, self._now()), group(contact, self._now()))
        self._send(message for message in about if message)
        return Written(replace(person, id=contact.account_id))

    def tell(self, contact: Contact, events: Sequence[PersonEvent]) -> None:
        """See PeopleSystem."""
        self._send(track(contact.account_id, event) for event in events)

    def take_leads(self, contact: Contact, person: Person) -> None:
        """See PeopleSystem: there are none."""

    def archive(self, person: Person) -> bool:
        """See PeopleSystem: it cannot do so."""
        return False

    def revive(self, person: Person) -> None:
        """See PeopleSystem: nothing is archived there."""

    def join(self, account_id: str, person_id: str, into: str, mode: str) -> None:
        """See PeopleSystem: an `alias` tells that both are one."""
        self._send([alias(account_id, into, self._now())])

    def forget(self, account_id: str, person_id: str, mode: str) -> None:
        """See PeopleSystem: traits become null. A deletion is made by hand at Segment."""
        self._send([forgotten(account_id, TRAITS, self._now())])

    def _send(self, messages: Iterable[Message]) -> None:
        for batch in batches(messages):
            answer = self.last_answer = self._call("POST", "/v1/batch", {"batch": batch})
            if is_down(answer):
                raise SystemDown(answer)
            if not answer.succeeded:
                raise ContactRefused(answer.error or "It was refused.")
