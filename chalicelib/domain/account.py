"""One customer of the product: what is known, and how it learns. Pure, and a join: neither the
order nor the number of the facts matters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.broadcasts import Broadcast, BroadcastWanted
from chalicelib.domain.checkouts import Checkout, further, is_deleted
from chalicelib.domain.errands import AT_ONCE, Errand, furthest
from chalicelib.domain.facts import (
    INVOICE_RANKS,
    AddressProved,
    Answer,
    Answered,
    Ask,
    CardGiven,
    CardSeen,
    CheckoutCompleted,
    ConsentGiven,
    Customer,
    CustomerSeen,
    DisputeSeen,
    Event,
    Invoice,
    InvoiceSeen,
    MilestoneReached,
    RefundSeen,
    SignedIn,
    SignInAsked,
    StripeFact,
    Subscription,
    SubscriptionSeen,
)
from chalicelib.domain.happenings import Happening
from chalicelib.domain.leaving import (
    AlternativeTaken,
    Feedback,
    FeedbackGiven,
    Leave,
    LeaveAsked,
    LeaveConfirmed,
    LeavingFact,
    Withdrawn,
    learn_of_leaving,
)
from chalicelib.domain.newer import Known, newest
from chalicelib.domain.plan_changes import PlanChange
from chalicelib.domain.standing import Standing

DISPUTES_WON = frozenset({"won", "warning_closed", "prevented"})
"""Statuses of a dispute after which nothing is left of it (docs.stripe.com/api/disputes/object)."""

DISPUTES_SETTLED = DISPUTES_WON | {"lost"}
"""Statuses of a dispute that no later news changes."""

INVOICES_KEPT = 12
ENDED_KEPT = 5
CARDS_KEPT = 5


@dataclass(frozen=True, slots=True)
class Billed:
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
class GrantGiven:
    """Access was given by hand; the same again gives nothing more."""

    grant: Grant


@dataclass(frozen=True, slots=True)
class Mailed:
    """What became of a message: `queued`, `sent`, `passed` (its time was over), `refused` (the
    address is suppressed, or SES said no), `held_out` (see domain/hold_out.py) or `unclear` (SES
    may have taken it; it is not sent again).
    """

    outcome: str
    at: datetime
    stream: str


@dataclass(frozen=True, slots=True)
class MailDone:
    """What became of the message of a step for an occasion, `step@occasion`."""

    key: str
    mailed: Mailed


@dataclass(frozen=True, slots=True)
class SignedUp:
    """A visitor signed up."""

    signup: Signup
    profile: Profile


@dataclass(frozen=True, slots=True)
class ErrandKnown:
    """How far an errand is. One that is new to the account is given by this; one that is done stays
    done.
    """

    name: str
    errand: Errand


@dataclass(frozen=True, slots=True)
class CheckoutKnown:
    """The Checkout that is begun, made or closed."""

    checkout: Checkout


SIGN_IN_EVERY = timedelta(minutes=15)
"""One sign-in mail an address in so long; so long the link in it works."""

PersonFact = (
    MilestoneReached | ConsentGiven | MailDone | SignedUp | AddressProved | SignInAsked | SignedIn
)
Fact = (
    StripeFact
    | Answered
    | Ask
    | PersonFact
    | ErrandKnown
    | CheckoutKnown
    | CardGiven
    | GrantGiven
    | BroadcastWanted
    | LeavingFact
)
"""All that an account can learn; an Ask is that something must be asked of Stripe."""


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
    customers: Mapping[str, Known[Customer]] = field(default_factory=dict)
    subscriptions: Mapping[str, Known[Subscription]] = field(default_factory=dict)
    ended: Mapping[str, datetime] = field(default_factory=dict)
    invoices: Mapping[str, Billed] = field(default_factory=dict)
    signup: Signup | None = None
    grants: tuple[Grant, ...] = ()
    milestones: Mapping[str, datetime] = field(default_factory=dict)
    mails: Mapping[str, Mailed] = field(default_factory=dict)
    unsubscribed: Mapping[str, datetime] = field(default_factory=dict)
    proved_at: datetime | None = None
    link_epoch: int = 0
    sign_in_asked_at: datetime | None = None
    signed_in_by: datetime | None = None
    errands: Mapping[str, Errand] = field(default_factory=dict)
    checkout: Checkout | None = None
    card_given_at: datetime | None = None
    cards: Mapping[str, CardSeen] = field(default_factory=dict)
    plan_change: PlanChange | None = None
    owed_asked_at: datetime | None = None
    history_until: datetime | None = None
    restored_at: datetime | None = None
    broadcasts: Mapping[str, Broadcast] = field(default_factory=dict)
    disputes: Mapping[str, str] = field(default_factory=dict)
    leave: Leave | None = None
    left_by: datetime | None = None
    withdrawn_at: datetime | None = None
    alternatives: Mapping[str, datetime] = field(default_factory=dict)
    feedback: Mapping[str, Feedback] = field(default_factory=dict)
    departed_at: datetime | None = None
    failures: int = 0
    asked_in_vain: int = 0
    resting_until: datetime | None = None
    asks: tuple[Ask, ...] = ()
    standing: Standing | None = None
    outbox: tuple[Happening, ...] = ()
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
        known: Known[Customer] | Known[Subscription] | None = self.customers.get(
            id
        ) or self.subscriptions.get(id)
        return known.mark if known else ""

    def learn(self, fact: Fact) -> "Account":
        """The account that also knows `fact`. What Stripe alone can settle is added to `asks`."""
        match fact:
            case CustomerSeen(customer, by):
                return self._learn_customer(customer, by)
            case SubscriptionSeen(subscription, by):
                return self._learn_subscription(subscription, by)
            case InvoiceSeen(invoice, at, bank_asks):
                return self._learn_invoice(
                    Billed(invoice, at, invoice.attempt_count if bank_asks else 0)
                )
            case CardSeen(card):
                return self._learn_card(card.id, fact)
            case (
                ErrandKnown()
                | CheckoutKnown()
                | CheckoutCompleted()
                | CardGiven()
                | DisputeSeen()
                | RefundSeen()
            ):
                return self._learn_of_checkout(fact)
            case GrantGiven() | BroadcastWanted():
                return self._learn_of_operators(fact)
            case (
                LeaveAsked() | LeaveConfirmed() | AlternativeTaken() | Withdrawn() | FeedbackGiven()
            ):
                return learn_of_leaving(self, fact)
            case Ask():
                return self.asking(fact)
            case Answered():
                return self._learn_answer(fact)
        return self._learn_of_person(fact)

    def _learn_answer(self, answered: Answered) -> "Account":
        account = replace(self, asks=tuple(known for known in self.asks if known != answered.ask))
        for inner in answered.facts:
            account = account.learn(inner)
        return account

    def asking(self, ask: Ask) -> "Account":
        """The account that waits for Stripe's answer to `ask`."""
        return self if ask in self.asks else replace(self, asks=tuple(sorted({*self.asks, ask})))

    def _learn_of_person(self, fact: PersonFact) -> "Account":
        match fact:
            case MilestoneReached(name, at):
                earliest = min(at, self.milestones.get(name, at))
                return (
                    self
                    if self.milestones.get(name) == earliest
                    else replace(self, milestones={**self.milestones, name: earliest})
                )
            case ConsentGiven(stream, wanted, at):
                left = {key: since for key, since in self.unsubscribed.items() if key != stream} | (
                    {} if wanted else {stream: at}
                )
                return (
                    self
                    if wanted is (stream not in self.unsubscribed)
                    else replace(self, unsubscribed=left)
                )
            case MailDone(key, mailed):
                return replace(self, mails={**self.mails, key: mailed})
            case SignedUp(signup, profile):
                return (
                    self
                    if self.signup
                    else replace(self, signup=signup, profile=profile)._with_trial_to_start(
                        signup.at
                    )
                )
            case AddressProved(at):
                return self._learn_proof(at)
            case SignInAsked(at):
                last = self.sign_in_asked_at
                return (
                    self
                    if last and at < last + SIGN_IN_EVERY
                    else replace(self, sign_in_asked_at=at)
                )
            case SignedIn(asked_at):
                return (
                    self
                    if self.signed_in_by and asked_at <= self.signed_in_by
                    else replace(self, signed_in_by=asked_at)
                )

    def _learn_of_operators(self, fact: GrantGiven | BroadcastWanted) -> "Account":
        match fact:
            case GrantGiven(grant):
                grants = sorted(
                    {*self.grants, grant}, key=lambda one: (one.until, one.plan or "", one.note)
                )
                return self if grant in self.grants else replace(self, grants=tuple(grants))
            case BroadcastWanted(name, broadcast):
                return (
                    self
                    if name in self.broadcasts
                    else replace(self, broadcasts={**self.broadcasts, name: broadcast})
                )

    def _with_trial_to_start(self, at: datetime) -> "Account":
        return (
            self
            if self.signup is None or self.signup.confirm
            else self.learn(ErrandKnown("trial", Errand(at + AT_ONCE, at)))
        )

    def _learn_proof(self, at: datetime) -> "Account":
        if self.proved_at is not None:
            return self
        account = replace(self, proved_at=at, link_epoch=self.link_epoch + 1)
        if account.signup is None or not account.signup.confirm:
            return account
        length = account.signup.trial_ends_at - account.signup.at
        return replace(
            account, signup=replace(account.signup, confirm=False, at=at, trial_ends_at=at + length)
        )._with_trial_to_start(at)

    def _learn_of_checkout(
        self,
        fact: (
            ErrandKnown | CheckoutKnown | CheckoutCompleted | CardGiven | DisputeSeen | RefundSeen
        ),
    ) -> "Account":
        match fact:
            case ErrandKnown(name, errand):
                known = furthest(self.errands.get(name), errand)
                return (
                    self
                    if known == self.errands.get(name)
                    else replace(self, errands={**self.errands, name: known})
                )
            case CheckoutKnown(checkout):
                newest_one = further(self.checkout, checkout)
                return self if newest_one == self.checkout else replace(self, checkout=newest_one)
            case CheckoutCompleted(session, mode, _, at):
                account = self
                if self.checkout and self.checkout.session == session and not self.checkout.closed:
                    account = replace(self, checkout=replace(self.checkout, closed=True))
                name = f"card:{session}"
                return (
                    account
                    if mode != "setup" or name in account.errands
                    else account.learn(ErrandKnown(name, Errand(at, at)))
                )
            case CardGiven(_, at):
                return (
                    self
                    if self.card_given_at and at <= self.card_given_at
                    else replace(self, card_given_at=at)
                )
            case RefundSeen():
                return self
            case DisputeSeen(id, _, status, _):
                settled = self.disputes.get(id) in DISPUTES_SETTLED
                return (
                    self
                    if settled or self.disputes.get(id) == status
                    else replace(self, disputes={**self.disputes, id: status})
                )

    def _learn_customer(self, customer: Customer, by: Event | Answer) -> "Account":
        ask, stored = Ask("customer", customer.id), self.customers.get(customer.id)
        verdict = newest(stored, customer, by)
        if verdict is None:
            return self.asking(ask)
        account = (
            self
            if verdict == stored
            else replace(self, customers={**self.customers, customer.id: verdict})
        )
        return account.asking(ask) if verdict.doubts else account

    def _learn_subscription(self, subscription: Subscription, by: Event | Answer) -> "Account":
        if subscription.id in self.ended:
            return self
        ask, stored = Ask("subscription", subscription.id), self.subscriptions.get(subscription.id)
        verdict = newest(stored, subscription, by)
        if verdict is None:
            return self.asking(ask)
        account = self
        if verdict != stored:
            account = replace(
                self, subscriptions={**self.subscriptions, subscription.id: verdict}
            )._with_old_ones_buried()
        if (
            stored
            and isinstance(by, Event)
            and verdict.value.final
            and not stored.value.final
            and not is_deleted(self, subscription.customer)
        ):
            # It may have ended with its customer. Should that news be lost, nothing else would
            # tell: only what lives is compared, and owes news.
            account = account.asking(Ask("customer", subscription.customer))
        return account.asking(ask) if verdict.doubts else account

    def _with_old_ones_buried(self) -> "Account":
        ended = sorted(
            (known.value for known in self.subscriptions.values() if known.value.final),
            key=lambda value: (value.created, value.id),
            reverse=True,
        )
        buried = {value.id: value.ended_at or value.created for value in ended[ENDED_KEPT:]}
        if not buried:
            return self
        return replace(
            self,
            subscriptions={
                id: known for id, known in self.subscriptions.items() if id not in buried
            },
            ended={**self.ended, **buried},
            invoices={
                id: billed
                for id, billed in self.invoices.items()
                if billed.value.subscription not in buried
            },
        )

    def _learn_invoice(self, news: Billed) -> "Account":
        invoice = news.value
        stored = self.invoices.get(invoice.id)
        if invoice.subscription in self.ended:
            return self
        if stored:
            further_one = stored if _further(stored) >= _further(news) else news
            news = replace(further_one, bank_asked=max(stored.bank_asked, news.bank_asked))
            invoice = news.value
        siblings = [
            billed.value
            for billed in self.invoices.values()
            if billed.value.subscription == invoice.subscription
        ]
        siblings = [sibling for sibling in siblings if sibling.id != invoice.id] + [invoice]
        dropped = {
            old.id
            for old in sorted(siblings, key=lambda value: (value.created, value.id))[
                :-INVOICES_KEPT
            ]
        }
        invoices = {
            id: billed
            for id, billed in {**self.invoices, invoice.id: news}.items()
            if id not in dropped
        }
        return self if invoices == self.invoices else replace(self, invoices=invoices)

    def _learn_card(self, id: str, seen: CardSeen) -> "Account":
        known = max(
            (one for one in (self.cards.get(id), seen) if one),
            key=lambda one: (one.at, repr(one.card)),
        )
        newest_ones = sorted(
            {**self.cards, id: known}.items(), key=lambda pair: (pair[1].at, pair[0])
        )[-CARDS_KEPT:]
        return self if dict(newest_ones) == self.cards else replace(self, cards=dict(newest_ones))


def _further(billed: Billed) -> tuple[int, int, datetime, str]:
    """How far an invoice has come. The last two only make the choice among equals the same in every
    order.
    """
    invoice = billed.value
    return INVOICE_RANKS[invoice.status], invoice.attempt_count, billed.seen, repr(invoice)
