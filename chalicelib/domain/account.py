"""One customer of the product: the state that Billhook keeps, and how each kind of fact changes it.

Applying facts is commutative and idempotent: neither their order nor their number matters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.broadcasts import Broadcast, BroadcastWanted
from chalicelib.domain.checkouts import Checkout, further, is_deleted
from chalicelib.domain.errands import AT_ONCE, Errand, furthest
from chalicelib.domain.facts import (
    INVOICE_RANKS,
    AddressProved,
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
    ASKED_EVERY,
    CHANGEABLE,
    AlternativeTaken,
    Feedback,
    FeedbackGiven,
    Leave,
    LeaveAsked,
    LeaveConfirmed,
    LeavingFact,
    Withdrawn,
    is_asked,
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

    def asking(self, ask: Ask) -> "Account":
        """The account that waits for Stripe's answer to `ask`."""
        return self if ask in self.asks else replace(self, asks=tuple(sorted({*self.asks, ask})))


def apply(account: Account, fact: Fact) -> Account:
    """The account that also knows `fact`, the same object if the fact changes nothing. What Stripe
    alone can settle is added to `asks`.
    """
    return _RULES[type(fact)](account, fact)


def _apply_customer(account: Account, fact: CustomerSeen) -> Account:
    customer = fact.customer
    ask, stored = Ask("customer", customer.id), account.customers.get(customer.id)
    verdict = newest(stored, customer, fact.by)
    if verdict is None:
        return account.asking(ask)
    if verdict != stored:
        account = replace(account, customers={**account.customers, customer.id: verdict})
    return account.asking(ask) if verdict.doubts else account


def _apply_subscription(account: Account, fact: SubscriptionSeen) -> Account:
    subscription = fact.subscription
    if subscription.id in account.ended:
        return account
    ask, stored = Ask("subscription", subscription.id), account.subscriptions.get(subscription.id)
    verdict = newest(stored, subscription, fact.by)
    if verdict is None:
        return account.asking(ask)
    may_have_ended_with_its_customer = (
        stored is not None
        and isinstance(fact.by, Event)
        and verdict.value.final
        and not stored.value.final
        and not is_deleted(account, subscription.customer)
    )
    if verdict != stored:
        subscriptions = {**account.subscriptions, subscription.id: verdict}
        account = _without_old_ended_ones(replace(account, subscriptions=subscriptions))
    if may_have_ended_with_its_customer:
        # Only what is alive is compared with Stripe and has expected updates: if the event about
        # the customer is lost, nothing else would bring it.
        account = account.asking(Ask("customer", subscription.customer))
    return account.asking(ask) if verdict.doubts else account


def _without_old_ended_ones(account: Account) -> Account:
    """The account with the newest ENDED_KEPT ended subscriptions; of older ones the end alone."""
    final = [known.value for known in account.subscriptions.values() if known.value.final]
    ended = sorted(final, key=lambda value: (value.created, value.id), reverse=True)
    dropped = {value.id: value.ended_at or value.created for value in ended[ENDED_KEPT:]}
    if not dropped:
        return account
    return replace(
        account,
        subscriptions={
            id: known for id, known in account.subscriptions.items() if id not in dropped
        },
        ended={**account.ended, **dropped},
        invoices={
            id: billed
            for id, billed in account.invoices.items()
            if billed.value.subscription not in dropped
        },
    )


def _apply_invoice(account: Account, fact: InvoiceSeen) -> Account:
    invoice = fact.invoice
    news = Billed(invoice, fact.at, invoice.attempt_count if fact.bank_asks else 0)
    stored = account.invoices.get(invoice.id)
    if invoice.subscription in account.ended:
        return account
    if stored:
        further_one = stored if _further(stored) >= _further(news) else news
        news = replace(further_one, bank_asked=max(stored.bank_asked, news.bank_asked))
        invoice = news.value
    siblings = [
        billed.value
        for billed in account.invoices.values()
        if billed.value.subscription == invoice.subscription
    ]
    siblings = [sibling for sibling in siblings if sibling.id != invoice.id] + [invoice]
    oldest_first = sorted(siblings, key=lambda value: (value.created, value.id))
    dropped = {old.id for old in oldest_first[:-INVOICES_KEPT]}
    invoices = {
        id: billed
        for id, billed in {**account.invoices, invoice.id: news}.items()
        if id not in dropped
    }
    return account if invoices == account.invoices else replace(account, invoices=invoices)


def _further(billed: Billed) -> tuple[int, int, datetime, str]:
    """How far an invoice has come. The last two only make the choice among equals the same in
    every order.
    """
    invoice = billed.value
    return INVOICE_RANKS[invoice.status], invoice.attempt_count, billed.seen, repr(invoice)


def _apply_card(account: Account, seen: CardSeen) -> Account:
    id = seen.card.id
    known = max(
        (one for one in (account.cards.get(id), seen) if one),
        key=lambda one: (one.at, repr(one.card)),
    )
    oldest_first = sorted({**account.cards, id: known}.items(), key=lambda one: (one[1].at, one[0]))
    cards = dict(oldest_first[-CARDS_KEPT:])
    return account if cards == account.cards else replace(account, cards=cards)


def _apply_answer(account: Account, answered: Answered) -> Account:
    open_asks = tuple(known for known in account.asks if known != answered.ask)
    account = replace(account, asks=open_asks)
    for fact in answered.facts:
        account = apply(account, fact)
    return account


def _apply_completed_checkout(account: Account, fact: CheckoutCompleted) -> Account:
    checkout = account.checkout
    if checkout and checkout.session == fact.session and not checkout.closed:
        account = replace(account, checkout=replace(checkout, closed=True))
    name = f"card:{fact.session}"
    if fact.mode != "setup" or name in account.errands:
        return account
    return apply(account, ErrandKnown(name, Errand(fact.at, fact.at)))


def _apply_errand(account: Account, fact: ErrandKnown) -> Account:
    known = account.errands.get(fact.name)
    now_known = furthest(known, fact.errand)
    if now_known == known:
        return account
    return replace(account, errands={**account.errands, fact.name: now_known})


def _apply_checkout(account: Account, fact: CheckoutKnown) -> Account:
    checkout = further(account.checkout, fact.checkout)
    return account if checkout == account.checkout else replace(account, checkout=checkout)


def _apply_given_card(account: Account, fact: CardGiven) -> Account:
    if account.card_given_at and fact.at <= account.card_given_at:
        return account
    return replace(account, card_given_at=fact.at)


def _apply_dispute(account: Account, fact: DisputeSeen) -> Account:
    known = account.disputes.get(fact.id)
    if known in DISPUTES_SETTLED or known == fact.status:
        return account
    return replace(account, disputes={**account.disputes, fact.id: fact.status})


def _apply_refund(account: Account, fact: RefundSeen) -> Account:
    """A refund is for the timeline alone: it changes no access."""
    return account


def _apply_milestone(account: Account, fact: MilestoneReached) -> Account:
    known = account.milestones.get(fact.name)
    earliest = min(fact.at, known or fact.at)
    if known == earliest:
        return account
    return replace(account, milestones={**account.milestones, fact.name: earliest})


def _apply_consent(account: Account, fact: ConsentGiven) -> Account:
    if fact.wanted is (fact.stream not in account.unsubscribed):
        return account
    others = {key: at for key, at in account.unsubscribed.items() if key != fact.stream}
    return replace(
        account, unsubscribed=others if fact.wanted else {**others, fact.stream: fact.at}
    )


def _apply_mail(account: Account, fact: MailDone) -> Account:
    return replace(account, mails={**account.mails, fact.key: fact.mailed})


def _apply_signup(account: Account, fact: SignedUp) -> Account:
    if account.signup:
        return account
    account = replace(account, signup=fact.signup, profile=fact.profile)
    return _with_trial_to_start(account, fact.signup.at)


def _apply_proof(account: Account, fact: AddressProved) -> Account:
    if account.proved_at is not None:
        return account
    at = fact.at
    account = replace(account, proved_at=at, link_epoch=account.link_epoch + 1)
    signup = account.signup
    if signup is None or not signup.confirm:
        return account
    ends_at = at + (signup.trial_ends_at - signup.at)
    signup = replace(signup, confirm=False, at=at, trial_ends_at=ends_at)
    return _with_trial_to_start(replace(account, signup=signup), at)


def _with_trial_to_start(account: Account, at: datetime) -> Account:
    if account.signup is None or account.signup.confirm:
        return account
    return apply(account, ErrandKnown("trial", Errand(at + AT_ONCE, at)))


def _apply_sign_in_request(account: Account, fact: SignInAsked) -> Account:
    last = account.sign_in_asked_at
    if last and fact.at < last + SIGN_IN_EVERY:
        return account
    return replace(account, sign_in_asked_at=fact.at)


def _apply_sign_in(account: Account, fact: SignedIn) -> Account:
    if account.signed_in_by and fact.asked_at <= account.signed_in_by:
        return account
    return replace(account, signed_in_by=fact.asked_at)


def _apply_grant(account: Account, fact: GrantGiven) -> Account:
    if fact.grant in account.grants:
        return account
    grants = sorted(
        {*account.grants, fact.grant}, key=lambda one: (one.until, one.plan or "", one.note)
    )
    return replace(account, grants=tuple(grants))


def _apply_broadcast(account: Account, fact: BroadcastWanted) -> Account:
    if fact.name in account.broadcasts:
        return account
    return replace(account, broadcasts={**account.broadcasts, fact.name: fact.broadcast})


def _apply_wish_to_leave(account: Account, fact: LeaveAsked) -> Account:
    leave, known = fact.leave, account.leave if is_asked(account) else None
    repeated = known and known.what == leave.what and leave.at < known.at + ASKED_EVERY
    return account if repeated else replace(account, leave=leave)


def _apply_confirmed_leave(account: Account, fact: LeaveConfirmed) -> Account:
    if account.left_by and fact.asked_at <= account.left_by:
        return account
    return replace(account, left_by=fact.asked_at)


def _apply_alternative(account: Account, fact: AlternativeTaken) -> Account:
    last = account.alternatives.get(fact.kind)
    if last and fact.at <= last:
        return account
    return replace(account, alternatives={**account.alternatives, fact.kind: fact.at})


def _apply_withdrawal(account: Account, fact: Withdrawn) -> Account:
    if account.withdrawn_at and fact.at <= account.withdrawn_at:
        return account
    return replace(account, withdrawn_at=fact.at)


def _apply_feedback(account: Account, fact: FeedbackGiven) -> Account:
    known = account.feedback.get(fact.occasion)
    if known and not known.at <= fact.at < known.at + CHANGEABLE:
        return account
    given = Feedback(fact.answer, known.at if known else fact.at, fact.comment)
    if given == known:
        return account
    return replace(account, feedback={**account.feedback, fact.occasion: given})


_RULES: Mapping[type, Callable[[Account, Any], Account]] = {
    CustomerSeen: _apply_customer,
    SubscriptionSeen: _apply_subscription,
    InvoiceSeen: _apply_invoice,
    CardSeen: _apply_card,
    Ask: Account.asking,
    Answered: _apply_answer,
    CheckoutCompleted: _apply_completed_checkout,
    DisputeSeen: _apply_dispute,
    RefundSeen: _apply_refund,
    ErrandKnown: _apply_errand,
    CheckoutKnown: _apply_checkout,
    CardGiven: _apply_given_card,
    SignedUp: _apply_signup,
    AddressProved: _apply_proof,
    SignInAsked: _apply_sign_in_request,
    SignedIn: _apply_sign_in,
    MilestoneReached: _apply_milestone,
    ConsentGiven: _apply_consent,
    MailDone: _apply_mail,
    BroadcastWanted: _apply_broadcast,
    GrantGiven: _apply_grant,
    LeaveAsked: _apply_wish_to_leave,
    LeaveConfirmed: _apply_confirmed_leave,
    AlternativeTaken: _apply_alternative,
    Withdrawn: _apply_withdrawal,
    FeedbackGiven: _apply_feedback,
}
"""One rule for each kind of fact. Each is idempotent, and the result does not depend on the order
in which facts arrive.
"""
