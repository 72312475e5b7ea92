"""The states of jobs in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.aws.items import dump, load
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.messaging.mailbox_limits import Mailbox
from chalicelib.domain.reconciliation.comparison import Drift
from chalicelib.domain.reconciliation.replan import ReplanState
from tests.fakes.memory.accounts import MemoryAccounts


@dataclass
class MemoryReplanStates:
    """How far the rescheduling of the accounts is."""

    accounts: MemoryAccounts
    walk: ReplanState | None = None
    a_page: int = 2

    def load(self) -> ReplanState | None:
        return self.walk

    def save(self, old: ReplanState, new: ReplanState) -> None:
        if (self.walk.version if self.walk else 0) != old.version:
            raise ConcurrentUpdate("another run went on")
        self.walk = new

    def page(self, state: ReplanState) -> tuple[list[str], str | None]:
        ids = sorted(id for id in self.accounts.items if id > (state.cursor or ""))
        page = ids[: self.a_page]
        wanted = [
            id for id in page if self.accounts.items[id].get("policy", {}).get("S") != state.hash
        ]
        return wanted, page[-1] if len(ids) > self.a_page else None


@dataclass
class MemoryJobStates:
    """States by their type."""

    kept: dict[type, str] = field(default_factory=dict)

    def load(self, kind: type[Any]) -> Any:
        return load(self.kept[kind], kind) if kind in self.kept else None

    def save(self, old: Any, new: Any) -> None:
        known = self.load(type(new))
        if (known.version if known else 0) != old.version:
            raise ConcurrentUpdate("another goes on")
        self.kept[type(new)] = dump(new)


@dataclass
class MemoryReconciliation:
    """What comparisons keep, and the scan of all accounts."""

    owners: MemoryAccounts
    pages: dict[tuple[datetime, int], tuple[str, ...]] = field(default_factory=dict)
    drifts: dict[tuple[datetime, str, str], Drift] = field(default_factory=dict)
    a_page: int = 2

    def keep_listed(self, began: datetime, page: int, ids: Sequence[str]) -> None:
        self.pages[began, page] = tuple(ids)

    def listed(self, began: datetime) -> frozenset[str]:
        return frozenset(id for (of, _), ids in self.pages.items() if of == began for id in ids)

    def accounts(self, cursor: str | None) -> tuple[list[Account], str | None]:
        ids = sorted(id for id in self.owners.items if id > (cursor or ""))
        page = [account for id in ids[: self.a_page] if (account := self.owners.load(id))]
        return page, page[-1].id if len(ids) > self.a_page else None

    def put_drift(self, drift: Drift) -> None:
        self.drifts[drift.compared, drift.account_id, drift.subscription] = load(dump(drift), Drift)

    def drop_drift(self, drift: Drift) -> None:
        self.drifts.pop((drift.compared, drift.account_id, drift.subscription), None)

    def drifts_of(self, began: datetime) -> list[Drift]:
        return [drift for drift in self.drifts.values() if drift.compared == began]


@dataclass
class MemoryMailboxes:
    """What counts of each mailbox."""

    kept: dict[str, str] = field(default_factory=dict)

    def load(self, identity: str) -> Mailbox:
        return load(self.kept[identity], Mailbox) if identity in self.kept else Mailbox()

    def save(self, identity: str, old: Mailbox, new: Mailbox, now: datetime) -> None:
        if self.load(identity).version != old.version:
            raise ConcurrentUpdate("another counts")
        self.kept[identity] = dump(new)
