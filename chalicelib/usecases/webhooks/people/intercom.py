"""Intercom as a people system."""

from collections.abc import Sequence
from urllib.parse import quote

from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import Contact
from chalicelib.domain.people.events import PersonEvent
from chalicelib.domain.people.intercom import (
    contact_body,
    error_of,
    event_body,
    holder_of,
    id_of,
    ids_of,
    is_about_attributes,
    is_archived,
    is_free,
    leads_query,
    merged_into,
    mode_of,
    other_id,
)
from chalicelib.domain.people.state import Person
from chalicelib.usecases.webhooks.people.system import (
    Call,
    ContactMissing,
    ContactRefused,
    NotYet,
    OtherMode,
    SystemDown,
    Written,
)
from chalicelib.usecases.webhooks.people.workspace import Workspace, unreadable
from chalicelib.values import replace

MOST_MERGES = 3
"""How often a contact that was merged into another one is followed."""

OTHERS_ADDRESS = "Another contact at Intercom has this address: the account's own has none there."

UNPROVED = (
    "Another contact at Intercom has this address, and nobody has proved that it is the account's:"
    " its own contact has none there until then."
)


class Intercom:
    """Calls Intercom. `revive` says whether a contact that was archived there comes back."""

    takes_many = False

    def __init__(self, call: Call, revive: bool = True) -> None:
        self.workspace, self._revive = Workspace(call), revive
        self._call = self.workspace.call

    @property
    def last_answer(self) -> CallAnswer:
        """See PeopleSystem."""
        return self.workspace.last_answer

    def write(self, contact: Contact, person: Person) -> Written:
        """See PeopleSystem. A contact of the same address without an id of ours is adopted, once
        the address is known to be the customer's; one that has another id is somebody else's. Until
        then, or beside that, ours is made without an address. One of the other mode is left alone.
        What we archived is left as it is while the customer is gone.
        """
        if person.archived and contact.is_gone:
            return Written(person)
        if person.archived and person.id:
            self.revive(person)
        written = self._written(contact, person)
        after = replace(written.person, archived=False, named=bool(contact.name))
        return replace(written, person=after)

    def tell(self, contact: Contact, events: Sequence[PersonEvent]) -> None:
        """See PeopleSystem. Repeats of one second are ignored there."""
        for event in events:
            answer = self._call("POST", "/events", event_body(contact.account_id, event))
            if answer.code == 404:
                raise ContactMissing(error_of(answer) or "There is no such contact.")
            _taken(answer)

    def take_leads(self, contact: Contact, person: Person) -> None:
        """See PeopleSystem: Intercom merges a lead into a user, with its conversations."""
        found = self._call("POST", "/contacts/search", leads_query(contact.email or ""))
        for lead in ids_of(found):
            self._call("POST", "/contacts/merge", {"from": lead, "into": person.id})

    def archive(self, person: Person) -> bool:
        """See PeopleSystem."""
        answer = self._call("POST", f"/contacts/{person.id}/archive", None)
        if answer.code not in (404, 410):
            _taken(answer)
        return True

    def revive(self, person: Person) -> None:
        """See PeopleSystem."""
        self._call("POST", f"/contacts/{person.id}/unarchive", None)

    def join(self, account_id: str, person_id: str, into: str, mode: str) -> None:
        """See PeopleSystem: the contact is archived. Intercom merges no users, only leads into one
        (developers.intercom.com, merge a lead and a user).
        """
        if not (id := person_id):
            found = self._find(account_id)
            id = "" if _is_of_other(mode, found) else id_of(found) or ""
        if id:
            self.archive(Person(id))

    def forget(self, account_id: str, person_id: str, mode: str) -> None:
        """See PeopleSystem. An archived contact is found by Intercom's own id alone. One that was
        merged into another account's is left: its data are that account's now. So is one of the
        other mode, which this stage has never written.
        """
        if person_id:
            answer = self._call("DELETE", f"/contacts/{person_id}", None)
            if answer.code not in (404, 410):
                _taken(answer)
                return
        found = self._find(account_id)
        id = id_of(found)
        if other := merged_into(found):
            found = theirs = self._call("GET", f"/contacts/{other}", None)
            if holder_of(theirs) not in (None, account_id):
                raise ContactRefused(_merged(other, holder_of(theirs)))
            id = other
        if id and not _is_of_other(mode, found):
            answer = self._call("DELETE", f"/contacts/{id}", None)
            if answer.code not in (404, 410):
                _taken(answer)

    def _written(self, contact: Contact, person: Person) -> Written:
        if person.waits_for_proof and contact.may_adopt and person.id:
            person = self._without_own(contact, person)
        if person.id and (changed := self._changed(person.id, contact, person)):
            return changed
        found = self._find(contact.account_id)
        id = id_of(found)
        if id:
            self._check_mode(found, contact)
        elif other := merged_into(found):
            id = self._followed(other, contact)
        if id and (changed := self._changed(id, contact, person)):
            return changed
        if contact.is_gone:  # nobody needs a contact that is archived at once
            return Written(person)
        return self._made(contact, person)

    def _find(self, account_id: str) -> CallAnswer:
        found = self._call("GET", f"/contacts/find_by_external_id/{quote(account_id, '')}", None)
        if found.succeeded and not id_of(found):
            raise SystemDown(unreadable())
        return found

    def _followed(self, other: str, contact: Contact) -> str:
        """The id of the contact that ours was merged into, if it may be the account's."""
        theirs = self._call("GET", f"/contacts/{other}", None)
        holder = holder_of(theirs)
        if holder not in (None, contact.account_id):
            raise ContactRefused(_merged(other, holder))
        self._check_mode(theirs, contact)
        return other

    def _changed(self, id: str, contact: Contact, person: Person) -> Written | None:
        """The contact of this id, changed; None if there is none any more."""
        for _ in range(MOST_MERGES):
            body = contact_body(contact, True, person.named, person.is_ours_to_subscribe)
            answer = self._with_attributes("PUT", f"/contacts/{id}", contact, body)
            other = merged_into(answer)
            if other is None:
                break
            id = self._followed(other, contact)
        if answer.code in (404, 410):
            return None
        if answer.code == 409 and contact.email:
            # The new address is another contact's: this one goes on without it.
            waits = person.waits_for_proof and not contact.may_adopt
            remark = UNPROVED if waits else OTHERS_ADDRESS
            return self._apart("PUT", f"/contacts/{id}", contact, person, remark)
        _taken(answer)
        found = id_of(answer) or id
        return Written(replace(person, id=found, without_email=False, waits_for_proof=False))

    def _apart(
        self, method: str, path: str, contact: Contact, person: Person, remark: str
    ) -> Written:
        """The contact, written without its address."""
        resubscribes = method == "POST" or person.is_ours_to_subscribe
        body = contact_body(contact, False, person.named, resubscribes)
        answer = self._with_attributes(method, path, contact, body)
        _taken(answer)
        id = id_of(answer) or (person.id if method == "PUT" else "")
        if not id:
            raise SystemDown(unreadable())
        after = replace(person, id=id, without_email=True, waits_for_proof=remark == UNPROVED)
        return Written(after, remark)

    def _without_own(self, contact: Contact, person: Person) -> Person:
        """The person without the contact that was made beside the one of their address, if that is
        nobody else's: it gets the account's id then, and no two can have it.
        """
        other = other_id(self._call("PUT", f"/contacts/{person.id}", {"email": contact.email}))
        theirs = self._call("GET", f"/contacts/{other}", None) if other else CallAnswer(404)
        if not is_free(theirs) or _is_of_other(contact.mode, theirs):
            return person
        answer = self._call("DELETE", f"/contacts/{person.id}", None)
        if answer.code not in (404, 410):
            _taken(answer)
        return replace(person, id="", named=False)

    def _made(self, contact: Contact, person: Person) -> Written:
        answer = self._with_attributes("POST", "/contacts", contact, contact_body(contact))
        if answer.code != 409:
            _taken(answer)
            if not (id := id_of(answer)):
                raise SystemDown(unreadable())
            return Written(replace(person, id=id, without_email=False, waits_for_proof=False))
        if other := other_id(answer):
            return self._beside(other, contact, person)
        raise NotYet(error_of(answer) or "Another contact is in the way.")

    def _beside(self, other: str, contact: Contact, person: Person) -> Written:
        """After a 409: the contact of that id has our external id or our address."""
        theirs = self._call("GET", f"/contacts/{other}", None)
        if into := merged_into(theirs):
            other = into
            theirs = self._call("GET", f"/contacts/{other}", None)
        if holder_of(theirs) not in (None, contact.account_id):
            remark = (
                f"The contact {other} at Intercom has this address and another id: the account's"
                " own has no address there."
            )
            return self._apart("POST", "/contacts", contact, person, remark)
        if holder_of(theirs) is None and not contact.may_adopt:
            return self._apart("POST", "/contacts", contact, person, UNPROVED)
        self._check_mode(theirs, contact)
        is_there = theirs.succeeded and not is_archived(theirs)
        if is_there and (changed := self._changed(other, contact, person)):
            return changed
        if not self._revive:
            raise ContactRefused("The contact was archived at Intercom.")
        self._call("POST", f"/contacts/{other}/unarchive", None)
        if changed := self._changed(other, contact, person):
            return changed
        raise NotYet(f"The contact {other} at Intercom is in the way, and cannot be found.")

    def _check_mode(self, answer: CallAnswer, contact: Contact) -> None:
        if _is_of_other(contact.mode, answer):
            raise OtherMode(f"The contact at Intercom is of the {mode_of(answer)} mode.")

    def _with_attributes(
        self, method: str, path: str, contact: Contact, body: object
    ) -> CallAnswer:
        answer = self._call(method, path, body)
        if is_about_attributes(answer) and self.workspace.make_attributes(contact.attributes):
            return self._call(method, path, body)
        return answer


def _is_of_other(mode: str, answer: CallAnswer) -> bool:
    """Whether the contact in an answer is of another mode than this one."""
    return mode_of(answer) not in (None, "", mode)


def _merged(other: str, holder: str | None) -> str:
    return (
        f"The contact was merged at Intercom into {other}, which belongs to {holder}: give"
        f" {other} no external id, or leave it."
    )


def _taken(answer: CallAnswer) -> None:
    if not answer.succeeded:
        raise ContactRefused(error_of(answer) or answer.error or "It was refused.")
