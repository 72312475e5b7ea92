"""Do what the people system tells: who unsubscribed there, which milestones were reached, and which
contacts were deleted, archived or merged.
"""

from collections.abc import Callable

from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountNotFound, ConcurrentUpdate
from chalicelib.domain.ids import well_formed
from chalicelib.domain.people.consent import LIFECYCLE, REMEMBERED, decide
from chalicelib.domain.people.contact import mode_of_stage
from chalicelib.domain.people.contact_news import after_contact
from chalicelib.domain.people.heard import ConsentHeard, ContactHeard, EventHeard, Heard
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.people import INTERCOM, event_key
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.usecases.accounts.record import record_consent, record_milestone
from chalicelib.usecases.fan_out import note_contact
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.values import frozen, replace

TRIES = 3
"""How often what is known of a person is read again, since somebody else has written it."""


@frozen
class Outcome:
    """The result: whether it was `taken`, and the reason if it was not."""

    taken: bool
    reason: str = ""


def hear(heard: Heard | None, policy: PeoplePolicy, services: Services) -> Outcome:
    """Apply what was reported, or say why not. A repeated report changes nothing. Raises
    InvalidInput, TooMany, Unavailable.
    """
    if heard is None:
        outcome = Outcome(False, "not_followed")
    elif isinstance(heard, EventHeard):
        outcome = _event(heard, policy, services)
    elif isinstance(heard, ContactHeard):
        outcome = _contact(heard, policy, services)
    else:
        outcome = _consent(heard, policy, services)
    if not outcome.taken and outcome.reason != "same":  # our own writes come back as that
        services.metrics.count("PeopleWebhooksIgnored", 1)
    return outcome


def _event(heard: EventHeard, policy: PeoplePolicy, services: Services) -> Outcome:
    milestone = policy.milestones.get(event_key(heard.name))
    if milestone is None:
        return Outcome(False, "no_milestone")
    account = _account_of(heard, services)
    if account is None:
        return Outcome(False, "no_account")
    record_milestone(account.id, milestone, heard.at, services, heard.by)
    return Outcome(True)


def _account_of(heard: EventHeard, services: Services) -> Account | None:
    accounts = services.stores.accounts
    for id in heard.people:
        found = accounts.load(id) if well_formed(id) else None
        if found is None and heard.by_external_id:
            found = accounts.with_external_id(id)
        if found:
            return found
    return None


def _consent(heard: ConsentHeard, policy: PeoplePolicy, services: Services) -> Outcome:
    if _is_of_other_mode(heard, services):
        return Outcome(False, "other_mode")
    taken = False

    def attempt() -> Outcome:
        nonlocal taken
        try:
            account = require_account(heard.account_id, services.stores.accounts)
        except AccountNotFound:
            return Outcome(False, "no_account")
        person = services.stores.persons.load(account.id) or Person()
        decision = decide(heard, account, person, policy)
        if decision == "taken":
            taken = True
            record_consent(account, LIFECYCLE, not heard.unsubscribed, services, heard.at, INTERCOM)
        if decision in REMEMBERED:
            after = _after(person, heard, taken or account.unsubscribed.get(LIFECYCLE) == heard.at)
            services.stores.persons.save(account.id, person, after)
        return Outcome(taken, "" if taken else decision)

    return _retried(attempt)


def _contact(heard: ContactHeard, policy: PeoplePolicy, services: Services) -> Outcome:
    if policy.to != INTERCOM:
        return Outcome(False, "not_followed")
    if _is_of_other_mode(heard, services):
        return Outcome(False, "other_mode")
    try:
        account = require_account(heard.account_id, services.stores.accounts)
    except AccountNotFound:
        return Outcome(False, "no_account")

    def attempt() -> Outcome:
        person = services.stores.persons.load(account.id) or Person()
        decision, after = after_contact(heard, person)
        if decision != "taken":
            return Outcome(False, decision)
        services.stores.timeline.put([_entry(heard)])
        if heard.change == "merged":  # what the other one was is to become what the account is
            note_contact(account, "merged", services)
        services.stores.persons.save(account.id, person, after)
        return Outcome(True)

    return _retried(attempt)


def _retried(attempt: Callable[[], Outcome]) -> Outcome:
    """What `attempt` returns, which reads what is known of a person and saves it. If that system is
    written to at this moment, it runs again. Raises ConcurrentUpdate if the last one loses too.
    """
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except ConcurrentUpdate:
            continue
    return attempt()


def _entry(heard: ContactHeard) -> Entry:
    about = {"by": INTERCOM, "contact": heard.contact_id}
    id, type = f"{heard.contact_id}.{heard.change}", f"contact.{heard.change}"
    return Entry(heard.account_id, heard.at, "people", id, type, about)


def _is_of_other_mode(heard: ConsentHeard | ContactHeard, services: Services) -> bool:
    return bool(heard.mode) and heard.mode != mode_of_stage(services.livemode is True)


def _after(person: Person, heard: ConsentHeard, took_effect: bool) -> Person:
    """What is known of a person then. A repeat finds the effect of one that failed halfway. What
    is not as we wrote it is written anew with the next change.
    """
    left_there = person.left_there_at
    if took_effect:
        left_there = heard.at if heard.unsubscribed else None
    return replace(
        person,
        digest=person.digest if person.told is heard.unsubscribed else "",
        heard=heard.unsubscribed,
        heard_at=heard.at,
        left_there_at=left_there,
        version=person.version + 1,
    )
