"""What the use cases work with. `runtime` builds it from the real adapters, tests from fakes."""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.security.account_proof import proves, stripe_metadata
from chalicelib.domain.security.links import Link
from chalicelib.domain.stripe_objects.answers import CustomerAnswer, SubscriptionAnswer
from chalicelib.usecases.ports.accounts import (
    AccountStore,
    DueIndex,
    FeedStore,
    PartitionStore,
    ResponseStore,
    TimelineStore,
)
from chalicelib.usecases.ports.figures import FigureStore
from chalicelib.usecases.ports.jobs import JobStateStore, ReconciliationStore, ReplanStateStore
from chalicelib.usecases.ports.mail import MailboxStore, MailCountStore, Mailer, SendClaims
from chalicelib.usecases.ports.outgoing import DeliveryStore, EndpointStore, PersonStore
from chalicelib.usecases.ports.queues import GroupedQueue, MessageQueue, WorkQueue
from chalicelib.usecases.ports.security import Captcha, RateCounters
from chalicelib.usecases.ports.stripe import Stripe
from chalicelib.values import frozen


@frozen
class SignupGuard:
    """What guards signups against abuse. `captcha` is None if the policy has none; `count` adds to
    a metric.
    """

    limits: RateCounters
    captcha: Captcha | None
    count: Callable[[str, int], None]


@frozen
class MailServices:
    """`suppressed` says whether mail of a stream must not go to an address; `link` makes a signed
    link; `mark` is the hash that stands for an address in the claim of a message; `sign_in_form` is
    the URL of the form that mails a sign-in link.
    """

    mailer: Mailer
    claims: SendClaims
    suppressed: Callable[[str, str], bool]
    link: Callable[[Link], str]
    mark: Callable[[str], str]
    sign_in_form: str

    def wait_for_capacity(self) -> None:
        """See Mailer."""
        self.mailer.wait_for_capacity()


@frozen
class Stores:
    """The items in the table, by subject."""

    accounts: AccountStore
    timeline: TimelineStore
    responses: ResponseStore
    due_index: DueIndex
    job_states: JobStateStore
    replan_states: ReplanStateStore
    reconciliation: ReconciliationStore
    partitions: PartitionStore
    mailboxes: MailboxStore
    feed: FeedStore
    endpoints: EndpointStore
    deliveries: DeliveryStore
    figures: FigureStore
    mail_counts: MailCountStore
    persons: PersonStore


@frozen
class Queues:
    """The queues: Stripe's events, accounts to process, messages to send, events to deliver (a
    group for each endpoint), and dead letters.
    """

    events: MessageQueue
    act: WorkQueue
    mail: WorkQueue
    deliveries: GroupedQueue
    dead_letters: MessageQueue


@frozen
class Clock:
    """The current time, and a wait of some seconds."""

    now: Callable[[], datetime]
    pause: Callable[[float], None]


@frozen
class Metrics:
    """`count` adds to a metric; `measure` records one value of a metric."""

    count: Callable[[str, int], None]
    measure: Callable[[str, float], None]


@frozen
class Services:
    """All that use cases work with. A use case that needs one group takes that group alone.
    `proof_of` makes the proof of an account (domain/security/account_proof.py); `log_published`
    tells the log which domain events were published.

    `comes_again`: what runs is started again until it succeeds, as a message of a queue is. It
    publishes the domain events of the accounts that it saves, see `publishing`. `livemode` is the
    mode of Stripe whose events count; None takes both.
    """

    stores: Stores
    queues: Queues
    stripe: Stripe
    clock: Clock
    metrics: Metrics
    policy: Policy
    proof_of: Callable[[str], str]
    log_published: Callable[[Sequence[DomainEvent]], None]
    comes_again: bool = False
    livemode: bool | None = None

    def metadata_of(self, account_id: str) -> dict[str, str]:
        """The metadata of what Billhook creates at Stripe for an account."""
        return stripe_metadata(account_id, self.proof_of(account_id))

    def made(self, found: CustomerAnswer | SubscriptionAnswer, account_id: str) -> bool:
        """Whether a customer or a subscription at Stripe is proved to be the account's."""
        return found.account_id == account_id and proves(
            found.account_proof, account_id, self.proof_of
        )
