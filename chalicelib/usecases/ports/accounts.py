"""Accounts, and what stands beside them in the table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.idempotency import StoredResponse
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, FeedRow, KeptEvent
from chalicelib.domain.changes.timeline import Entry, EventEntry


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


class TimelineStore(Protocol):
    """TimelineReader in the table; see aws/events/timeline.py."""

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


class TimelineReader(Protocol):
    """Timelines in the table, to be read page by page; see aws/events/timeline.py."""

    def page(
        self, account_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Entry], str | None]:
        """Some entries, and the cursor of the next page if there is one."""


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
    """Answers by Idempotency-Key; see aws/idempotency.py."""

    def load(self, account_id: str, key: str) -> StoredResponse | None:
        """The answer that was given under the key."""

    def keep(self, response: StoredResponse) -> StoredResponse:
        """Store a response, and return the stored one: of two, the first."""


class DueIndex(Protocol):
    """What is due; see aws/due_index.py."""

    def due(self, now: datetime, most: int) -> list[tuple[datetime, str]]:
        """Since when each account that is due is, and its id, the longest due first: all that was
        read, up to `most` a shard.
        """
