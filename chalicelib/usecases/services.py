"""What the use cases work with. `runtime` builds it from the real adapters, tests from fakes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.links import Link
from chalicelib.usecases.ports import (
    AccountStore,
    Captcha,
    DueIndex,
    JobStateStore,
    Mailer,
    MessageQueue,
    RateCounters,
    ReconciliationStore,
    ReplanStateStore,
    ResponseStore,
    SendClaims,
    Stripe,
    TimelineStore,
    WorkQueue,
)


@dataclass(frozen=True, slots=True)
class SignupGuard:
    """What the doorkeeper looks at. `captcha` is None where the policy wants none; `count` adds to
    a metric.
    """

    limits: RateCounters
    captcha: Captcha | None
    count: Callable[[str, int], None]


class ErasureServices(Protocol):
    """What lies beside accounts; see aws/partition.py."""

    def clear(self, account_id: str) -> int:
        """Delete all that lies beside the account, and say how much that was."""


@dataclass(frozen=True, slots=True)
class MailServices:
    """`suppressed` says whether an address must not be written to; `link` makes a signed link."""

    mailer: Mailer
    claims: SendClaims
    suppressed: Callable[[str], bool]
    link: Callable[[Link], str]

    def wait_for_capacity(self) -> None:
        """See Mailer."""
        self.mailer.wait_for_capacity()


@dataclass(frozen=True, slots=True)
class Services:
    """The outside, the owner's policy and the clock. `pause` waits for that many seconds; `count`
    adds to a metric, `measure` writes one value of another."""

    accounts: AccountStore
    log: TimelineStore
    dead_letters: MessageQueue
    events_queue: MessageQueue
    due_index: DueIndex
    walks: ReplanStateStore
    rounds: JobStateStore
    comparisons: ReconciliationStore
    act_queue: WorkQueue
    mail_queue: WorkQueue
    stripe: Stripe
    calls: ResponseStore
    policy: Policy
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    count: Callable[[str, int], None]
    measure: Callable[[str, float], None]
