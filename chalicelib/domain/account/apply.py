"""How each kind of fact changes an account.

Applying facts is commutative and idempotent: neither their order nor their number matters.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.account.cancellation import (
    CancellationConfirmed,
    CancellationRequested,
    ContractWithdrawn,
    ExitFeedback,
    ExitFeedbackGiven,
    RetentionOfferAccepted,
)
from chalicelib.domain.account.checkout import further
from chalicelib.domain.account.facts import (
    AddressProved,
    BroadcastRequested,
    CardSaved,
    CheckoutCompleted,
    CheckoutUpdated,
    ConsentGiven,
    CustomerSnapshot,
    DisputeSnapshot,
    Fact,
    FetchResult,
    GrantGiven,
    InvoiceSnapshot,
    MessageRecorded,
    MilestoneReached,
    OperationUpdated,
    RefundRecorded,
    SignedIn,
    SignedUp,
    SignInRequested,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import AT_ONCE, PendingOperation, furthest
from chalicelib.domain.account.ordering import FromEvent, newest
from chalicelib.domain.account.queries import cancellation_is_requested, is_deleted
from chalicelib.domain.account.state import DISPUTES_WON, Account, CardSnapshot, TrackedInvoice
from chalicelib.domain.stripe_objects.objects import INVOICE_RANKS

DISPUTES_SETTLED = DISPUTES_WON | {"lost"}
"""Statuses of a dispute that no later news changes."""


INVOICES_KEPT = 12


ENDED_KEPT = 5


CARDS_KEPT = 5


SIGN_IN_EVERY = timedelta(minutes=15)
"""One sign-in mail an address in so long; so long the link in it works."""


def apply(account: Account, fact: Fact) -> Account:
    """The account that also knows `fact`, the same object if the fact changes nothing. What Stripe
    alone can settle is added to `asks`.
    """
    return _RULES[type(fact)](account, fact)


def _apply_customer(account: Account, fact: CustomerSnapshot) -> Account:
    customer = fact.customer
    ask, stored = FetchRequest("customer", customer.id), account.customers.get(customer.id)
    verdict = newest(stored, customer, fact.by)
    if verdict is None:
        return account.asking(ask)
    if verdict != stored:
        account = replace(account, customers={**account.customers, customer.id: verdict})
    return account.asking(ask) if verdict.doubts else account


def _apply_subscription(account: Account, fact: SubscriptionSnapshot) -> Account:
    subscription = fact.subscription
    if subscription.id in account.ended:
        return account
    ask, stored = (
        FetchRequest("subscription", subscription.id),
        account.subscriptions.get(subscription.id),
    )
    verdict = newest(stored, subscription, fact.by)
    if verdict is None:
        return account.asking(ask)
    may_have_ended_with_its_customer = (
        stored is not None
        and isinstance(fact.by, FromEvent)
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
        account = account.asking(FetchRequest("customer", subscription.customer))
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


def _apply_invoice(account: Account, fact: InvoiceSnapshot) -> Account:
    invoice = fact.invoice
    news = TrackedInvoice(invoice, fact.at, invoice.attempt_count if fact.bank_asks else 0)
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


def _further(billed: TrackedInvoice) -> tuple[int, int, datetime, str]:
    """How far an invoice has come. The last two only make the choice among equals the same in
    every order.
    """
    invoice = billed.value
    return INVOICE_RANKS[invoice.status], invoice.attempt_count, billed.seen, repr(invoice)


def _apply_card(account: Account, seen: CardSnapshot) -> Account:
    id = seen.card.id
    known = max(
        (one for one in (account.cards.get(id), seen) if one),
        key=lambda one: (one.at, repr(one.card)),
    )
    oldest_first = sorted({**account.cards, id: known}.items(), key=lambda one: (one[1].at, one[0]))
    cards = dict(oldest_first[-CARDS_KEPT:])
    return account if cards == account.cards else replace(account, cards=cards)


def _apply_answer(account: Account, answered: FetchResult) -> Account:
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
    return apply(account, OperationUpdated(name, PendingOperation(fact.at, fact.at)))


def _apply_errand(account: Account, fact: OperationUpdated) -> Account:
    known = account.errands.get(fact.name)
    now_known = furthest(known, fact.operation)
    if now_known == known:
        return account
    return replace(account, errands={**account.errands, fact.name: now_known})


def _apply_checkout(account: Account, fact: CheckoutUpdated) -> Account:
    checkout = further(account.checkout, fact.checkout)
    return account if checkout == account.checkout else replace(account, checkout=checkout)


def _apply_given_card(account: Account, fact: CardSaved) -> Account:
    if account.card_given_at and fact.at <= account.card_given_at:
        return account
    return replace(account, card_given_at=fact.at)


def _apply_dispute(account: Account, fact: DisputeSnapshot) -> Account:
    known = account.disputes.get(fact.id)
    if known in DISPUTES_SETTLED or known == fact.status:
        return account
    return replace(account, disputes={**account.disputes, fact.id: fact.status})


def _apply_refund(account: Account, fact: RefundRecorded) -> Account:
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


def _apply_mail(account: Account, fact: MessageRecorded) -> Account:
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
    return apply(account, OperationUpdated("trial", PendingOperation(at + AT_ONCE, at)))


def _apply_sign_in_request(account: Account, fact: SignInRequested) -> Account:
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


def _apply_broadcast(account: Account, fact: BroadcastRequested) -> Account:
    if fact.name in account.broadcasts:
        return account
    return replace(account, broadcasts={**account.broadcasts, fact.name: fact.broadcast})


def _apply_wish_to_leave(account: Account, fact: CancellationRequested) -> Account:
    leave, known = fact.leave, account.leave if cancellation_is_requested(account) else None
    repeated = known and known.what == leave.what and leave.at < known.at + ASKED_EVERY
    return account if repeated else replace(account, leave=leave)


def _apply_confirmed_leave(account: Account, fact: CancellationConfirmed) -> Account:
    if account.left_by and fact.asked_at <= account.left_by:
        return account
    return replace(account, left_by=fact.asked_at)


def _apply_alternative(account: Account, fact: RetentionOfferAccepted) -> Account:
    last = account.alternatives.get(fact.kind)
    if last and fact.at <= last:
        return account
    return replace(account, alternatives={**account.alternatives, fact.kind: fact.at})


def _apply_withdrawal(account: Account, fact: ContractWithdrawn) -> Account:
    if account.withdrawn_at and fact.at <= account.withdrawn_at:
        return account
    return replace(account, withdrawn_at=fact.at)


def _apply_feedback(account: Account, fact: ExitFeedbackGiven) -> Account:
    known = account.feedback.get(fact.occasion)
    if known and not known.at <= fact.at < known.at + CHANGEABLE:
        return account
    given = ExitFeedback(fact.answer, known.at if known else fact.at, fact.comment)
    if given == known:
        return account
    return replace(account, feedback={**account.feedback, fact.occasion: given})


_RULES: Mapping[type, Callable[[Account, Any], Account]] = {
    CustomerSnapshot: _apply_customer,
    SubscriptionSnapshot: _apply_subscription,
    InvoiceSnapshot: _apply_invoice,
    CardSnapshot: _apply_card,
    FetchRequest: Account.asking,
    FetchResult: _apply_answer,
    CheckoutCompleted: _apply_completed_checkout,
    DisputeSnapshot: _apply_dispute,
    RefundRecorded: _apply_refund,
    OperationUpdated: _apply_errand,
    CheckoutUpdated: _apply_checkout,
    CardSaved: _apply_given_card,
    SignedUp: _apply_signup,
    AddressProved: _apply_proof,
    SignInRequested: _apply_sign_in_request,
    SignedIn: _apply_sign_in,
    MilestoneReached: _apply_milestone,
    ConsentGiven: _apply_consent,
    MessageRecorded: _apply_mail,
    BroadcastRequested: _apply_broadcast,
    GrantGiven: _apply_grant,
    CancellationRequested: _apply_wish_to_leave,
    CancellationConfirmed: _apply_confirmed_leave,
    RetentionOfferAccepted: _apply_alternative,
    ContractWithdrawn: _apply_withdrawal,
    ExitFeedbackGiven: _apply_feedback,
}
"""One rule for each kind of fact. Each is idempotent, and the result does not depend on the order
in which facts arrive.
"""


ASKED_EVERY = timedelta(minutes=15)
"""One mail for the same wish in so long."""


CHANGEABLE = timedelta(days=1)
"""How long an answer may be changed."""
