"""Accounts in memory, and the people system that is told of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from chalicelib.domain.account.facts import AddressProved, MilestoneReached, SignedUp
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import Profile, ProfileChanged
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.channels import PEOPLE
from chalicelib.domain.people.deliveries import step
from chalicelib.domain.policy.people import FIELDS
from chalicelib.domain.policy.policy import PeoplePolicy
from chalicelib.domain.policy.sequences import Step
from chalicelib.domain.webhooks.delivery import Delivery
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.messages import Deliver, read_deliver_message
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.webhooks.people.deliver import Told, deliver_to_people
from chalicelib.usecases.webhooks.people.intercom import Intercom
from chalicelib.usecases.webhooks.people.system import Call, PeopleSystem
from chalicelib.usecases.webhooks.people.write import People
from local.intercom.stand_in import IntercomStandIn
from tests.fakes.services import QUIET, FakeServices
from tests.unit.usecases.messaging.test_lifecycles import MAIL

POLICY = replace(
    QUIET, people=PeoplePolicy("intercom", "https://api.intercom.io", (), frozenset(FIELDS))
)

HANDED_OVER = Step(
    "three_days",
    "trial",
    "trial_ends",
    timedelta(days=-3),
    "",
    "lifecycle",
    timedelta(days=1),
    at_any_hour=True,
    via="intercom",
)


@dataclass
class PeopleScene:
    """The accounts, and Intercom behind them."""

    services: FakeServices = field(default_factory=lambda: FakeServices(policy=POLICY))
    suppressed: set[str] = field(default_factory=set)
    system: PeopleSystem | None = None
    has_time: Callable[[], bool] = lambda: True

    def __post_init__(self) -> None:
        self.intercom = IntercomStandIn(lambda: self.services.now.at)
        self.call: Call = self.intercom

    @property
    def people(self) -> People:
        return People(
            self.system or Intercom(self.call, True),
            self.services.persons,
            self.suppressed.__contains__,
            self._pause,
            self.has_time,
        )

    def _pause(self, seconds: float) -> None:
        self.services.now.at += timedelta(seconds=seconds)

    def signs_up(self, id: str, email: str, name: str | None = None) -> Account:
        """A visitor's account, on trial."""
        now = self.services.now.at
        signup = Signup("pro", now + timedelta(days=14), now, source="site")
        fact = SignedUp(signup, Profile(email=email, name=name))
        return self.changes(Account(id), fact)

    def changes(self, account: Account, *facts: Any) -> Account:
        """Facts of an account, with what a call of the API leaves to the stream."""
        new = apply_facts(account, list(facts), self.services.services, None)
        publish_outbox(new.id, self.services.services)
        return self.account(new.id)

    def account(self, id: str) -> Account:
        found = self.services.accounts.load(id)
        assert found
        return found

    def proves(self, id: str) -> Account:
        """The button behind a mailed link is pressed."""
        return self.changes(self.account(id), AddressProved(self.services.now.at))

    def is_renamed(self, id: str, name: str) -> Account:
        return self.changes(
            self.account(id), ProfileChanged({"name": name}, self.services.now.at, "api")
        )

    def reaches(self, id: str, milestone: str) -> Account:
        return self.changes(self.account(id), MilestoneReached(milestone, self.services.now.at))

    def hands_over(self, id: str) -> str:
        """The message three days before the trial's end goes by the people system, and changes
        nothing of the contact; the event's id.
        """
        mail = replace(MAIL, unproved=(HANDED_OVER.id,))
        self.services.policy = replace(self.services.policy, mail=mail, steps=(HANDED_OVER,))
        signup = self.account(id).signup
        assert signup
        key = f"{HANDED_OVER.id}@{signup.trial_ends_at.timestamp():.0f}"
        made = step(id, key, HANDED_OVER.sequence, f"{id}.three_days", self.services.now.at)
        self.services.deliveries.add(made)
        self.sweeps()
        return made.key.event_id

    def settles(self) -> list[Told]:
        """Run what was queued for the people system."""
        told: list[Told] = []
        queue = self.services.deliveries_queue
        while queue.waiting:
            _, body = queue.waiting.pop(0)
            message = read_deliver_message(json.dumps(body))
            assert message
            if message.endpoint_id == PEOPLE:
                told += deliver_to_people(message, self.services.services, self.people)
        return told

    def sweeps(self) -> list[Told]:
        """Run what is due, as the sweep wakes it."""
        return deliver_to_people(Deliver(PEOPLE), self.services.services, self.people)

    def passes(self, **of_timedelta: int) -> None:
        """Time passes, with a sweep each minute for the first hour, then each ten minutes."""
        end = self.services.now.at + timedelta(**of_timedelta)
        while self.services.now.at < end:
            self.services.now.at += timedelta(minutes=1)
            self.sweeps()

    def waiting(self) -> list[Delivery]:
        kept = self.services.deliveries.kept.values()
        return [one for one in kept if one.key.endpoint_id == PEOPLE and one.next_at]
