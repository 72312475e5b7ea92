"""The account: all that Billhook keeps of one customer of the product."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.domain.account.cancellation import CancellationRequest, ExitFeedback
from chalicelib.domain.account.checkout import Checkout
from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.messages import Broadcast, MessageRecord
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.stripe_objects.objects import Card, Customer, Invoice, Subscription

DISPUTES_WON = frozenset({"won", "warning_closed", "prevented"})
"""Statuses of a dispute after which nothing is left of it (docs.stripe.com/api/disputes/object)."""


@dataclass(frozen=True, slots=True)
class TrackedInvoice:
    """An invoice as last heard of. `bank_asked` is the number of the attempt that the bank last
    wanted the customer to confirm; 0 for none.
    """

    value: Invoice
    seen: datetime
    bank_asked: int = 0

    @property
    def bank_asks(self) -> bool:
        """Whether it was the last attempt that the bank wants to be confirmed."""
        return 0 < self.value.attempt_count <= self.bank_asked


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the customer is, as the product and the signup told it."""

    email: str | None = None
    name: str | None = None
    external_id: str | None = None
    timezone: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signup:
    """A trial promised at signup, with its end fixed, which Stripe may not know of yet. While it
    waits to be confirmed by a mailed link (`confirm`) it has not begun: then it begins and, as much
    later, ends. `identities` are what may have one trial only. `currency` None is the owner's own.
    """

    plan: str
    trial_ends_at: datetime
    at: datetime
    source: str | None = None
    interval: str = "month"
    confirm: bool = False
    identities: tuple[str, ...] = ()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Access given by hand until a moment; `plan` None gives access without a plan's features."""

    until: datetime
    plan: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CardSnapshot:
    """A card as it was at a moment: banks renew them, so a later look counts more."""

    card: Card
    at: datetime


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What a running subscription was before it became another plan, or more or fewer seats. `at`
    is when that was heard.
    """

    subscription: str
    at: datetime
    plan: str
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """All that Billhook knows of one customer, and what was last written with it: standing, outbox,
    the policy's hash and the next due moment.

    `mails` is by `step@occasion`; `unsubscribed` by stream; `departed_at` is when access ended,
    while there is none; `failures` count the acts that failed in a row, and until `resting_until`
    nothing is tried; `asked_in_vain` counts how often Stripe did not answer. `proved_at` is when a
    mailed link was first opened, which raises `link_epoch`; `signed_in_by` is the newest sign-in
    link that was used; `owed_asked_at` is when Stripe was last asked for news that it owed; what
    was before `history_until` was before Billhook knew; `restored_at` is when the account was last
    restored from a backup. `cards` are the last seen, whether they pay or not; `plan_change` is the
    last there was. `broadcasts` are by name. `leave` is the last wish to leave at once, and
    `left_by` the newest that was confirmed; `alternatives` says when each kind was last taken,
    `feedback` what was answered, by occasion.
    """

    id: str
    version: int = 0
    epoch: int = 0
    profile: Profile = field(default_factory=Profile)
    customers: Mapping[str, Tracked[Customer]] = field(default_factory=dict)
    subscriptions: Mapping[str, Tracked[Subscription]] = field(default_factory=dict)
    ended: Mapping[str, datetime] = field(default_factory=dict)
    invoices: Mapping[str, TrackedInvoice] = field(default_factory=dict)
    signup: Signup | None = None
    grants: tuple[Grant, ...] = ()
    milestones: Mapping[str, datetime] = field(default_factory=dict)
    mails: Mapping[str, MessageRecord] = field(default_factory=dict)
    unsubscribed: Mapping[str, datetime] = field(default_factory=dict)
    proved_at: datetime | None = None
    link_epoch: int = 0
    sign_in_asked_at: datetime | None = None
    signed_in_by: datetime | None = None
    errands: Mapping[str, PendingOperation] = field(default_factory=dict)
    checkout: Checkout | None = None
    card_given_at: datetime | None = None
    cards: Mapping[str, CardSnapshot] = field(default_factory=dict)
    plan_change: PlanChange | None = None
    owed_asked_at: datetime | None = None
    history_until: datetime | None = None
    restored_at: datetime | None = None
    broadcasts: Mapping[str, Broadcast] = field(default_factory=dict)
    disputes: Mapping[str, str] = field(default_factory=dict)
    leave: CancellationRequest | None = None
    left_by: datetime | None = None
    withdrawn_at: datetime | None = None
    alternatives: Mapping[str, datetime] = field(default_factory=dict)
    feedback: Mapping[str, ExitFeedback] = field(default_factory=dict)
    departed_at: datetime | None = None
    failures: int = 0
    asked_in_vain: int = 0
    resting_until: datetime | None = None
    asks: tuple[FetchRequest, ...] = ()
    standing: Standing | None = None
    outbox: tuple[DomainEvent, ...] = ()
    written_at: datetime | None = None
    policy: str | None = None
    due_at: datetime | None = None

    @property
    def email(self) -> str | None:
        """Where to write: the address of the signup, else that of the customer at Stripe (the last
        by id, should there be several).
        """
        return self.profile.email or next(
            (c.email for c in self._living_customers() if c.email), None
        )

    @property
    def name(self) -> str | None:
        """The name given at the signup, else Stripe's."""
        return self.profile.name or next((c.name for c in self._living_customers() if c.name), None)

    @property
    def proved(self) -> bool:
        """Whether the address is known to be its owner's: a mailed link was opened, the product is
        used, or nobody typed it into a form.
        """
        return self.signup is None or self.proved_at is not None or bool(self.milestones)

    @property
    def disputed(self) -> bool:
        """Whether a payment is disputed, or was and the dispute was not won."""
        return any(status not in DISPUTES_WON for status in self.disputes.values())

    def _living_customers(self) -> list[Customer]:
        return [
            self.customers[id].value
            for id in sorted(self.customers, reverse=True)
            if not self.customers[id].value.deleted
        ]

    def mark(self, id: str) -> str:
        """A name for what is known of a customer or a subscription now: an answer
        is fenced by it."""
        known: Tracked[Customer] | Tracked[Subscription] | None = self.customers.get(
            id
        ) or self.subscriptions.get(id)
        return known.mark if known else ""

    def asking(self, ask: FetchRequest) -> "Account":
        """The account that waits for Stripe's answer to `ask`."""
        return self if ask in self.asks else replace(self, asks=tuple(sorted({*self.asks, ask})))
