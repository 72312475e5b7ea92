"""The account: all that Billhook keeps about one customer of the product."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from chalicelib.domain.account.cancellation import (
    CancellationRequest,
    ExitFeedback,
    OwnPause,
    Refund,
)
from chalicelib.domain.account.domain_event import DomainEvent
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.joins import RefusedJoin
from chalicelib.domain.account.messages import Broadcast, MessageRecord, NoticeComplaint
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import Tracked
from chalicelib.domain.account.parts.checkout import Checkout
from chalicelib.domain.account.parts.figures import FigureRecord, TrialRecord
from chalicelib.domain.account.parts.instance import Instance
from chalicelib.domain.account.parts.invoices import PaymentState, TrackedInvoice
from chalicelib.domain.account.parts.signup import PendingSignup, Signup
from chalicelib.domain.account.profile import AddressChange, PreviousEmail, Profile, ProfileChange
from chalicelib.domain.account.standing import Standing
from chalicelib.domain.policy.languages import LANGUAGES, language_code
from chalicelib.domain.security.openings import LinkOpening
from chalicelib.domain.stripe_objects.objects import Card, Customer, Subscription
from chalicelib.domain.stripe_objects.recurring import DiscountTerms, RecurringChange
from chalicelib.values import frozen, replace

DISPUTES_WON = frozenset({"won", "warning_closed", "prevented"})
"""Final statuses of a dispute that leave the payment with the owner
(docs.stripe.com/api/disputes/object).
"""

AT_STRIPE = {"email": "email", "name": "name", "language": "locale"}
"""The fields of a profile that Stripe's customer has too, and their names there."""


_NOTHING_REPORTED = PaymentState()


@frozen
class Grant:
    """Access that an operator granted until a time; without a plan (None) it has no features."""

    until: datetime
    plan: str | None = None
    note: str = ""


@frozen
class CardSnapshot:
    """A card as it was at a time. Banks renew cards, so the later snapshot wins."""

    card: Card
    at: datetime


@frozen
class PlanChange:
    """The plan and quantity of a running subscription before its last change. `at` is when Billhook
    learned of the change.
    """

    subscription: str
    at: datetime
    plan: str
    quantity: int | None = None


@frozen
class Account:
    """All that Billhook keeps about one customer. The names of the fields are stored.

    What the sources reported:

    - `customers`, `subscriptions`, `invoices`, `cards`: Stripe's objects by id. `payments`: the
      state of payments by invoice. `settled_invoices` has a mark of each that was settled and is
      kept no more, `ended` the end of such subscriptions. `recurring` has the changes of what each
      subscription brings in, all of them after `recurring_since`; `discounts` the terms of
      discounts by id. `disputes` has each dispute's status,
      and `charged_back` when the bank took a payment back for good, by the invoice that it was for.
    - `others`: the customers' subscriptions to other products in the same Stripe account. They are
      shown, and nothing else. `ours` has the ids of `subscriptions` that were once recognized as
      this product's, and `price_keys` every lookup key that a price was ever reported with.
    - `profile_changes`: the last change of each field of the profile since the signup;
      `address_changes`: those that the customer asked for and that can still be confirmed or
      undone; `previous_email`: the address of before, while it gets copies;
      `also_copied`: those of later changes, which get them too; `origin`: the Stripe
      customer that the account came from, whose address it follows, empty if another one joined
      before there was one; `refused_join`: the account that this customer named without a proof.
    - `signup`: the one that counts; `pending_signups`: later ones that wait for a mailed link.
    - `milestones`: when each was first reached, and `milestones_by`: which people system reported
      that, if the product never did. `grants`: access granted by operators.
    - `proved_at`: when a mailed link was first opened, which raises `link_epoch`; `signed_in_by`:
      the newest sign-in link that was used; `sign_in_asked_at`: when one was last requested
      (`sign_in_unused` is written by older releases only), and `sign_in_signup`: the number of the
      pending signup that it belongs to. `links_void_before`: until when links and sessions were
      handed out that were ended. `openings`: the last presses of buttons behind mailed links;
      `ended_links`: when single links were ended, by their mark. `superseded_at`: when the reader
      of its address, which nobody had proved here, proved it for another account.
    - `leave`: the last request to cancel at once; `left_by`: the time of the newest confirmed one;
      `withdrawn_at`: when the customer withdrew from the contract, and `withdrawn_refund`: what
      was paid back for it; `alternatives`: when each kind
      of retention offer was last accepted; `own_pause`: the last pause that the customer took on
      the billing page; `feedback`: the exit feedback by occasion.

    What Billhook does for the account:

    - `mails`: messages by `step@occasion`; `unsubscribed`: since when, by stream; `broadcasts`: by
      name. `notice_complaint`: the last complaint about a billing notice.
    - `errands`: operations at Stripe by name; `checkout`; `card_given_at`: when the customer
      entered the card that Billhook last made the default; `instance`: that of the product, with
      what is asked of its provisioner.
    - `asks`: what has to be fetched; `asked_in_vain`: how often fetching it failed in a row;
      `owed_asked_at`: when updates that were overdue were last fetched.
    - `failures`: how often processing it failed in a row; until `resting_until` nothing is tried.

    What was derived from that when the account was last saved:

    - `standing`, `plan_change` (the last), `policy` (its hash), `due_at`, `written_at`.
    - `outbox`: domain events that the table's stream publishes; `worker_outbox`: those that the
      worker which saved this version publishes itself. Neither is cleared by a write of its own.
    - `events`: how many domain events there were since they are numbered: the last one's number.
    - `departed_at`: when access ended; None while the account has access.
    - `debit_returned_at`: when a bank debit came back that no money followed, if its invoice is
      kept no more. `debit_failed_at` is when any debit came back last, whatever followed.
    - `trial`: the account's trial, for the figures, and `figures`: what else they count, None if
      they count nothing yet; `figures_due`: the figures that this version changes, which whoever
      saves it writes.
    - `history_until`: what happened before that, happened before Billhook knew the customer.
    - `restored_at`: when the account was last restored from a backup, which raises `epoch`.
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
    others: Mapping[str, Tracked[Subscription]] = field(default_factory=dict)
    ours: tuple[str, ...] = ()
    price_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    payments: Mapping[str, PaymentState] = field(default_factory=dict)
    settled_invoices: tuple[str, ...] = ()
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
    profile_changes: Mapping[str, ProfileChange] = field(default_factory=dict)
    address_changes: tuple[AddressChange, ...] = ()
    origin: str | None = None
    sign_in_unused: int | None = None
    links_void_before: datetime | None = None
    own_pause: OwnPause | None = None
    withdrawn_refund: Refund | None = None
    notice_complaint: NoticeComplaint | None = None
    pending_signups: tuple[PendingSignup, ...] = ()
    sign_in_signup: int | None = None
    refused_join: RefusedJoin | None = None
    worker_outbox: tuple[DomainEvent, ...] = ()
    debit_returned_at: datetime | None = None
    charged_back: Mapping[str, datetime] = field(default_factory=dict)
    debit_failed_at: datetime | None = None
    openings: tuple[LinkOpening, ...] = ()
    ended_links: Mapping[str, datetime] = field(default_factory=dict)
    events: int | None = None
    superseded_at: datetime | None = None
    instance: Instance | None = None
    recurring: Mapping[str, tuple[RecurringChange, ...]] = field(default_factory=dict)
    recurring_since: datetime | None = None
    discounts: Mapping[str, DiscountTerms] = field(default_factory=dict)
    trial: TrialRecord | None = None
    figures_due: tuple[str, ...] = ()
    previous_email: PreviousEmail | None = None
    also_copied: tuple[PreviousEmail, ...] = ()
    figures: FigureRecord | None = None
    milestones_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def email(self) -> str | None:
        """The address to write to: the newest of what was given here and what the Stripe customer
        had that the account came from.

        What was typed at the signup is older than anything else that this customer has at Stripe:
        it was created with it.
        """
        typed, at_stripe = self.profile.email, self._at_stripe("email")
        if self.signup is None or "email" in self.profile_changes or not typed or not at_stripe:
            return self._newest("email")
        return typed if typed.casefold() == at_stripe.casefold() else at_stripe

    @property
    def name(self) -> str | None:
        """The customer's name: the newest of what was given here and at Stripe."""
        return self._newest("name")

    def _newest(self, name: str) -> str | None:
        """A field of the profile. If it was last changed at Stripe it is what the customer has
        there, unless that is in doubt or older than the change.
        """
        value: str | None = getattr(self.profile, name)
        change, known = self.profile_changes.get(name), self.customers.get(self.origin_id or "")
        if change and change.is_stripes and known and known.seen >= change.at and not known.doubts:
            return self._at_stripe(name) or value
        return value if change else value or self._at_stripe(name)

    def _at_stripe(self, name: str) -> str | None:
        customer = self.origin_customer
        return getattr(customer, AT_STRIPE[name]) if customer and name in AT_STRIPE else None

    @property
    def origin_id(self) -> str | None:
        """The id of the Stripe customer that the account came from: the one that made it, or that
        Billhook created for it. Never one that joined it later. Empty if it came from none.
        """
        return next(iter(self.customers), None) if self.origin is None else self.origin

    @property
    def origin_customer(self) -> Customer | None:
        """The Stripe customer that the account came from; None if there is none, or if it was
        deleted.
        """
        known = self.customers.get(self.origin_id or "")
        return known.value if known and not known.value.deleted else None

    def address_change(self, id: str) -> AddressChange | None:
        """The change of the address of this id, if it can still be confirmed or undone."""
        return next((change for change in self.address_changes if change.id == id), None)

    @property
    def language(self) -> str | None:
        """The code of the customer's language, such as `de`: that of the profile, else that of the
        attribute `language` or `locale`, else that of the Stripe customer. Of several, the first in
        which there are messages. None if none is known.
        """
        changed = "language" in self.profile_changes
        tags = (
            self._newest("language") if changed else self.profile.language,
            self.profile.attributes.get("language"),
            self.profile.attributes.get("locale"),
            self._at_stripe("language"),
        )
        codes = [language_code(tag) for tag in tags if tag]
        return next((code for code in codes if code in LANGUAGES), codes[0] if codes else None)

    @property
    def proved(self) -> bool:
        """Whether the address is known to be the customer's: a mailed link was opened, the product
        is used, or the address was not typed into the signup form. After a change at Stripe a
        button behind a link to the new address has to be pressed (see `moved_at_stripe`).
        """
        if self.moved_at_stripe:
            return False
        return self.signup is None or self.proved_at is not None or self.is_in_use

    @property
    def reported_by_product(self) -> set[str]:
        """The milestones that the product itself reported."""
        return self.milestones.keys() - self.milestones_by.keys()

    @property
    def is_in_use(self) -> bool:
        """Whether the product itself reported a milestone. What a people system reports may come
        from a browser, and so from anybody: it proves nothing.
        """
        return bool(self.reported_by_product)

    @property
    def moved_at_stripe(self) -> bool:
        """Whether the address was changed at Stripe, and nobody has proved the new one since. Where
        nobody signed up or pressed a button, all addresses came from Stripe.
        """
        change = self.profile_changes.get("email")
        if change is None or not change.is_stripes or self.email_proved:
            return False
        return self.signup is not None or self.proved_at is not None

    @property
    def email_proved(self) -> bool:
        """Whether somebody who reads the mail of the present address has pressed a button behind a
        link that was mailed there. Neither what was typed into a form nor what Stripe or the
        product reports proves that.
        """
        change = self.profile_changes.get("email")
        if change is None:
            return self.proved_at is not None and self.email == (self.profile.email or self.email)
        if change.by == "customer":  # by such a button, at the new address or at the old one
            return self.email == self.profile.email
        pressed = (moment for moment in (self.proved_at, self.signed_in_by) if moment)
        return any(moment > change.at for moment in pressed)

    @property
    def disputed(self) -> bool:
        """Whether a payment is disputed, or was and the customer won."""
        return any(status not in DISPUTES_WON for status in self.disputes.values())

    def live_customers(self) -> list[Customer]:
        """The Stripe customers that are not deleted: the one that the account came from first, if
        that is known, then the newest first.
        """
        newest_first = reversed(list(self.customers))
        origin_first = sorted(newest_first, key=lambda id: id != self.origin)
        found = (self.customers[id].value for id in origin_first)
        return [customer for customer in found if not customer.deleted]

    def mark(self, id: str) -> str:
        """The mark of a customer or a subscription (see Tracked.mark); empty if it is not known."""
        tracked: Tracked[Customer] | Tracked[Subscription] | None = (
            self.customers.get(id) or self.subscriptions.get(id) or self.others.get(id)
        )
        return tracked.mark if tracked else ""

    def payment_of(self, invoice: str) -> PaymentState:
        """What was reported of an invoice's payment."""
        return self.payments.get(invoice, _NOTHING_REPORTED)

    def with_fetch(self, request: FetchRequest) -> "Account":
        """The account with `request` among what has to be fetched."""
        if request in self.asks:
            return self
        return replace(self, asks=tuple(sorted({*self.asks, request})))

    def without_fetch(self, request: FetchRequest) -> "Account":
        """The account with `request` no longer among what has to be fetched."""
        if request not in self.asks:
            return self
        return replace(self, asks=tuple(ask for ask in self.asks if ask != request))
