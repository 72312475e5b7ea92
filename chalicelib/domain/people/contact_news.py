"""What becomes of a person whose contact was deleted, archived or merged at Intercom.

Only what is kept of the contact changes: the account stays, and so does its data. A contact that is
deleted there is no erasure here, since nobody has asked for one; who wants both erases the account.
"""

from typing import Literal

from chalicelib.domain.people.heard import ContactHeard
from chalicelib.domain.people.state import Person
from chalicelib.values import replace

ContactDecision = Literal["taken", "same", "older"]
"""`taken` changes what is known of the person. `same` is no news: our own call, or known already.
`older` is about a contact of before, or overtaken by something newer.
"""


def after_contact(heard: ContactHeard, person: Person) -> tuple[ContactDecision, Person]:
    """Whether it is news, and what is known of the person then.

    The id of a deleted contact is forgotten, so the next write makes one. That of an archived one
    is kept, as nothing else finds it: the next write brings it back. After a merge the next write
    looks for the contact by the account's id and keeps what it finds: the id that is told here is
    not written to unseen, since it may be somebody else's. In each case the next change of the
    account is written, also if it looks as the last one that was written.
    """
    known_at = person.contact_heard_at
    if known_at and heard.at < known_at:
        return "older", person
    if heard.change == "merged":
        if heard.contact_id in ("", person.id):  # a lead went into it, perhaps by our own call
            return "same", person
        return "taken", _with_news(heard, replace(_of_another(person), id=""))
    if not person.id:
        return "same", person
    if heard.contact_id != person.id:
        return "older", person
    if heard.change == "archived":
        if person.archived or heard.at == known_at:
            return "same", person
        return "taken", _with_news(heard, person)
    return "taken", _with_news(heard, replace(_of_another(person), id="", named=False, leads=""))


def _of_another(person: Person) -> Person:
    """Without what was true of the contact of before alone."""
    return replace(person, archived=False, without_email=False, waits_for_proof=False)


def _with_news(heard: ContactHeard, person: Person) -> Person:
    return replace(
        person,
        digest="",
        refused="",
        reason=_SAYS[heard.change],
        contact_heard_at=heard.at,
        version=person.version + 1,
    )


_SAYS = {
    "deleted": "Deleted there by hand. The next event makes a new contact; to erase the customer,"
    " erase the account.",
    "archived": "Archived there by hand.",
    "merged": "Merged there into another contact, which is looked for.",
}
"""What operators read of it."""
