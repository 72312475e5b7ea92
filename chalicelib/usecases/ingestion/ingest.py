"""Ingests Stripe's events: applies a batch of messages with one read and one write per account."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from chalicelib.domain.access.standing import unknown_prices
from chalicelib.domain.account.facts import (
    CheckoutCompleted,
    CustomerSnapshot,
    DiscountSnapshot,
    DisputeSnapshot,
    InvoiceSnapshot,
    RefundRecorded,
    StripeFact,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.changes.timeline import EVENTS_KEPT, Entry
from chalicelib.domain.errors import NewerSchemaVersion, Refused, Unavailable, Unreadable
from chalicelib.domain.security.account_proof import proves
from chalicelib.domain.stripe_objects.recurring import percent_text
from chalicelib.stripe_api.events import StripeEvent, read_event
from chalicelib.usecases.ingestion.adopt import adopt, probable_account
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.ports.stripe import ReaderApi
from chalicelib.usecases.publishing import all_without_published, publish
from chalicelib.usecases.services import Services
from chalicelib.values import frozen, replace

EFFECTS = {
    "applied": "The account changed.",
    "unchanged": "Nothing new: a repeat, or older than what is known.",
    "ignored": (
        "Billhook needs nothing of an event of this type, or it is of a connected account or of"
        " Stripe's other mode."
    ),
    "foreign": "About a customer of another product.",
    "dead_lettered": "It can never be read; it was put into the dead-letter queue.",
    "retry": "Something did not answer; the queue will deliver it again.",
}
"""What became of a message."""


@frozen
class Message:
    """A message of the queue."""

    id: str
    body: str


@frozen
class Outcome:
    """What became of a message: `effect` is one of EFFECTS, `failure` what went wrong."""

    message: str
    effect: str
    event: StripeEvent | None = None
    account: str | None = None
    failure: Exception | None = None
    unknown_prices: tuple[str, ...] = ()


@frozen
class _Read:
    """A message, by its id, with the event that was read from it, and whom it is about."""

    message: str
    event: StripeEvent
    customer: str


def ingest(messages: Sequence[Message], services: Services) -> list[Outcome]:
    """What became of each message. Only those with the effect `retry` are to be delivered again;
    the others are done, whatever happens to the rest of the batch.
    """
    services = replace(services, comes_again=True)
    outcomes: list[Outcome] = []
    by_customer: dict[str, list[_Read]] = defaultdict(list)
    for message in messages:
        read = _read(message, services)
        if isinstance(read, Outcome):
            outcomes.append(read)
        else:
            by_customer[read.customer].append(read)
    if by_customer:
        outcomes += _ingest_by_customer(by_customer, services)
    return outcomes


def _read(message: Message, services: Services) -> _Read | Outcome:
    """What is to be applied, or what became of the message if nothing is."""
    try:
        event = read_event(message.body, services.clock.now(), services.livemode)
    except Unreadable as failure:
        return _dead_letter(message, failure, services)
    if event.set_aside:
        services.metrics.count(event.set_aside, 1)
        return Outcome(message.id, "ignored", event)
    try:
        event, customer = with_customer(event, services.stripe.reader)
    except (Unavailable, Refused) as failure:
        return Outcome(message.id, "retry", event, failure=failure)
    if customer and event.fact:
        return _Read(message.id, event, customer)
    return Outcome(message.id, "ignored", event)


def with_customer(event: StripeEvent, reader: ReaderApi) -> tuple[StripeEvent, str | None]:
    """The event and the customer that it is about. A dispute does not name it, but its charge does.
    Nor does it name the invoice that was paid, which is added to one that is lost, or is won, which
    may be after an appeal. A discount says what it gives only by the id of its coupon, which is
    read. Raises Unavailable, Refused.
    """
    if isinstance(event.fact, DiscountSnapshot):
        return _with_terms(event, event.fact, reader), event.customer
    dispute = event.fact
    if not isinstance(dispute, DisputeSnapshot):
        return event, event.customer
    charge = reader.charge(dispute.charge) if dispute.charge else None
    if charge is None:
        return event, None
    if dispute.status in {"lost", "won"} and charge.payment_intent:
        invoice = reader.invoice_paid_by(charge.payment_intent)
        event = replace(event, fact=replace(dispute, invoice=invoice))
    return event, charge.customer


def _with_terms(event: StripeEvent, discount: DiscountSnapshot, reader: ReaderApi) -> StripeEvent:
    coupon = reader.coupon(discount.coupon) if discount.coupon else None
    if coupon is None:
        return event
    terms = replace(
        discount.terms,
        duration=coupon.duration,
        percent_off=percent_text(coupon.percent_off),
        amount_off=coupon.amount_off,
        currency=coupon.currency,
    )
    return replace(event, fact=replace(discount, terms=terms))


def _ingest_by_customer(by_customer: dict[str, list[_Read]], services: Services) -> list[Outcome]:
    try:
        found = services.stores.accounts.of_customers(
            {
                customer: probable_account(_named_first(reads)[0])
                for customer, reads in by_customer.items()
            }
        )
        found = all_without_published(found, services)
    except NewerSchemaVersion as failure:
        if len(by_customer) == 1:
            return _retry(next(iter(by_customer.values())), failure)
        # After a rollback, accounts that the newer release saved wait for it. The others need not.
        return [
            outcome
            for customer, reads in by_customer.items()
            for outcome in _ingest_by_customer({customer: reads}, services)
        ]
    except Exception as failure:
        return _retry((read for reads in by_customer.values() for read in reads), failure)
    of_account: dict[str, list[_Read]] = defaultdict(list)
    for customer, account in found.items():
        of_account[account.id] += by_customer[customer]
    accounts = {account.id: account for account in found.values()}
    fetcher, unpublished = StripeFetcher(services), list[Account]()
    outcomes = [
        outcome
        for id, reads in of_account.items()
        for outcome in _apply(accounts[id], reads, services, fetcher, unpublished)
    ]
    # Adoptions last: they wait for Stripe, and the known accounts need not wait with them.
    for customer, reads in by_customer.items():
        if customer not in found:
            outcomes += _adopt(customer, reads, services, fetcher, unpublished)
    return _published(outcomes, unpublished, services)


def _adopt(
    customer: str,
    reads: list[_Read],
    services: Services,
    fetcher: StripeFetcher,
    unpublished: list[Account],
) -> list[Outcome]:
    try:
        account = adopt(customer, [read.event for read in reads], services, fetcher)
    except Exception as failure:
        return _retry(reads, failure)
    if account is None:
        return [Outcome(read.message, "foreign", read.event) for read in reads]
    return _apply(account, reads, services, fetcher, unpublished)


def _apply(
    account: Account,
    reads: list[_Read],
    services: Services,
    fetcher: StripeFetcher,
    unpublished: list[Account],
) -> list[Outcome]:
    facts = [_proved(read.event.fact, read.event, services) for read in reads if read.event.fact]
    try:
        after = apply_facts(account, facts, services, fetcher, unpublished)
    except Exception as failure:
        return _retry(reads, failure, account.id)
    effect = "unchanged" if after == account else "applied"
    unknown = unknown_prices(after, services.policy)
    return [
        Outcome(read.message, effect, read.event, account.id, unknown_prices=unknown)
        for read in reads
    ]


def _proved(fact: StripeFact, event: StripeEvent, services: Services) -> StripeFact:
    """The event's fact. A subscription's metadata is believed by the proof beside it."""
    if not isinstance(fact, SubscriptionSnapshot):
        return fact
    proved = proves(event.account_proof, event.account_id, services.proof_of)
    return replace(fact, proved=proved)


def _published(
    outcomes: list[Outcome], unpublished: list[Account], services: Services
) -> list[Outcome]:
    """The outcomes, once the events and what happened by them are on the timelines."""
    entries = [
        _entry(outcome.account, outcome.event)
        for outcome in outcomes
        if outcome.account and outcome.event and not outcome.failure
    ]
    try:
        publish([(one, one.worker_outbox) for one in unpublished], services, entries)
    except Exception as failure:
        return [
            Outcome(
                outcome.message,
                "retry",
                outcome.event,
                outcome.account,
                outcome.failure or failure,
            )
            if outcome.account
            else outcome
            for outcome in outcomes
        ]
    return outcomes


def _entry(account: str, event: StripeEvent) -> Entry:
    """The event on the account's timeline, with the object that it reports."""
    known: object = None
    match event.fact:
        case (
            CustomerSnapshot(state)
            | SubscriptionSnapshot(state)
            | InvoiceSnapshot(state)
            | CardSnapshot(state)
        ):
            known = state
        case CheckoutCompleted() | DisputeSnapshot() | RefundRecorded() | DiscountSnapshot():
            known = event.fact
    return Entry(account, event.created, "stripe", event.id, event.type, known, EVENTS_KEPT)


def _dead_letter(message: Message, failure: Unreadable, services: Services) -> Outcome:
    try:
        services.queues.dead_letters.send(
            message.body, {"code": failure.code, "reason": failure.message}
        )
    except Unavailable as unsent:
        return Outcome(message.id, "retry", failure=unsent)
    return Outcome(message.id, "dead_lettered", failure=failure)


def _retry(reads: Iterable[_Read], failure: Exception, account: str | None = None) -> list[Outcome]:
    return [Outcome(read.message, "retry", read.event, account, failure) for read in reads]


def _named_first(reads: list[_Read]) -> list[StripeEvent]:
    return sorted((read.event for read in reads), key=lambda event: event.account_id is None)
