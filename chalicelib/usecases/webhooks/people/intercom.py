"""Intercom as a people system."""

from collections.abc import Sequence
from urllib.parse import quote

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import Contact
from chalicelib.domain.people.events import PersonEvent
from chalicelib.domain.people.intercom import (
    attribute_bodies,
    contact_body,
    error_of,
    event_body,
    has_attribute_already,
    id_of,
    json_of,
    lacks_attribute,
    merged_into,
    mode_of,
    other_id,
)
from chalicelib.domain.people.state import Person, is_down
from chalicelib.usecases.webhooks.people.system import Call, ContactRefused, SystemDown, Written
from chalicelib.values import replace


class Intercom:
    """Calls Intercom. `revive` says whether a contact that was archived there comes back."""

    def __init__(self, call: Call, revive: bool = True) -> None:
        self._plain_call, self._revive = call, revive

    def write(self, contact: Contact, person: Person) -> Written:
        """See PeopleSystem. A contact of the same address without an id of ours is adopted; one
        that has another id is somebody else's, and ours is made without an address. One of the
        other mode is left alone.
        """
        if person.archived and not contact.is_gone and person.id:
            self._call("POST", f"/contacts/{person.id}/unarchive", None)
        written = self._written(contact, person)
        if contact.is_gone:
            self._taken(self._call("POST", f"/contacts/{written.person.id}/archive", None))
        return replace(written, person=replace(written.person, archived=contact.is_gone))

    def tell(self, contact: Contact, events: Sequence[PersonEvent]) -> None:
        """See PeopleSystem. Repeats of one second are ignored there."""
        for event in events:
            self._taken(self._call("POST", "/events", event_body(contact.account_id, event)))

    def forget(self, account_id: str, person_id: str) -> None:
        """See PeopleSystem. An archived contact is found by Intercom's own id alone."""
        id = person_id
        if not id:
            found = self._call("GET", f"/contacts/find_by_external_id/{quote(account_id)}", None)
            id = merged_into(found) or (id_of(found) if found.succeeded else None) or ""
        if id:
            gone = self._call("DELETE", f"/contacts/{id}", None)
            if gone.code != 404:
                self._taken(gone)

    def make_attributes(self) -> None:
        """Make the attributes, of which some may be there. Raises SystemDown, ContactRefused."""
        for body in attribute_bodies():
            answer = self._call("POST", "/data_attributes", body)
            if not has_attribute_already(answer):
                self._taken(answer)

    def _written(self, contact: Contact, person: Person) -> Written:
        if person.id:
            changed = self._changed(person.id, contact, person)
            if changed:
                return changed
        found = self._call(
            "GET", f"/contacts/find_by_external_id/{quote(contact.account_id)}", None
        )
        if id := merged_into(found) or (id_of(found) if found.succeeded else None):
            self._check_mode(found, contact)
            changed = self._changed(id, contact, person)
            if changed:
                return changed
        return self._made(contact, person)

    def _changed(self, id: str, contact: Contact, person: Person) -> Written | None:
        """The contact of this id, changed; None if there is none any more."""
        body = contact_body(contact, with_email=not person.without_email)
        answer = self._with_attributes("PUT", f"/contacts/{id}", body)
        if other := merged_into(answer):
            return self._changed(other, contact, person)
        if answer.code == 404:
            return None
        if answer.code == 409 and not person.without_email:
            # The new address is another contact's: this one goes on without it.
            return self._apart(id, contact, person)
        self._taken(answer)
        return Written(replace(person, id=id_of(answer) or id))

    def _apart(self, id: str, contact: Contact, person: Person) -> Written:
        body = contact_body(contact, with_email=False)
        self._taken(self._with_attributes("PUT", f"/contacts/{id}", body))
        return Written(
            replace(person, id=id, without_email=True),
            "Another contact at Intercom has this address: the account's own has none there.",
        )

    def _made(self, contact: Contact, person: Person) -> Written:
        answer = self._with_attributes("POST", "/contacts", contact_body(contact))
        if answer.code != 409:
            self._taken(answer)
            return Written(replace(person, id=id_of(answer) or "", without_email=False))
        other = other_id(answer)
        if other is None:
            raise ContactRefused(error_of(answer))
        return self._beside(other, contact, person)

    def _beside(self, other: str, contact: Contact, person: Person) -> Written:
        """After a 409: the contact of that id has our external id or our address."""
        theirs = self._call("GET", f"/contacts/{other}", None)
        held = json_of(theirs).get("external_id") if theirs.succeeded else None
        if theirs.succeeded and held not in (None, "", contact.account_id):
            answer = self._with_attributes("POST", "/contacts", contact_body(contact, False))
            self._taken(answer)
            return Written(
                replace(person, id=id_of(answer) or "", without_email=True),
                f"The contact {other} at Intercom has this address and another id: the account's"
                " own has no address there.",
            )
        self._check_mode(theirs, contact)
        if theirs.code == 404 or json_of(theirs).get("archived") is True:
            if not self._revive:
                raise ContactRefused("The contact was archived at Intercom.")
            self._call("POST", f"/contacts/{other}/unarchive", None)
        changed = self._changed(other, contact, person)
        if changed is None:
            raise ContactRefused(f"The contact {other} at Intercom cannot be changed.")
        return changed

    def _check_mode(self, answer: CallAnswer, contact: Contact) -> None:
        ours, theirs = contact.attributes.get("billing_mode"), mode_of(answer)
        if ours and theirs and theirs != ours:
            raise ContactRefused(f"The contact at Intercom is of the {theirs} mode.")

    def _with_attributes(self, method: str, path: str, body: object) -> CallAnswer:
        answer = self._call(method, path, body)
        if not lacks_attribute(answer):
            return answer
        self.make_attributes()
        return self._call(method, path, body)

    def _call(self, method: str, path: str, body: object) -> CallAnswer:
        answer = self._plain_call(method, path, body)
        if is_down(answer):
            raise SystemDown(answer)
        return answer

    def _taken(self, answer: CallAnswer) -> None:
        if not answer.succeeded:
            raise ContactRefused(error_of(answer) or answer.error or "It was refused.")
