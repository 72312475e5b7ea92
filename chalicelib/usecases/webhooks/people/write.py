"""Write the contact of an account into the people system, as the account is now."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.people.contact import LONGEST_TEXT, Contact, contact
from chalicelib.domain.people.deliveries import OTHER_MODE
from chalicelib.domain.people.state import PeopleState, Person, having_heard
from chalicelib.usecases.messages import SendEndpointNotice
from chalicelib.usecases.ports.outgoing import PersonStore
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.people.system import ContactRefused, OtherMode, PeopleSystem
from chalicelib.values import frozen, replace


@frozen
class People:
    """What telling needs beside the services. `suppressed` says whether an address gets no mail;
    `pause` waits for some seconds.
    """

    system: PeopleSystem
    persons: PersonStore
    suppressed: Callable[[str], bool]
    pause: Callable[[float], None]
    has_time: Callable[[], bool]


def contact_of(account: Account, services: Services, people: People) -> Contact:
    """The contact of an account as it is now."""
    email = account.email
    suppressed = bool(email) and people.suppressed(email or "")
    now, live = services.clock.now(), services.livemode is True
    return contact(account, services.policy, live, now, suppressed)


def write_contact(
    account: Account, services: Services, people: People, again: bool = False
) -> tuple[Contact, Person, str | None]:
    """The contact as it is written now, what is known of the person, and why the contact was
    refused, if it was. Calls nothing for a contact that was written or refused as it is, unless it
    is to be written `again`. Raises SystemDown, NotYet, Unavailable.
    """
    known = contact_of(account, services, people)
    person = people.persons.load(account.id) or Person()
    if person.digest == known.digest and not again and not _may_have_its_own(known, person):
        return known, _with_leads(known, person, people), None
    if person.refused == known.digest and not again:
        return known, person, person.reason
    try:
        written = people.system.write(known, person)
    except ContactRefused as refusal:
        _note("contact.refused", str(refusal), person, known, services)
        if isinstance(refusal, OtherMode):
            _tell_operators_of_mode(services)
        after = replace(person, refused=known.digest, reason=str(refusal))
        kept = _keep(account.id, person, after, people)
        services.metrics.count("PeopleRefused", 1)
        return known, kept, str(refusal)
    _note("contact.noted", written.remark, person, known, services)
    after = replace(written.person, digest=known.digest, refused="", reason=written.remark)
    if not known.unsubscribed:
        after = replace(after, left_there_at=None)
    if after.told is not known.unsubscribed:
        after = replace(after, told=known.unsubscribed, told_at=services.clock.now())
    return known, _with_leads(known, _keep(account.id, person, after, people), people), None


def _note(type: str, what: str, before: Person, known: Contact, services: Services) -> None:
    """Put onto the timeline what a person should know of the contact, unless it was so before."""
    if what and what != before.reason:
        now, text = services.clock.now(), what[:LONGEST_TEXT]
        id = f"{type}.{sha256(text.encode()).hexdigest()[:8]}"
        entry = Entry(known.account_id, now, "people", id, type, {"note": text})
        services.stores.timeline.put([entry])


def _tell_operators_of_mode(services: Services) -> None:
    """Once for all contacts: who is at it looks at all of them."""
    states = services.stores.job_states
    state = states.load(PeopleState) or PeopleState()
    if state.told_of_mode:
        return
    if services.policy.team and services.policy.mail:
        at = services.clock.now().isoformat()
        services.queues.mail.send(SendEndpointNotice(OTHER_MODE, at).dump())
    with suppress(ConcurrentUpdate):  # another run has called meanwhile: the next contact notes it
        states.save(state, replace(state, told_of_mode=True, version=state.version + 1))


def _may_have_its_own(known: Contact, person: Person) -> bool:
    """Whether the address has been proved since the contact was made without it."""
    return person.waits_for_proof and known.may_adopt


def archive_if_gone(known: Contact, person: Person, people: People) -> None:
    """Put away the contact of a customer who is gone, after the last event. Raises SystemDown,
    ContactRefused, Unavailable.
    """
    if known.is_gone and person.id and not person.archived and people.system.archive(person):
        _keep(known.account_id, person, replace(person, archived=True), people)


def revived(account_id: str, person: Person, people: People) -> Person:
    """The person, whose contact we had archived, brought back for what came late. Raises
    SystemDown, Unavailable.
    """
    people.system.revive(person)
    return _keep(account_id, person, replace(person, archived=False), people)


def _with_leads(known: Contact, person: Person, people: People) -> Person:
    """Join the leads of the address, once it is proved: till then, whoever typed it into a form
    would get the conversations of its owner.
    """
    if not (known.proved and known.email and person.id) or person.without_email or known.is_gone:
        return person
    mark = sha256(known.email.lower().encode()).hexdigest()[:12]
    if person.leads == mark:
        return person
    people.system.take_leads(known, person)
    return _keep(known.account_id, person, replace(person, leads=mark), people)


def _keep(account_id: str, before: Person, after: Person, people: People) -> Person:
    kept = replace(after, version=before.version + 1)
    try:
        people.persons.save(account_id, before, kept)
    except ConcurrentUpdate:
        found = people.persons.load(account_id)
        if found and _heard(found) != _heard(before):  # that system told something meanwhile
            kept = having_heard(before, kept, found)
            with suppress(ConcurrentUpdate):
                people.persons.save(account_id, found, kept)
        # Else another run wrote the same account.
    return kept


def _heard(person: Person) -> tuple[datetime | None, datetime | None]:
    return person.heard_at, person.contact_heard_at
