"""Tell the people system of the accounts that something is due for.

The deliveries queue has one group for it, so one run at a time calls it, and each account's events
go out in order. A delivery stands for an event, for a change of the contact without one, or for an
erasure. Whatever it stands for, the contact is written first, as the account is now: the last state
wins, and a state that was written already costs no call.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.channels import PEOPLE
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.messaging.due_messages import without_its_record
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.people.contact import Contact, mode_of_stage
from chalicelib.domain.people.deliveries import CONTACT_CHANGED, ERASED, JOINED, STEP
from chalicelib.domain.people.events import PersonEvent, apart, is_echo, of_document, of_step
from chalicelib.domain.people.state import (
    DROPPED_AFTER,
    ERASED_WITHIN,
    NOT_YET,
    PeopleState,
    after_answer,
    after_refusal,
)
from chalicelib.domain.webhooks.delivery import (
    Delivery,
    DeliveryKey,
    after_attempt,
    given_up,
    postponed,
)
from chalicelib.usecases.messages import Deliver, SendEndpointNotice
from chalicelib.usecases.services import Services
from chalicelib.usecases.webhooks.documents import end, save, with_documents
from chalicelib.usecases.webhooks.endpoints import wake_endpoint
from chalicelib.usecases.webhooks.people.system import (
    ContactMissing,
    ContactRefused,
    NotYet,
    SystemDown,
    WorkspaceRefused,
)
from chalicelib.usecases.webhooks.people.write import (
    People,
    archive_if_gone,
    revived,
    write_contact,
)
from chalicelib.values import frozen, replace

A_ROUND = 100
"""How many deliveries are read at once."""

STAYS_FOR = timedelta(seconds=15)
"""A run waits so long at most until it may call again. For more, the sweep comes again."""

TAKEN = CallAnswer(200)
OUT_OF_DATE = "The message does not apply any more, or its time is over."
NEVER_MADE = "The customer was gone before there was a contact."
NOT_GONE_YET = timedelta(hours=1)
"""For how long an erasure is waited for whose account is still there."""


@frozen
class Told:
    """What was done for one account, for the log: so many deliveries, and what went wrong."""

    account_id: str
    deliveries: int
    error: str | None = None


def deliver_to_people(message: Deliver, services: Services, people: People) -> list[Told]:
    """Tell what a message names and what else is due. Raises Unavailable; what was not written down
    is told once more then.
    """
    run = _Run(services, people)
    if services.policy.people is None:
        return run.told
    keys: Sequence[DeliveryKey] = message.keys
    while waiting := run.due(keys):
        if not run.is_free(waiting):
            return run.told
        for account_id in dict.fromkeys(one.account_id for one in waiting):
            if not people.has_time():
                wake_endpoint(PEOPLE, services)
                return run.told
            of_account = [one for one in waiting if one.account_id == account_id]
            try:
                run.tell(account_id, of_account)
            except SystemDown as failure:
                run.rest(failure)
                break
            if run.is_limited():
                break
        keys = ()
    return run.told


@dataclass
class _Run:
    services: Services
    people: People
    told: list[Told] = field(default_factory=list)
    done: set[DeliveryKey] = field(default_factory=set)

    def due(self, named: Iterable[DeliveryKey]) -> list[Delivery]:
        """What is due, in the order in which it happened."""
        now = self.services.clock.now()
        stores = self.services.stores
        keys = [*named, *stores.deliveries.due(PEOPLE, now, A_ROUND)]
        new = [key for key in dict.fromkeys(keys) if key not in self.done]
        found = [one for one in stores.deliveries.load(new) if one.is_due(now)]
        self.done.update(key for key in new if key not in {one.key for one in found})
        return sorted(found, key=lambda one: (one.key.at, one.key.event_id))

    def is_free(self, waiting: Sequence[Delivery]) -> bool:
        """Wait until the system may be called; or leave all that waits for later."""
        now = self.services.clock.now()
        free_at = self._state().free_at or now
        if free_at - now > STAYS_FOR:
            for one in waiting:
                self._over(one, postponed(one, free_at))
            return False
        if not self.people.has_time():
            wake_endpoint(PEOPLE, self.services)
            return False
        if free_at > now:
            self.people.pause((free_at - now).total_seconds())
        return True

    def tell(self, account_id: str, waiting: Sequence[Delivery]) -> None:
        """Everything that waits for one account."""
        now = self.services.clock.now()
        late = [one for one in waiting if now - one.created_at > _dropped_after(one)]
        for one in late:
            end(one, "The people system took nothing for three days.", self.services)
            self.done.add(one.key)
        waiting = [one for one in waiting if one not in late]
        account = self.services.stores.accounts.load(account_id)
        if leaving := [one for one in waiting if one.type in (ERASED, JOINED)]:
            self._leave(account, leaving)
            waiting = [one for one in waiting if one not in leaving]
        if not waiting:
            return
        if account is None:
            for one in waiting:
                self._over(one, given_up(one, "The account is gone.", now))
            return
        before = self.people.system.last_answer
        try:
            error = self._tell(account, waiting)
        except NotYet as reason:
            error = str(reason)
            for one in waiting:
                self._over(one, postponed(one, now + NOT_YET))
        if self.people.system.last_answer is not before:
            self._answered(self.people.system.last_answer)
        self.told.append(Told(account_id, len(waiting), error))

    def _tell(self, account: Account, waiting: Sequence[Delivery]) -> str | None:
        known, person, refused = write_contact(account, self.services, self.people)
        at = self.services.clock.now()
        events = self._events(waiting, account)
        error = refused
        if person.archived and any(events.values()):
            person = revived(account.id, person, self.people)
        in_order = sorted(waiting, key=lambda one: _order(one, events.get(one.key)))
        told = self._told_together(known, in_order, events) if person.id and not refused else set()
        for one in in_order:
            event = events.get(one.key)
            if one.type == STEP and event is None:
                self._over(one, given_up(one, OUT_OF_DATE, at))
                continue
            if event is None and one.key in events:  # it is not there yet, and stays due
                self.done.add(one.key)
                continue
            reason = refused
            if event and one.key not in told:
                has_contact = bool(person.id)
                reason = self._told(account, known, event) if has_contact else refused or NEVER_MADE
            error = error or reason
            self._over(one, given_up(one, reason, at) if reason else after_attempt(one, TAKEN, at))
        try:
            archive_if_gone(known, person, self.people)
        except ContactRefused as refusal:  # the next change of the account tries it again
            error = error or str(refusal)
        return error

    def _told_together(
        self,
        known: Contact,
        in_order: Sequence[Delivery],
        events: Mapping[DeliveryKey, PersonEvent | None],
    ) -> set[DeliveryKey]:
        """Those that one call has sent. None if it was refused: then each is sent by itself, so
        that only the wrong one is lost.
        """
        found = {one.key: event for one in in_order if (event := events.get(one.key))}
        if not self.people.system.takes_many or len(found) < 2:
            return set()
        try:
            self.people.system.tell(known, list(found.values()))
        except ContactRefused:
            return set()
        return set(found)

    def _told(self, account: Account, known: Contact, event: PersonEvent) -> str | None:
        """Why the event was refused; None if it was taken. A contact that somebody has deleted or
        archived there since it was written is written once more.
        """
        try:
            try:
                self.people.system.tell(known, [event])
            except ContactMissing:
                _, _, refused = write_contact(account, self.services, self.people, again=True)
                if refused:
                    return refused
                self.people.system.tell(known, [event])
        except ContactMissing as missing:
            raise NotYet(str(missing)) from missing
        except ContactRefused as refusal:
            return str(refusal)
        return None

    def _events(
        self, waiting: Sequence[Delivery], account: Account
    ) -> dict[DeliveryKey, PersonEvent | None]:
        """The events among what waits; None where one cannot be read yet. What the people system
        reported itself is not among them.
        """
        policy = self.services.policy.people
        steps = {
            one.key: of_step(one.key.event_id, *_step_of(one), one.event_at)
            for one in waiting
            if one.type == STEP and self._applies(account, _step_of(one)[0])
        }
        told = [
            one
            for one in waiting
            if one.type not in (STEP, CONTACT_CHANGED)
            and (not policy or not policy.events or one.type in policy.events)
        ]
        read = [(one.key, json.loads(text)) for one, text in with_documents(told, self.services)]
        echoes = {key for key, text in read if policy and is_echo(text, policy.to)}
        events = sorted(
            ((key, of_document(text)) for key, text in read if key not in echoes),
            key=lambda pair: pair[1].sequence,
        )
        spread = apart(event for _, event in events)
        found = dict(zip((key for key, _ in events), spread, strict=True))
        return {**steps, **{key: found.get(key) for one in told if (key := one.key) not in echoes}}

    def _applies(self, account: Account, key: str) -> bool:
        """Whether a message that was handed over may still go: it may have waited for days. The
        hours and limits were kept when it was handed over.
        """
        policy, now = self.services.policy, self.services.clock.now()
        fresh = replace(account, standing=standing(account, policy, now))
        mail = without_its_record(fresh, key, policy, now)
        return mail is not None and now <= mail.until

    def _leave(self, account: Account | None, waiting: Sequence[Delivery]) -> None:
        """Accounts that are erased, or were taken in by another one."""
        now, mode = self.services.clock.now(), mode_of_stage(self.services.livemode is True)
        for one in waiting:
            if account is not None and now - one.created_at < NOT_GONE_YET:
                self._over(one, postponed(one, now + timedelta(minutes=1)))
                continue
            if account is not None:
                self._over(one, given_up(one, "The account is still there.", now))
                continue
            about = json.loads(one.body or "{}")
            id, person_id = one.account_id, about.get("person", "")
            try:
                if one.type == JOINED:
                    self.people.system.join(id, person_id, about["into"], mode)
                else:
                    self.people.system.forget(id, person_id, mode)
            except ContactRefused as refusal:
                end(one, f"The person could not be taken away: {refusal}", self.services)
                self.done.add(one.key)
            else:
                self._over(one, after_attempt(one, TAKEN, now))

    def rest(self, failure: SystemDown) -> None:
        """After an answer that means everybody: nothing is called for a time."""
        state, why = self._state(), str(failure)
        if isinstance(failure, WorkspaceRefused):
            after = after_refusal(state, self.services.clock.now(), why)
        else:
            after = after_answer(state, failure.answer, self.services.clock.now())
        if self._save(state, after) and after.told and not state.told:
            self._tell_operators()
        self.told.append(Told("", 0, why))

    def is_limited(self) -> bool:
        """Whether the limit of calls is almost reached, so that it has to be waited for."""
        state = self._state()
        return state.free_at is not None and state.free_at > self.services.clock.now()

    def _answered(self, answer: CallAnswer) -> None:
        state = self._state()
        self._save(state, after_answer(state, answer, self.services.clock.now()))

    def _save(self, state: PeopleState, after: PeopleState) -> bool:
        """Whether the state is that now; not if another run has called meanwhile."""
        if after == state:
            return True
        try:
            self.services.stores.job_states.save(state, replace(after, version=state.version + 1))
        except ConcurrentUpdate:
            return False
        return True

    def _over(self, one: Delivery, after: Delivery) -> None:
        save(one, after, self.services)
        if after.next_at is None or after.next_at > self.services.clock.now():
            self.done.add(one.key)

    def _state(self) -> PeopleState:
        return self.services.stores.job_states.load(PeopleState) or PeopleState()

    def _tell_operators(self) -> None:
        if self.services.policy.team and self.services.policy.mail:
            at = self.services.clock.now().isoformat()
            self.services.queues.mail.send(SendEndpointNotice(PEOPLE, at).dump())


def _order(one: Delivery, event: PersonEvent | None) -> tuple[datetime, int]:
    return one.key.at, event.sequence if event else 0


def _dropped_after(one: Delivery) -> timedelta:
    return ERASED_WITHIN if one.type == ERASED else DROPPED_AFTER


def _step_of(one: Delivery) -> tuple[str, str]:
    """(key, sequence) of the message that a delivery stands for."""
    about = json.loads(one.body or "{}")
    return about.get("key", ""), about.get("sequence", "")
