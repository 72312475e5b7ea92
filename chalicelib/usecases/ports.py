"""Protocols that the use cases call. Adapters and fakes implement them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.idempotency import StoredResponse
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, FeedRow, KeptEvent
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.figures.closing import ClosedFigures, Mark
from chalicelib.domain.figures.contributions import FigureKey
from chalicelib.domain.figures.exports.night import NightlyExport
from chalicelib.domain.figures.recounts import RecountState
from chalicelib.domain.instances.deletions import InstanceDeletions
from chalicelib.domain.instances.turns import InstanceTurns
from chalicelib.domain.messaging.email_message import EmailMessage, SendClaim
from chalicelib.domain.messaging.mail_counts import MailCount
from chalicelib.domain.messaging.mailbox_limits import Mailbox
from chalicelib.domain.messaging.team import DigestState
from chalicelib.domain.outgoing.answers import CallAnswer
from chalicelib.domain.outgoing.bus import BusEntry
from chalicelib.domain.outgoing.slack import SlackState
from chalicelib.domain.people.state import PeopleState, Person
from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison, Drift
from chalicelib.domain.reconciliation.replan import ReplanState
from chalicelib.domain.schedule.watch.open_conditions import OpenConditions
from chalicelib.domain.schedule.watch.readings import Readings
from chalicelib.domain.security.api_keys import ApiKey
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import Endpoints


class RateCounters(Protocol):
    """Counters of what was done in a window of time."""

    def count(self, kind: str, value: str, window: timedelta, now: datetime) -> int:
        """How often, with this time."""


class MailboxStore(Protocol):
    """The mail that visitors caused, by the identity of the mailbox; see aws/rate_counters.py."""

    def load(self, identity: str) -> Mailbox:
        """What counts; empty if nothing does."""

    def save(self, identity: str, old: Mailbox, new: Mailbox, now: datetime) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate, Unavailable."""


class Captcha(Protocol):
    """A CAPTCHA service."""

    def solved(self, token: str, address: str) -> bool:
        """Whether the visitor solved it. Raises Unavailable, Refused."""


class Suppressions(Protocol):
    """The addresses that must not be written to; see aws/suppressions.py."""

    def add(
        self,
        email: str,
        reason: str,
        at: datetime,
        message_id: str = "",
        about_a_notice: bool = False,
    ) -> None:
        """Suppress the address after a `bounce`, or after a `complaint` about the message of this
        id (domain/messaging/suppression.py). Raises Unavailable.
        """

    def mark(self, email: str) -> str:
        """The hash that stands for the address in a claim."""


class LiftableSuppressions(Protocol):
    """A list of addresses that must not be written to: the table's, or SES's own."""

    def lift(self, email: str) -> bool:
        """Write to the address again; False if it was not on the list. Raises Unavailable,
        Refused.
        """


class KeyStore(Protocol):
    """What is needed of the table."""

    def load(self, id: str) -> ApiKey | None:
        """The key of that id."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""


class Timelines(Protocol):
    """Timelines in the table; see aws/log.py."""

    def page(
        self, account_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Entry], str | None]:
        """Some entries, and the cursor of the next page if there is one."""


class Mailer(Protocol):
    """SES."""

    def send(self, message: EmailMessage) -> str:
        """SES's id of the message, after one attempt. Raises MailRefused, MailOutcomeUnknown, and
        Unavailable if SES does not accept the message now.
        """

    def wait_for_capacity(self) -> None:
        """Wait until the rate allows one more message. Raises Unavailable over the daily quota, or
        while sending is paused.
        """


class SendClaims(Protocol):
    """The records under which messages are claimed."""

    def load(self, account_id: str, key: str) -> SendClaim | None:
        """The claim, if there is one."""

    def take(self, claim: SendClaim, before: SendClaim | None) -> None:
        """Claim, where there is no claim or it still is `before`. Raises ConcurrentUpdate."""

    def confirm(self, claim: SendClaim, message_id: str) -> None:
        """SES has taken it."""

    def drop(self, claim: SendClaim) -> None:
        """SES has said that it did not take it: it may be claimed again."""


JobState = TypeVar(
    "JobState",
    ClosedFigures,
    Comparison,
    DigestState,
    InstanceDeletions,
    InstanceTurns,
    NightlyExport,
    OpenConditions,
    RecountState,
    PeopleState,
    SlackState,
    Undelivered,
)


class AccountStore(Protocol):
    """Accounts in the table; see aws/accounts.py."""

    def load(self, id: str) -> Account | None:
        """One consistent read."""

    def of_customers(self, guesses: Mapping[str, str]) -> dict[str, Account]:
        """The accounts of Stripe's customers."""

    def with_email(self, email: str) -> list[Account]:
        """The accounts that have this address."""

    def with_external_id(self, external_id: str) -> Account | None:
        """The account that has this id of the product."""

    def with_trial(self, identity: str) -> Account | None:
        """The account that has had the trial of this identity."""

    def save(self, old: Account, new: Account) -> None:
        """One conditional write. Raises ConcurrentUpdate, AccountTaken, Unavailable."""

    def rewrite(self, old: Account, new: Account) -> None:
        """The same as `save`, with every pointer put anew."""

    def save_listed(self, old: Account, new: Account) -> None:
        """The same as `save`, with the places of the account's name put anew."""

    def erase(self, account: Account, at: datetime, frees_trials: bool = False) -> None:
        """Erase the account; only keyed hashes stay, with `frees_trials` not those of its trials.
        Raises ConcurrentUpdate, Unavailable.
        """

    def absorb(self, absorbed: Account, old: Account, new: Account) -> None:
        """One conditional write of `new`, which deletes `absorbed` with it. Raises as `save`."""

    def erased(self, names: Collection[str]) -> set[str]:
        """Which of these are names (see account/pointers.py) of something that was erased."""


class TimelineStore(Protocol):
    """Timelines in the table; see aws/log.py."""

    def put(self, entries: Iterable[Entry]) -> None:
        """Write entries; the same again does no harm."""

    def put_once(self, entry: Entry) -> bool:
        """Write an entry. False if it is there already. Raises Unavailable."""

    def missing(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries that are not on their timeline."""

    def put_event(self, event: EventEntry, place: FeedPlace) -> bool:
        """Put a domain event with its place in the feed. False if it is there: the first place
        stays. Raises Unavailable.
        """

    def events(self, pointers: Sequence[EventPointer]) -> dict[EventPointer, KeptEvent]:
        """The domain events that are there. Raises Unavailable."""


class MailCountStore(Protocol):
    """Counts of messages by week and step; see aws/mail/mail_counts.py."""

    def count(self, week: date, step: str, name: str) -> None:
        """Add one to a number (of COUNTED) of a step in the week from that Monday on. Raises
        Unavailable.
        """

    def of_weeks(self, first: date, last: date) -> list[MailCount]:
        """The counts of the weeks from the Monday `first` to the Monday `last`. Raises
        Unavailable.
        """


class FeedStore(Protocol):
    """The rows of the feed; see aws/events/feed.py."""

    def last(self, segment: str) -> FeedRow | None:
        """The last row of a segment: a consistent read. Raises Unavailable."""

    def append(self, row: FeedRow) -> None:
        """Put a row at its place. Raises ConcurrentUpdate if there is one, Unavailable."""

    def rows(self, segment: str, first: int) -> list[FeedRow]:
        """Some rows of a segment from that number on, in their order; none if there are none:
        consistent reads. Raises Unavailable.
        """


class ResponseStore(Protocol):
    """Answers by Idempotency-Key; see aws/calls.py."""

    def load(self, account_id: str, key: str) -> StoredResponse | None:
        """The answer that was given under the key."""

    def keep(self, response: StoredResponse) -> StoredResponse:
        """Store a response, and return the stored one: of two, the first."""


class WorkQueue(Protocol):
    """A queue of things to do."""

    def send(self, work: Mapping[str, str]) -> None:
        """Put one into the queue. Raises Unavailable."""

    def send_many(self, work: Sequence[Mapping[str, str]]) -> None:
        """Put many into the queue. Raises Unavailable if not all are in it; those that are do no
        harm.
        """

    def depth(self) -> int:
        """About how many wait."""


class DueIndex(Protocol):
    """What is due; see aws/due_index.py."""

    def due(self, now: datetime, most: int) -> list[tuple[datetime, str]]:
        """Since when each account that is due is, and its id, the longest due first: all that was
        read, up to `most` a shard.
        """


class ReplanStateStore(Protocol):
    """The walk over all accounts; see aws/walks.py."""

    def load(self) -> ReplanState | None:
        """Where the last walk is."""

    def save(self, old: ReplanState, new: ReplanState) -> None:
        """Write where it is. Raises ConcurrentUpdate."""

    def page(self, state: ReplanState) -> tuple[list[str], str | None]:
        """The accounts of the next page that are to be planned anew, and the cursor behind it."""


class JobStateStore(Protocol):
    """Where work that goes in rounds is; see aws/rounds.py."""

    def load(self, kind: type[JobState]) -> JobState | None:
        """The state of that type as last written."""

    def save(self, old: JobState, new: JobState) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate."""


class ExportFiles(Protocol):
    """Where the files of nightly exports are; see aws/jobs/export_files.py."""

    def put(self, key: str, content: bytes) -> None:
        """Write a file, in place of one of that name."""

    def clear(self, folder: str) -> None:
        """Delete all files whose name begins with `folder`."""


class StageReader(Protocol):
    """How the stage does, as AWS counts it; see aws/stage/metrics.py."""

    def read(self, now: datetime) -> Readings:
        """The readings of the last hour. Raises Unavailable."""


class ReconciliationStore(Protocol):
    """What a comparison keeps, and the walk over all accounts; see aws/comparisons.py."""

    def keep_listed(self, began: datetime, page: int, ids: Sequence[str]) -> None:
        """Remember the ids on a page of Stripe's list."""

    def listed(self, began: datetime) -> frozenset[str]:
        """All ids that were remembered."""

    def accounts(self, cursor: str | None) -> tuple[list[Account], str | None]:
        """The accounts on the next page that this release can read, and the cursor behind it; None
        at the end.
        """

    def put_drift(self, drift: Drift) -> None:
        """Write down what differs; the same again does no harm."""

    def drop_drift(self, drift: Drift) -> None:
        """Forget what turned out to be none."""

    def drifts_of(self, began: datetime) -> list[Drift]:
        """All that one comparison has found."""


class PartitionStore(Protocol):
    """The other items in an account's partition; see aws/partition.py."""

    def move_timeline(self, account_id: str, to: str) -> None:
        """Move an account's timeline to another one, and delete what else is beside it; again does
        no harm.
        """

    def clear(self, account_id: str) -> int:
        """Delete all items of the account except the account itself; returns how many there
        were.
        """

    def clear_at(self, account_id: str, at: datetime) -> None:
        """Have the account processed at that time, which is gone then: what was written beside it
        meanwhile is cleared.
        """


class MessageQueue(Protocol):
    """A queue of messages that are text: Stripe's events, or what no repetition will mend."""

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        """Put a message into the queue. Raises Unavailable."""


class PersonStore(Protocol):
    """What is known of accounts in the people system; see aws/events/persons.py."""

    def load(self, account_id: str) -> Person | None:
        """What is known of an account; None if it was never written there."""

    def save(self, account_id: str, old: Person, new: Person) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate, Unavailable."""


class Caller(Protocol):
    """Calls to URLs that somebody named; see outgoing/transport.py."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """What came of one request; a failure is an answer too. Several threads may call at
        once.
        """


class MethodCaller(Protocol):
    """As Caller, with any method."""

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> CallAnswer:
        """What came of one request; a failure is an answer too."""


class StateMachines(Protocol):
    """State machines of AWS Step Functions; see aws/events/state_machines.py."""

    def start(self, arn: str, name: str, input: str) -> CallAnswer:
        """What came of starting an execution of that name; a failure is an answer too."""


class Bus(Protocol):
    """Event buses of Amazon EventBridge; see aws/events/bus.py."""

    def put(self, entries: Sequence[BusEntry]) -> list[CallAnswer]:
        """What came of each entry of one call, in their order; a failure is an answer too."""


class EndpointStore(Protocol):
    """The endpoints of outgoing webhooks; see aws/events/webhooks.py."""

    def load(self) -> Endpoints:
        """One consistent read."""

    def remembered(self) -> Endpoints:
        """As they were within the last seconds: most often no read."""

    def save(self, old: Endpoints, new: Endpoints) -> None:
        """Write them, if they still were `old`. Raises ConcurrentUpdate."""


class DeliveryStore(Protocol):
    """Deliveries of events to endpoints; see aws/events/webhooks.py."""

    def add(self, delivery: Delivery) -> bool:
        """Put a new one; False if there is one of its key."""

    def add_many(self, deliveries: Iterable[Delivery]) -> None:
        """Put many whose keys nobody else has."""

    def save(self, old: Delivery, new: Delivery) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate."""

    def load(self, keys: Sequence[DeliveryKey]) -> list[Delivery]:
        """Those of the keys that there are: consistent reads."""

    def due(self, endpoint_id: str, now: datetime, most: int) -> list[DeliveryKey]:
        """The deliveries of an endpoint that are due, the longest due first."""

    def due_since(self, endpoint_id: str, now: datetime) -> datetime | None:
        """Since when something is due to an endpoint; None if nothing is."""

    def later(
        self, endpoint_id: str, after: datetime, most: int
    ) -> list[tuple[datetime, DeliveryKey]]:
        """When the deliveries of an endpoint are due that are so after a time, the first first."""

    def page(
        self, endpoint_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Delivery], str | None]:
        """Some deliveries, the newest events first, and the cursor of the next page if there is
        one.
        """


class FigureStore(Protocol):
    """Figures in the table: see aws/figures.py. Every method raises Unavailable."""

    def put(self, key: FigureKey, account_id: str, text: str, rank: int) -> None:
        """Write what an account contributes to a figure, unless a version of a higher rank has
        written it; an empty text for nothing.
        """

    def kept(
        self, of: Sequence[tuple[FigureKey, str]]
    ) -> dict[tuple[FigureKey, str], tuple[str, int]]:
        """These contributions, and the rank by which each was written, if it was: a consistent
        read.
        """

    def contributions(self, key: FigureKey) -> list[str]:
        """All contributions to a figure that are not empty."""

    def by_hash(self, key: FigureKey) -> dict[str, str]:
        """All contributions to a figure that are not empty, by the hash of the account's id."""

    def hash_of(self, account_id: str) -> str:
        """The hash that stands for an account."""

    def erased(self, hashes: Sequence[str]) -> set[str]:
        """Those of the hashes that stand for accounts that were erased."""

    def take_back(self, key: FigureKey, hash: str, rank: int) -> None:
        """Take back a contribution that is of no account."""

    def rows(self, kind: str, first: date, last: date) -> dict[date, str]:
        """The rows of these days that there are."""

    def rows_behind(
        self, kind: str, first: date, last: date
    ) -> tuple[tuple[date, str] | None, dict[date, str]]:
        """The last row before the day `first`, and the rows from it to the day `last`, the oldest
        first: one call.
        """

    def put_rows(self, kind: str, rows: Mapping[date, str]) -> None:
        """Write rows; an empty text deletes one."""

    def mark(self, key: FigureKey, at: datetime) -> None:
        """Mark a row that is to be written again."""

    def marks(self, kind: str) -> list[Mark]:
        """The marks of a kind's rows."""

    def unmark(self, kind: str, mark: Mark) -> None:
        """Take a mark away, unless the row was marked again since."""


class GroupedQueue(Protocol):
    """A queue of things to do, of which those of one group are done one after the other."""

    def send_many(self, work: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        """Put pairs of a group and a thing to do into the queue. The same again within minutes does
        nothing. Raises Unavailable.
        """
