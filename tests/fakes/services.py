"""All services of the use cases in memory, and the policies and recordings of most tests."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.security.account_proof import account_proof, stripe_metadata
from chalicelib.runtime.telemetry import MEASURED, METRICS
from chalicelib.usecases.services import Clock, Metrics, Queues, Services, Stores
from local.recordings import Recording
from tests.fakes.memory.accounts import (
    MemoryAccounts,
    MemoryDueIndex,
    MemoryPartitions,
    MemoryResponses,
)
from tests.fakes.memory.figures import MemoryFigures, MemoryMailCounts
from tests.fakes.memory.jobs import (
    MemoryJobStates,
    MemoryMailboxes,
    MemoryReconciliation,
    MemoryReplanStates,
)
from tests.fakes.memory.queues import MemoryGroupedQueue, MemoryQueue, MemoryWorkQueue
from tests.fakes.memory.timeline import MemoryFeed, MemoryTimelines
from tests.fakes.memory.webhooks import MemoryDeliveries, MemoryEndpoints, MemoryPersons
from tests.fakes.stripe.reader import FakeReader, reading

ROOT = Path(__file__).parents[2]
RECORDINGS = {
    path.stem: Recording.load(path)
    for path in sorted((ROOT / "tests" / "recordings").glob("*.json"))
}
SHIPPED: Policy = read_policy((ROOT / "chalicelib" / "billing.toml").read_text())
TRIAL_STEPS = ("welcome", "notice", "note", "three_days", "one_day", "ended")
POLICY: Policy = replace(
    SHIPPED, steps=tuple(step for step in SHIPPED.steps if step.id in TRIAL_STEPS)
)
"""The shipped policy with the messages of a trial alone, for what is about the engine and not about
all that it sends.
"""
QUIET: Policy = replace(POLICY, steps=())
"""The policy without its messages, for what is not about mail."""


def proof_of(account_id: str) -> str:
    """The proof of an account under the key of these services."""
    return account_proof(account_id, "the hash-key of tests")


def proving(account_id: str) -> dict[str, str]:
    """The metadata that proves an account."""
    return stripe_metadata(account_id, proof_of(account_id))


@dataclass
class Moment:
    """A clock that stands where it is put."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


@dataclass
class FakeServices:
    """All services in memory, with their parts at hand."""

    accounts: Any = field(default_factory=MemoryAccounts)
    timeline: Any = field(default_factory=MemoryTimelines)
    feed: Any = field(default_factory=MemoryFeed)
    dead_letters: MemoryQueue = field(default_factory=MemoryQueue)
    stripe: Any = field(default_factory=lambda: reading(FakeReader()))
    responses: Any = field(default_factory=MemoryResponses)
    now: Moment = field(default_factory=lambda: Moment(datetime(2026, 3, 2, 9, tzinfo=UTC)))
    policy: Policy = QUIET
    metrics: Counter[str] = field(default_factory=Counter)
    measures: list[tuple[str, float]] = field(default_factory=list)
    published: list[DomainEvent] = field(default_factory=list)
    events_queue: MemoryQueue = field(default_factory=MemoryQueue)
    job_states: MemoryJobStates = field(default_factory=MemoryJobStates)
    mailboxes: MemoryMailboxes = field(default_factory=MemoryMailboxes)
    act_queue: MemoryWorkQueue = field(default_factory=MemoryWorkQueue)
    mail_queue: MemoryWorkQueue = field(default_factory=MemoryWorkQueue)
    endpoints: MemoryEndpoints = field(default_factory=MemoryEndpoints)
    deliveries: MemoryDeliveries = field(default_factory=MemoryDeliveries)
    deliveries_queue: MemoryGroupedQueue = field(default_factory=MemoryGroupedQueue)
    persons: MemoryPersons = field(default_factory=MemoryPersons)
    to_clear: dict[str, datetime] = field(default_factory=dict)
    figures: MemoryFigures = field(default_factory=MemoryFigures)
    mail_counts: MemoryMailCounts = field(default_factory=MemoryMailCounts)

    def counted(self, metric: str, by: int) -> None:
        assert metric in METRICS.keys() - MEASURED.keys()
        self.metrics[metric] += by

    def measured(self, metric: str, value: float) -> None:
        assert metric in MEASURED
        self.measures.append((metric, value))

    def __post_init__(self) -> None:
        self.replan_states = MemoryReplanStates(self.accounts)
        self.reconciliation = MemoryReconciliation(self.accounts)
        self.figures.graves = getattr(self.accounts, "graves", set())

    @property
    def services(self) -> Services:
        return Services(
            stores=Stores(
                accounts=self.accounts,
                timeline=self.timeline,
                feed=self.feed,
                responses=self.responses,
                due_index=MemoryDueIndex(self.accounts),
                job_states=self.job_states,
                replan_states=self.replan_states,
                reconciliation=self.reconciliation,
                mailboxes=self.mailboxes,
                partitions=MemoryPartitions(self.timeline, self.to_clear),
                endpoints=self.endpoints,
                deliveries=self.deliveries,
                figures=self.figures,
                mail_counts=self.mail_counts,
                persons=self.persons,
            ),
            queues=Queues(
                events=self.events_queue,
                act=self.act_queue,
                mail=self.mail_queue,
                deliveries=self.deliveries_queue,
                dead_letters=self.dead_letters,
            ),
            stripe=self.stripe,
            clock=Clock(now=self.now, pause=lambda seconds: None),
            metrics=Metrics(count=self.counted, measure=self.measured),
            policy=self.policy,
            proof_of=proof_of,
            log_published=self.published.extend,
        )


def updated(account: Account) -> dict[str, Any]:
    """What was learnt from Stripe: without `seen`, version and the times of our own writes."""
    return {
        "customers": {id: known.value for id, known in account.customers.items()},
        "subscriptions": {id: known.value for id, known in account.subscriptions.items()},
        "ended": dict(account.ended),
        "invoices": {id: billed.value for id, billed in account.invoices.items()},
    }


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def later(moment: datetime, **time: float) -> datetime:
    return moment + timedelta(**time)
