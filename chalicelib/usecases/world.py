"""What the use cases act on. `runtime` builds it of the real adapters, tests of others."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from chalicelib.domain.account import Account
from chalicelib.domain.comparison import Comparison, Drift
from chalicelib.domain.operators import Digests
from chalicelib.domain.policy import Policy
from chalicelib.domain.tasks import Kept
from chalicelib.domain.timeline import Entry
from chalicelib.domain.undelivered import Undelivered
from chalicelib.domain.walk import Walk
from chalicelib.usecases.ports import Stripe

Round = TypeVar("Round", Comparison, Digests, Undelivered)


class AccountStore(Protocol):
    """Accounts in the table; see aws/accounts.py."""

    def load(self, id: str) -> Account | None:
        """One consistent read."""

    def of_customers(self, guesses: Mapping[str, str]) -> dict[str, Account]:
        """The accounts of Stripe's customers."""

    def with_email(self, email: str) -> list[Account]:
        """The accounts that have this address."""

    def with_trial(self, identity: str) -> Account | None:
        """The account that has had the trial of this identity."""

    def save(self, old: Account, new: Account) -> None:
        """One conditional write. Raises LostRace, AccountTaken, Unavailable."""

    def rewrite(self, old: Account, new: Account) -> None:
        """The same as `save`, with every pointer put anew."""

    def erase(self, account: Account, at: datetime) -> None:
        """Take the account away; what stays are keyed hashes. Raises LostRace, Unavailable."""

    def erased(self, names: Collection[str]) -> set[str]:
        """Which of these are names (see domain/pointers.py) of something that was erased."""


class LogStore(Protocol):
    """Timelines in the table; see aws/log.py."""

    def put(self, entries: Iterable[Entry]) -> None:
        """Write entries; the same again does no harm."""


class CallStore(Protocol):
    """Answers by Idempotency-Key; see aws/calls.py."""

    def load(self, account_id: str, key: str) -> Kept | None:
        """The answer that was given under the key."""

    def keep(self, kept: Kept) -> Kept:
        """Keep an answer; gives the one that is kept: of two, the first."""


class Work(Protocol):
    """A queue of things to do."""

    def send(self, work: Mapping[str, str]) -> None:
        """Put one into the queue. Raises Unavailable."""

    def send_many(self, work: Sequence[Mapping[str, str]]) -> None:
        """Put many into the queue. Raises Unavailable if not all are in it; those that are do no
        harm.
        """

    def depth(self) -> int:
        """About how many wait."""


class Index(Protocol):
    """What is due; see aws/due_index.py."""

    def due(self, now: datetime, most: int) -> list[tuple[datetime, str]]:
        """Since when each account that is due is, and its id, the longest due first: all that was
        read, up to `most` a shard.
        """


class WalkStore(Protocol):
    """The walk over all accounts; see aws/walks.py."""

    def load(self) -> Walk | None:
        """Where the last walk is."""

    def save(self, old: Walk, new: Walk) -> None:
        """Write where it is. Raises LostRace."""

    def page(self, walk: Walk) -> tuple[list[str], str | None]:
        """The accounts of the next page that are to be planned anew, and the cursor behind it."""


class RoundStore(Protocol):
    """Where work that goes in rounds is; see aws/rounds.py."""

    def load(self, kind: type[Round]) -> Round | None:
        """The state of that type as last written."""

    def save(self, old: Round, new: Round) -> None:
        """Write it, if it still was `old`. Raises LostRace."""


class ComparisonStore(Protocol):
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


class Letters(Protocol):
    """A queue of messages that are text: Stripe's events, or what no repetition will mend."""

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        """Put a message into the queue. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class World:
    """The outside, the owner's policy and the clock. `pause` waits for that many seconds; `count`
    adds to a metric, `measure` writes one value of another."""

    accounts: AccountStore
    log: LogStore
    dead_letters: Letters
    events_queue: Letters
    due_index: Index
    walks: WalkStore
    rounds: RoundStore
    comparisons: ComparisonStore
    act_queue: Work
    mail_queue: Work
    stripe: Stripe
    calls: CallStore
    policy: Policy
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    count: Callable[[str, int], None]
    measure: Callable[[str, float], None]
