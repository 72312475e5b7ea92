"""Worlds for use cases to act on without any service: the same promises, kept in memory."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from chalicelib.aws.items import Item, account_item, account_of, dump, load, stamp
from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.pointers import (
    WAITING_JOIN,
    Pointer,
    pointers,
    tombstone_of_account,
    tombstones,
)
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.idempotency import StoredResponse
from chalicelib.domain.changes.event_document import LARGEST, document_schema
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, FeedRow, KeptEvent
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate, Unavailable
from chalicelib.domain.figures.closing import Mark
from chalicelib.domain.figures.contributions import FigureKey
from chalicelib.domain.messaging.mail_counts import MailCount
from chalicelib.domain.messaging.mailbox_limits import Mailbox
from chalicelib.domain.people.state import Person
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.read import read_policy
from chalicelib.domain.reconciliation.comparison import Drift
from chalicelib.domain.reconciliation.replan import ReplanState
from chalicelib.domain.security.account_proof import account_proof, stripe_metadata
from chalicelib.domain.stripe_objects.answers import (
    Coupon,
    CustomerAnswer,
    InvoiceAnswer,
    StripeCharge,
    SubscriptionAnswer,
)
from chalicelib.domain.stripe_objects.objects import InvoicePayment
from chalicelib.domain.stripe_objects.recurring import DiscountTerms
from chalicelib.domain.webhooks.delivery import Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import Endpoints
from chalicelib.runtime.telemetry import MEASURED, METRICS
from chalicelib.stripe_api import answers
from chalicelib.usecases.ports.stripe import Stripe
from chalicelib.usecases.services import Clock, Metrics, Queues, Services, Stores
from local.recordings import Recording, Truth

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

NOTHING = Truth({}, {}, {})


def proof_of(account_id: str) -> str:
    """The proof of an account under the key of these services."""
    return account_proof(account_id, "the hash-key of tests")


def proving(account_id: str) -> dict[str, str]:
    """The metadata that proves an account."""
    return stripe_metadata(account_id, proof_of(account_id))


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


def conforms(document: str) -> None:
    """Hold a document to the catalogue: its type's schema, no field beside that, and its size."""
    values = json.loads(document)
    _validator(values["type"]).validate(values)
    assert len(document.encode()) < LARGEST


@cache
def _validator(type: str) -> Any:
    return jsonschema_rs.validator_for(closed(document_schema(type)), validate_formats=True)


def closed(schema: Any) -> Any:
    """A schema in which no object has a field beside those that it names."""
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return inner | ({"additionalProperties": False} if schema.get("type") == "object" else {})


@dataclass
class MemoryLog:
    """Timelines. Every domain event is held to the catalogue, and with `in_order` to the number
    behind that of the last event of its account.
    """

    entries: dict[tuple[str, datetime, str, str], Entry] = field(default_factory=dict)
    kept: dict[str, KeptEvent] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    in_order: bool = True

    def put(self, entries: Iterable[Entry]) -> None:
        self.entries |= {self._key(entry): entry for entry in entries}

    def put_once(self, entry: Entry) -> bool:
        is_new = self._key(entry) not in self.entries
        if is_new:
            self.put([entry])
        return is_new

    def missing(self, entries: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in entries if self._key(entry) not in self.entries]

    def put_event(self, event: EventEntry, place: FeedPlace) -> bool:
        is_new = self._key(event.entry) not in self.entries
        if is_new:
            values = json.loads(event.document)
            account_id, number = values["data"]["account_id"], values["sequence"]
            conforms(event.document)
            if self.in_order:
                assert number == self.numbers.get(account_id, 0) + 1, event.entry.id
            self.put([event.entry])
            self.numbers[account_id] = number
            self.kept[event.entry.id] = KeptEvent(place, event.entry.type, event.document)
        return is_new

    def events(self, pointers: Sequence[EventPointer]) -> dict[EventPointer, KeptEvent]:
        there = {key[3] for key in self.entries}
        return {one: self.kept[one.id] for one in pointers if one.id in self.kept.keys() & there}

    def _key(self, entry: Entry) -> tuple[str, datetime, str, str]:
        return entry.account_id, entry.at, entry.kind, entry.id


@dataclass
class MemoryFeed:
    """The feed's rows by segment."""

    segments: dict[str, list[FeedRow]] = field(default_factory=dict)

    def last(self, segment: str) -> FeedRow | None:
        rows = self.segments.get(segment, [])
        return rows[-1] if rows else None

    def append(self, row: FeedRow) -> None:
        rows = self.segments.setdefault(row.place.segment, [])
        if row.place.number <= len(rows):
            raise ConcurrentUpdate("Another publisher was faster.")
        assert row.place.number == len(rows) + 1, "the feed has no holes"
        rows.append(row)

    def rows(self, segment: str, first: int) -> list[FeedRow]:
        return self.segments.get(segment, [])[first - 1 : first + 1]


@dataclass
class MemoryPartitions:
    """The timelines of accounts in memory."""

    timeline: MemoryLog
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
class MemoryQueue:
    messages: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        self.messages.append((body, dict(attributes or {})))


@dataclass
class MemoryWork:
    """A queue of things to do."""

    waiting: list[dict[str, str]] = field(default_factory=list)

    def send(self, work: Mapping[str, str]) -> None:
        self.waiting.append(dict(work))

    def send_many(self, work: Sequence[Mapping[str, str]]) -> None:
        self.waiting += map(dict, work)

    def depth(self) -> int:
        return len(self.waiting)


@dataclass
class MemoryGroups:
    """A queue of things to do by group, which takes the same thing once."""

    waiting: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    known: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def send_many(self, work: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        for group, one in work:
            if (group, dict(one)) not in self.known:
                self.known.append((group, dict(one)))
                self.waiting.append((group, dict(one)))


@dataclass
class MemoryEndpoints:
    """The endpoints of outgoing webhooks; `stale` is what publishers still remember."""

    kept: str = dump(Endpoints())
    stale: Endpoints | None = None

    def load(self) -> Endpoints:
        return load(self.kept, Endpoints)

    def remembered(self) -> Endpoints:
        return self.stale or self.load()

    def save(self, old: Endpoints, new: Endpoints) -> None:
        if self.load().version != old.version:
            raise ConcurrentUpdate("another changes them")
        self.kept = dump(new)


@dataclass
class MemoryDeliveries:
    """Deliveries, and the index of those that wait."""

    kept: dict[DeliveryKey, Delivery] = field(default_factory=dict)

    def add(self, delivery: Delivery) -> bool:
        if delivery.key in self.kept:
            return False
        self.kept[delivery.key] = delivery
        return True

    def add_many(self, deliveries: Iterable[Delivery]) -> None:
        self.kept |= {one.key: one for one in deliveries}

    def save(self, old: Delivery, new: Delivery) -> None:
        if self.kept[old.key].version != old.version:
            raise ConcurrentUpdate("another delivers it")
        self.kept[new.key] = new

    def load(self, keys: Sequence[DeliveryKey]) -> list[Delivery]:
        return [self.kept[key] for key in dict.fromkeys(keys) if key in self.kept]

    def due(self, endpoint_id: str, now: datetime, most: int) -> list[DeliveryKey]:
        found = sorted(
            (one.next_at, one.key.at, one.key.event_id, one.key)
            for one in self.kept.values()
            if one.key.endpoint_id == endpoint_id and one.next_at and one.next_at <= now
        )
        return [key for *_, key in found[:most]]

    def due_since(self, endpoint_id: str, now: datetime) -> datetime | None:
        due = self.due(endpoint_id, now, 1)
        return self.kept[due[0]].next_at if due else None

    def later(
        self, endpoint_id: str, after: datetime, most: int
    ) -> list[tuple[datetime, DeliveryKey]]:
        found = sorted(
            (one.next_at, one.key.at, one.key.event_id, one.key)
            for one in self.kept.values()
            if one.key.endpoint_id == endpoint_id and one.next_at and one.next_at > after
        )
        return [(due_at, key) for due_at, *_, key in found[:most]]

    def page(
        self, endpoint_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Delivery], str | None]:
        found = [one for one in self.kept.values() if one.key.endpoint_id == endpoint_id]
        return sorted(found, key=lambda one: one.key.at, reverse=True), None


@dataclass
class MemoryMailCounts:
    """Counts of messages in memory, by week, step and name."""

    numbers: Counter[tuple[date, str, str]] = field(default_factory=Counter)

    def count(self, week: date, step: str, name: str) -> None:
        self.numbers[week, step, name] += 1

    def of_weeks(self, first: date, last: date) -> list[MailCount]:
        return [
            MailCount(step, **{name: number})
            for (week, step, name), number in self.numbers.items()
            if first <= week <= last
        ]


@dataclass
class MemoryFigures:
    """Figures in memory, under the same conditions as in DynamoDB; `written` counts the puts."""

    graves: set[str] = field(default_factory=set)
    texts: dict[tuple[FigureKey, str], tuple[str, int]] = field(default_factory=dict)
    summed: dict[tuple[str, date], str] = field(default_factory=dict)
    marked: dict[tuple[str, date], datetime] = field(default_factory=dict)
    written: int = 0

    def put(self, key: FigureKey, account_id: str, text: str, rank: int) -> None:
        self.written += 1
        known = self.texts.get((key, account_id))
        if known is None or known[1] <= rank:
            self.texts[key, account_id] = (text, rank)

    def kept(
        self, of: Sequence[tuple[FigureKey, str]]
    ) -> dict[tuple[FigureKey, str], tuple[str, int]]:
        return {one: self.texts[one] for one in of if one in self.texts}

    def contributions(self, key: FigureKey) -> list[str]:
        return list(self.by_hash(key).values())

    def by_hash(self, key: FigureKey) -> dict[str, str]:
        return {id: text for (of, id), (text, _) in self.texts.items() if of == key and text}

    def hash_of(self, account_id: str) -> str:
        return account_id

    def erased(self, hashes: Sequence[str]) -> set[str]:
        return {one for one in hashes if tombstone_of_account(one) in self.graves}

    def take_back(self, key: FigureKey, hash: str, rank: int) -> None:
        self.put(key, hash, "", rank)

    def rows(self, kind: str, first: date, last: date) -> dict[date, str]:
        return {
            day: text
            for (of, day), text in sorted(self.summed.items())
            if of == kind and first <= day <= last
        }

    def rows_behind(
        self, kind: str, first: date, last: date
    ) -> tuple[tuple[date, str] | None, dict[date, str]]:
        found = {day: text for (of, day), text in self.summed.items() if of == kind}
        days = [day for day in found if day < first]
        return (max(days), found[max(days)]) if days else None, self.rows(kind, first, last)

    def put_rows(self, kind: str, rows: Mapping[date, str]) -> None:
        for day, text in rows.items():
            self.summed.pop((kind, day), None)
            if text:
                self.summed[kind, day] = text

    def mark(self, key: FigureKey, at: datetime) -> None:
        self.marked[key.kind, key.day] = at

    def marks(self, kind: str) -> list[Mark]:
        return [Mark(day, at) for (of, day), at in self.marked.items() if of == kind]

    def unmark(self, kind: str, mark: Mark) -> None:
        if self.marked.get((kind, mark.day)) == mark.at:
            del self.marked[kind, mark.day]


@dataclass
class MemoryIndex:
    """The due index over accounts in memory."""

    accounts: MemoryAccounts

    def due(self, now: datetime, most: int) -> list[tuple[datetime, str]]:
        found = sorted(
            (item["due_at"]["S"], id)
            for id, item in self.accounts.items.items()
            if "due_at" in item and item["due_at"]["S"] <= stamp(now)
        )
        return [(datetime.fromisoformat(due_at), id) for due_at, id in found]


@dataclass
class MemoryWalks:
    """The walk over accounts in memory."""

    accounts: MemoryAccounts
    walk: ReplanState | None = None
    a_page: int = 2

    def load(self) -> ReplanState | None:
        return self.walk

    def save(self, old: ReplanState, new: ReplanState) -> None:
        if (self.walk.version if self.walk else 0) != old.version:
            raise ConcurrentUpdate("another walks")
        self.walk = new

    def page(self, state: ReplanState) -> tuple[list[str], str | None]:
        ids = sorted(id for id in self.accounts.items if id > (state.cursor or ""))
        page = ids[: self.a_page]
        wanted = [
            id for id in page if self.accounts.items[id].get("policy", {}).get("S") != state.hash
        ]
        return wanted, page[-1] if len(ids) > self.a_page else None


@dataclass
class MemoryRounds:
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
class MemoryPersons:
    """What is known of accounts in the people system."""

    kept: dict[str, Person] = field(default_factory=dict)

    def load(self, account_id: str) -> Person | None:
        return self.kept.get(account_id)

    def save(self, account_id: str, old: Person, new: Person) -> None:
        known = self.kept.get(account_id)
        if (known.version if known else 0) != old.version:
            raise ConcurrentUpdate("another run wrote it")
        self.kept[account_id] = new


@dataclass
class MemoryComparisons:
    """What comparisons keep, and the walk over accounts in memory."""

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
class MemoryCalls:
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
class MemoryMailboxes:
    """What counts of each mailbox."""

    kept: dict[str, str] = field(default_factory=dict)

    def load(self, identity: str) -> Mailbox:
        return load(self.kept[identity], Mailbox) if identity in self.kept else Mailbox()

    def save(self, identity: str, old: Mailbox, new: Mailbox, now: datetime) -> None:
        if self.load(identity).version != old.version:
            raise ConcurrentUpdate("another counts")
        self.kept[identity] = dump(new)


@dataclass
class FakeReader:
    """A ReaderApi that answers with what Stripe holds; `asked` counts. Down while `down`."""

    truth: Truth = NOTHING
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def customer(self, id: str) -> CustomerAnswer | None:
        raw = self._answer(f"customer {id}", lambda: self.truth.customer(id))
        return answers.customer(raw) if raw else None

    def customer_with_subscriptions(
        self, id: str
    ) -> tuple[CustomerAnswer, list[SubscriptionAnswer] | None] | None:
        raw = self._answer(f"customer-and-subscriptions of {id}", lambda: self._both(id))
        return answers.customer_with_subscriptions(raw) if raw else None

    def _both(self, id: str) -> Any:
        raw = self.truth.customer(id)
        living = [
            one
            for one in self.truth.subscriptions_of(id)
            if one["status"] not in ("canceled", "incomplete_expired")
        ]
        return raw and {**raw, "subscriptions": {"data": living, "has_more": False}}

    def subscription(self, id: str) -> SubscriptionAnswer | None:
        raw = self._answer(f"subscription {id}", lambda: self.truth.subscription(id))
        return answers.subscription(raw) if raw else None

    def subscriptions_of(self, customer: str) -> list[SubscriptionAnswer]:
        found = self._answer(
            f"subscriptions of {customer}", lambda: self.truth.subscriptions_of(customer)
        )
        return [answers.subscription(raw) for raw in found]

    def subscriptions_with_customer(
        self, customer: str
    ) -> tuple[list[SubscriptionAnswer], CustomerAnswer | None]:
        found = self._answer(
            f"subscriptions-and-customer of {customer}",
            lambda: self._expanded(self.truth.subscriptions_of(customer)),
        )
        return [answers.subscription(raw) for raw in found], answers.customer_in(found)

    def invoices_with_customer(
        self, customer: str
    ) -> tuple[list[InvoiceAnswer], CustomerAnswer | None]:
        found = self._answer(
            f"invoices-and-customer of {customer}",
            lambda: self._expanded(self.truth.invoices_of(customer)),
        )
        return [answers.invoice(raw) for raw in found], answers.customer_in(found)

    def _expanded(self, found: list[Any]) -> list[Any]:
        return [{**one, "customer": self.truth.customer(one["customer"])} for one in found]

    def invoices_of(self, customer: str) -> list[InvoiceAnswer]:
        found = self._answer(f"invoices of {customer}", lambda: self.truth.invoices_of(customer))
        return [answers.invoice(raw) for raw in found]

    def invoice(self, id: str) -> InvoiceAnswer | None:
        raw = self._answer(f"invoice {id}", lambda: self.truth.invoice(id))
        return answers.invoice(raw) if raw else None

    def payments_of(self, invoice: str) -> list[InvoicePayment]:
        found = self._answer(f"payments of {invoice}", lambda: self.truth.payments_of(invoice))
        return answers.payments(found)

    def charge(self, id: str) -> StripeCharge | None:
        found: StripeCharge | None = self._answer(f"charge {id}", lambda: None)
        return found

    def coupon(self, id: str) -> Coupon | None:
        found: Coupon | None = self._answer(f"coupon {id}", lambda: None)
        return found

    def discount_terms(self, subscription: str) -> dict[str, DiscountTerms]:
        found: dict[str, DiscountTerms] = self._answer(f"discounts of {subscription}", dict)
        return found

    def customer_discount(self, customer: str) -> dict[str, DiscountTerms]:
        found: dict[str, DiscountTerms] = self._answer(f"discount of {customer}", dict)
        return found

    def invoice_paid_by(self, payment_intent: str) -> str | None:
        found: str | None = self._answer(f"invoice paid by {payment_intent}", lambda: None)
        return found

    def _answer(self, question: str, found: Any) -> Any:
        self.asked.append(question)
        if self.down:
            raise Unavailable("Stripe gave no answer.")
        return found()


def reading(reader: Any) -> Stripe:
    """Stripe whose reads `reader` answers, and that nothing else may be asked of."""
    nothing: Any = None
    return Stripe(reader, nothing, nothing, nothing, nothing, nothing)


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
    timeline: Any = field(default_factory=MemoryLog)
    feed: Any = field(default_factory=MemoryFeed)
    dead_letters: MemoryQueue = field(default_factory=MemoryQueue)
    stripe: Any = field(default_factory=lambda: reading(FakeReader()))
    responses: Any = field(default_factory=MemoryCalls)
    now: Moment = field(default_factory=lambda: Moment(datetime(2026, 3, 2, 9, tzinfo=UTC)))
    policy: Policy = QUIET
    metrics: Counter[str] = field(default_factory=Counter)
    measures: list[tuple[str, float]] = field(default_factory=list)
    published: list[DomainEvent] = field(default_factory=list)
    events_queue: MemoryQueue = field(default_factory=MemoryQueue)
    job_states: MemoryRounds = field(default_factory=MemoryRounds)
    mailboxes: MemoryMailboxes = field(default_factory=MemoryMailboxes)
    act_queue: MemoryWork = field(default_factory=MemoryWork)
    mail_queue: MemoryWork = field(default_factory=MemoryWork)
    endpoints: MemoryEndpoints = field(default_factory=MemoryEndpoints)
    deliveries: MemoryDeliveries = field(default_factory=MemoryDeliveries)
    deliveries_queue: MemoryGroups = field(default_factory=MemoryGroups)
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
        self.replan_states = MemoryWalks(self.accounts)
        self.reconciliation = MemoryComparisons(self.accounts)
        self.figures.graves = getattr(self.accounts, "graves", set())

    @property
    def services(self) -> Services:
        return Services(
            stores=Stores(
                accounts=self.accounts,
                timeline=self.timeline,
                feed=self.feed,
                responses=self.responses,
                due_index=MemoryIndex(self.accounts),
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
