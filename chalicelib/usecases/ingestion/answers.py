"""Stripe's answers to fetch requests, as facts."""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib.domain.account.facts import (
    PAYMENT_STATUSES,
    CustomerSnapshot,
    DiscountSnapshot,
    FetchResult,
    InvoiceSnapshot,
    PaymentSnapshot,
    SubscriptionSnapshot,
)
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.rules.revenue import unknown_discounts, without_terms
from chalicelib.domain.account.state import Account, CardSnapshot
from chalicelib.domain.security.account_proof import proves
from chalicelib.domain.stripe_objects.answers import (
    CustomerAnswer,
    InvoiceAnswer,
    SubscriptionAnswer,
)
from chalicelib.domain.stripe_objects.objects import Customer, Invoice, Subscription
from chalicelib.usecases.ports.stripe import ReaderApi

Found = CustomerAnswer | SubscriptionAnswer | InvoiceAnswer


def fetch(
    reader: ReaderApi,
    ask: FetchRequest,
    account: Account,
    now: datetime,
    proof_of: Callable[[str], str] | None = None,
) -> tuple[FetchResult, int]:
    """Stripe's answer as facts, and how many of its objects could not be read. Without `proof_of`
    no metadata proves anything.

    Each fact holds the mark of what `account` knows of the object as the request begins. An object
    that cannot be read does not hold up the others. Raises Unavailable, Refused.
    """
    began = now.replace(microsecond=0)
    if ask.what == "discounts":
        return FetchResult(ask, _discounts(reader, ask.id, account, began)), 0
    if ask.what == "customer_discount":
        found = reader.customer_discount(ask.id)
        return FetchResult(ask, tuple(DiscountSnapshot(*one) for one in sorted(found.items()))), 0
    if ask.what == "payments":
        return FetchResult(ask, (_payment(reader, ask.id, began),)), 0
    return as_facts(ask, _found(reader, ask), account, began, proof_of)


def as_facts(
    ask: FetchRequest,
    found: Sequence[Found],
    account: Account,
    began: datetime,
    proof_of: Callable[[str], str] | None,
) -> tuple[FetchResult, int]:
    """What was found as the answer to a request that began at `began`, and how many of the objects
    could not be read.
    """
    facts = [_fact(one, account, began, proof_of) for one in found]
    cards = [
        CardSnapshot(card, began)
        for one in found
        if not isinstance(one, InvoiceAnswer)
        for card in one.cards
    ]
    return FetchResult(ask, (*(fact for fact in facts if fact), *cards)), facts.count(None)


def _found(reader: ReaderApi, ask: FetchRequest) -> Sequence[Found]:
    match ask.what:
        case "customer":
            customer = reader.customer(ask.id)
            return [customer] if customer else []
        case "subscription":
            subscription = reader.subscription(ask.id)
            return [subscription] if subscription else []
        case "subscriptions":
            return reader.subscriptions_of(ask.id)
        case "invoice":
            invoice = reader.invoice(ask.id)
            return [invoice] if invoice else []
        case _:
            return reader.invoices_of(ask.id)


def _fact(
    found: Found, account: Account, began: datetime, proof_of: Callable[[str], str] | None
) -> CustomerSnapshot | InvoiceSnapshot | SubscriptionSnapshot | None:
    match found.state:
        case Customer() as customer:
            return CustomerSnapshot(
                customer,
                FromFetch(began, account.mark(customer.id)),
                discounts=found.discounts if isinstance(found, CustomerAnswer) else {},
            )
        case Subscription() as subscription:
            return SubscriptionSnapshot(
                subscription,
                FromFetch(began, account.mark(subscription.id)),
                proof_of is not None and proves(found.account_proof, found.account_id, proof_of),
            )
        case Invoice() as invoice:
            return InvoiceSnapshot(invoice, began, fetched=True)
    return None


def _discounts(
    reader: ReaderApi, subscription: str, account: Account, began: datetime
) -> tuple[DiscountSnapshot, ...]:
    """The terms of the discounts of a subscription. One that Stripe does not tell any more counts
    as known, so that it is not asked for again. Raises Unavailable, Refused.
    """
    told = reader.discount_terms(subscription)
    unknown = unknown_discounts(account, subscription) - told.keys()
    return (
        *(DiscountSnapshot(id, terms) for id, terms in sorted(told.items())),
        *(without_terms(id, began) for id in sorted(unknown)),
    )


def _payment(reader: ReaderApi, invoice: str, began: datetime) -> PaymentSnapshot:
    """The state of an invoice's payment: of several payments, one that is under way decides, else
    one that failed. Raises Unavailable, Refused.
    """
    by_status = {payment.status: payment for payment in reversed(reader.payments_of(invoice))}
    found = next((by_status[one] for one in PAYMENT_STATUSES if one in by_status), None)
    if found is None:
        return PaymentSnapshot(invoice, "settled", began, fetched=True)
    return PaymentSnapshot(
        invoice, found.status, began, found.failure, found.debit_since, fetched=True
    )
