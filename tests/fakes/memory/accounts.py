"""Accounts in memory, and what stands beside them in the table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.aws.items import Item, account_item, account_of, dump, load, stamp
from chalicelib.domain.account.pointers import WAITING_JOIN, Pointer, pointers, tombstones
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.idempotency import StoredResponse
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate
from tests.fakes.memory.timeline import MemoryTimelines


@dataclass
class MemoryAccounts:
    """Accounts as items, under the same conditions as in DynamoDB. An item that has not changed
    since it was last read is not unpacked again: of a test with many customers, that took most of
    the time.
    """

    items: dict[str, Item] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    graves: set[str] = field(default_factory=set)
    _unpacked: dict[str, tuple[Item, Account]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def load(self, id: str) -> Account | None:
        if id not in self.items:
            return None
        item, known = self.items[id], self._unpacked.get(id)
        if known is None or known[0] != item:
            known = self._unpacked[id] = (dict(item), account_of(item))
        return known[1]

    def of_customers(self, guesses: Mapping[str, str]) -> dict[str, Account]:
        return {
            customer: account
            for customer in guesses
            if (account := self.load(self.owners.get(customer, "")))
        }

    def with_email(self, email: str) -> list[Account]:
        wanted = Pointer("EMAIL", email.strip().lower())
        return [
            account
            for id in sorted(self.items)
            if (account := self.load(id)) and wanted in pointers(account)
        ]

    def with_external_id(self, external_id: str) -> Account | None:
        found = self.load(self.owners.get(external_id, ""))
        return found if found and found.profile.external_id == external_id else None

    def with_trial(self, identity: str) -> Account | None:
        return self.load(self.owners.get(identity, ""))

    def save(self, old: Account, new: Account) -> None:
        stored = self.load(old.id)
        if (stored.version if stored else 0) != old.version:
            raise ConcurrentUpdate("Another writer was faster.")
        added = {pointer.value for pointer in pointers(new) - pointers(old) if pointer.unique}
        if any(self.owners.get(value, new.id) != new.id for value in added):
            raise AccountTaken("A customer, an external id and a trial have one account.")
        self.owners |= dict.fromkeys(added, new.id)
        self.items[new.id] = account_item(new)

    rewrite = save_listed = save

    def absorb(self, absorbed: Account, old: Account, new: Account) -> None:
        stored = self.load(absorbed.id)
        if stored is None or stored.version != absorbed.version:
            raise ConcurrentUpdate("Another writer was faster.")
        theirs = {value: id for value, id in self.owners.items() if id == absorbed.id}
        for value in theirs:
            del self.owners[value]
        try:
            self.save(old, new)
        except Exception:
            self.owners |= theirs
            raise
        del self.items[absorbed.id]

    def with_waiting_join(self) -> list[Account]:
        found = (self.load(id) for id in sorted(self.items))
        return [account for account in found if account and WAITING_JOIN in pointers(account)]

    def erase(self, account: Account, at: datetime, frees_trials: bool = False) -> None:
        stored = self.load(account.id)
        if stored is None or stored.version != account.version:
            raise ConcurrentUpdate("Another writer was faster.")
        self.graves |= tombstones(account)
        for pointer in pointers(account):
            if pointer.kind == "TRIAL" and not frees_trials:
                self.owners[pointer.value] = "#erased"
            else:
                self.owners.pop(pointer.value, None)
        del self.items[account.id]

    def erased(self, names: Collection[str]) -> set[str]:
        return self.graves & set(names)

    def only(self) -> Account:
        """The one account that there is."""
        (id,) = self.items
        found = self.load(id)
        assert found
        return found


@dataclass
class MemoryPartitions:
    """The timelines of accounts in memory."""

    timeline: MemoryTimelines
    to_clear: dict[str, datetime] = field(default_factory=dict)

    def move_timeline(self, account_id: str, to: str) -> None:
        for entry in list(self.timeline.entries.values()):
            if entry.account_id == account_id:
                self.timeline.put([replace(entry, account_id=to)])
        self.clear(account_id)

    def clear_at(self, account_id: str, at: datetime) -> None:
        self.to_clear[account_id] = at

    def clear(self, account_id: str) -> int:
        self.to_clear.pop(account_id, None)
        entries = self.timeline.entries
        found = [key for key, entry in entries.items() if entry.account_id == account_id]
        for key in found:
            del entries[key]
        return len(found)


@dataclass
class MemoryResponses:
    """Answers by account and key, the first of two."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)

    def load(self, account_id: str, key: str) -> StoredResponse | None:
        return (
            load(self.kept[account_id, key], StoredResponse)
            if (account_id, key) in self.kept
            else None
        )

    def keep(self, response: StoredResponse) -> StoredResponse:
        self.kept.setdefault((response.account_id, response.key), dump(response))
        found = self.load(response.account_id, response.key)
        assert found
        return found


@dataclass
class MemoryDueIndex:
    """The due index over accounts in memory."""

    accounts: MemoryAccounts

    def due(self, now: datetime, most: int) -> list[tuple[datetime, str]]:
        found = sorted(
            (item["due_at"]["S"], id)
            for id, item in self.accounts.items.items()
            if "due_at" in item and item["due_at"]["S"] <= stamp(now)
        )
        return [(datetime.fromisoformat(due_at), id) for due_at, id in found]
