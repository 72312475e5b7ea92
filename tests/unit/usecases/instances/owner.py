"""An owner with a provisioner, in memory: accounts get access and lose it, time passes, and the
provisioner answers as it is told to.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import GrantGiven
from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.account.profile import Profile
from chalicelib.domain.account.state import Account, Grant
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.signature import as_secret
from chalicelib.domain.policy.policy import InstancePolicy
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.instances.call import MadeCall, call_provisioner
from chalicelib.usecases.instances.report import InstanceReport, report_instance
from chalicelib.usecases.instances.targets import EndpointTarget
from chalicelib.usecases.messages import ProcessAccount, read_act_message, read_instance_message
from chalicelib.usecases.schedule.outbox import publish_outbox
from chalicelib.usecases.schedule.process_due import process_due_account
from chalicelib.usecases.schedule.sweep import sweep
from chalicelib.usecases.services import Services
from tests.fakes.services import QUIET, FakeServices

SECRET = as_secret(b"the secret of the provisioner's calls")
ACCOUNT = "acc_1"
URL = "https://acc-1.acme.app"
ADA = Profile("ada@example.com", "Ada Byron", "u-9")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INSTANCES = InstancePolicy(
    "https://provisioner.acme.example/instances",
    ("acme.app",),
    suspend_after=24 * HOUR,
    delete_after=30 * DAY,
    deadline=HOUR,
)
DONE = {"create": "ready", "resume": "ready", "suspend": "suspended", "delete": "deleted"}


def answered(status: str, url: str | None = URL, code: int = 200) -> CallAnswer:
    """An answer with a status and a URL."""
    told = {"status": status} | ({"url": url} if url else {})
    return CallAnswer(code, body=json.dumps(told).encode())


DOWN = CallAnswer(None, "No answer came within 20 seconds.")
ACCEPTED = CallAnswer(202)
Answers = Callable[[Mapping[str, Any]], CallAnswer]


@dataclass(frozen=True)
class Asked:
    """A call that the provisioner got."""

    at: datetime
    action: str
    request_id: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass
class OwnersProvisioner:
    """Does what it is asked at once, unless `answer` says something else. `has` is what each
    account has there, and `made` how many instances were made for it.
    """

    now: Callable[[], datetime]
    answer: Answers | None = None
    asked: list[Asked] = field(default_factory=list)
    has: dict[str, str] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        told = json.loads(body)
        self.asked.append(Asked(self.now(), told["action"], told["request_id"], told, headers))
        return self.answer(told) if self.answer else self.does(told)

    def does(self, told: Mapping[str, Any]) -> CallAnswer:
        """Do what is asked, as an endpoint should: the same again changes nothing."""
        account, action = told["account"]["id"], told["action"]
        if action == "delete":
            found = self.has.pop(account, None)
            return answered("deleted", None) if found else CallAnswer(404)
        if action == "create" and account not in self.has:
            self.made[account] = self.made.get(account, 0) + 1
        elif account not in self.has:
            return CallAnswer(404)
        self.has[account] = DONE[action]
        return answered(DONE[action])

    def actions(self) -> list[str]:
        """What was asked, in order."""
        return [one.action for one in self.asked]


@dataclass
class Owner:
    """The owner of the stage `place`."""

    place: FakeServices = field(
        default_factory=lambda: FakeServices(policy=replace(QUIET, instance=INSTANCES))
    )

    def __post_init__(self) -> None:
        self.provisioner = OwnersProvisioner(lambda: self.place.now.at)
        self.calls: list[MadeCall] = []

    @property
    def services(self) -> Services:
        return self.place.services

    @property
    def account(self) -> Account:
        found: Account | None = self.place.accounts.load(ACCOUNT)
        assert found
        return found

    @property
    def instance(self) -> Instance:
        assert self.account.instance
        return self.account.instance

    @property
    def access(self) -> str:
        return standing(self.account, self.place.policy, self.place.now.at).access

    def grant(self, lasts: timedelta, id: str = ACCOUNT) -> None:
        """Access for a time, from now on."""
        account = self.place.accounts.load(id) or Account(id, profile=ADA)
        given = GrantGiven(Grant(self.place.now.at + lasts, "pro"))
        apply_facts(account, [given], self.services, None)

    def reports(self, status: str, url: str | None = URL, request_id: str | None = None) -> None:
        """As PUT does."""
        report_instance(ACCOUNT, InstanceReport(status, url, request_id), self.services)

    def settle(self, services: Services | None = None) -> None:
        """What stream, act queue and deliveries queue do."""
        services = services or self.services
        while True:
            full = [id for id in self.place.accounts.items if self._outbox(id)]
            for id in full:
                publish_outbox(id, services)
            if self.place.act_queue.waiting:
                message = read_act_message(json.dumps(self.place.act_queue.waiting[0]))
                assert isinstance(message, ProcessAccount)
                outcome = process_due_account(message.account_id, services)
                if outcome.failure:
                    raise outcome.failure
                self.place.act_queue.waiting.pop(0)
            elif self.place.deliveries_queue.waiting:
                self._call(services)
            elif not full:
                return

    def _outbox(self, id: str) -> bool:
        account = self.place.accounts.load(id)
        return bool(account and account.outbox)

    def _call(self, services: Services) -> None:
        about = read_instance_message(json.dumps(self.place.deliveries_queue.waiting[0][1]))
        assert about
        self.calls += call_provisioner(
            about.account_id,
            EndpointTarget(INSTANCES.target, self.provisioner, lambda: [SECRET]),
            services,
            lambda: True,
        )
        self.place.deliveries_queue.waiting.pop(0)

    def sweep(self, services: Services | None = None) -> None:
        """What happens each minute."""
        sweep(services or self.services)
        self.settle(services)

    def passes(self, time: timedelta, services: Services | None = None) -> None:
        """Time passes, with a sweep whenever something falls due."""
        end = self.place.now.at + time
        for _ in range(3_000):
            self.sweep(services)
            due = self.next_due()
            if due is None or due > end:
                break
            if due <= self.place.now.at:
                due = self.place.now.at + timedelta(minutes=1)  # it is due at each sweep
            self.place.now.at = min(due, end)
        else:
            raise AssertionError("something is due again and again")
        self.place.now.at = end
        self.sweep(services)

    def next_due(self) -> datetime | None:
        accounts = map(self.place.accounts.load, self.place.accounts.items)
        return min((one.due_at for one in accounts if one and one.due_at), default=None)

    def events(self) -> list[str]:
        """The types of the events of instances that are on the timeline, in their order."""
        entries = sorted(self.place.timeline.entries.values(), key=lambda entry: entry.at)
        return [one.type for one in entries if one.type.startswith("instance.")]
