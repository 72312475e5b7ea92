"""Finds which of Stripe's customers belong to the product, and what is unusual about them, from
Stripe's lists alone. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.domain.errors import Unreadable
from chalicelib.domain.ids import well_formed
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.objects import Item, Subscription
from chalicelib.stripe_api import answers, objects
from chalicelib.stripe_api.fields import identity, if_readable, moment
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.ingestion.adopt import derived_id, is_ours
from chalicelib.usecases.ingestion.named_accounts import LONG_AGO, age

FINDINGS = {
    "no_customer": (
        "A subscription to a plan of billing.toml names no customer: it is not imported."
    ),
    "unreadable": ("An object has a form that this release cannot read: it is ignored."),
    "deleted": "A customer of the product was deleted at Stripe: it is not imported.",
    "malformed_account_id": (
        "metadata.account_id is not valid ([A-Za-z0-9_-], up to 64 characters): it is ignored."
    ),
    "several_account_ids": (
        "A customer and its subscriptions name several accounts: one with its account_proof counts,"
        " else the customer's, else that of its oldest subscription."
    ),
    "shared_account_id": (
        "Several customers name one account: the oldest makes it, unless it exists. Another one"
        " joins it by account_proof, or by an address that the account has proved; else it gets an"
        " account of its own, and python -m ops accounts joins lists it."
    ),
    "unknown_price": (
        "A live subscription has no price that billing.toml knows: with account_proof in its"
        " metadata it gives access, but no plan and no features; else it gives nothing."
    ),
    "no_email": "A customer has no e-mail address: it gets no mail.",
    "gone": "Stripe does not know this customer any more.",
    "failed": "It could not be imported; the failure stands beside it.",
}
"""What the report can contain, with what it means for the import."""

_MISSHAPEN = (Unreadable, KeyError, TypeError, AttributeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something unusual: one of FINDINGS, the ids that it concerns, and perhaps a detail."""

    code: str
    about: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A customer to import, with the id that its account will probably have."""

    customer: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The result of reading the lists. The oldest candidate comes first: the customer that makes
    an account gives its address. `others` counts the customers of other products, which are
    ignored.
    """

    candidates: tuple[Candidate, ...]
    findings: tuple[Finding, ...]
    others: int


@dataclass(slots=True)
class _Known:
    """What the lists say about one customer. `created` is Stripe's; `named` has the account ids:
    that of the customer first, then those of its subscriptions, the oldest first.
    """

    ours: bool = False
    listed: bool = False
    email: bool = False
    created: datetime = LONG_AGO
    named: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def survey(customers: Iterable[Raw], subscriptions: Iterable[Raw], policy: Policy) -> Survey:
    """Who is to be imported, from all customers and all subscriptions of a Stripe account, ended
    ones too.
    """
    known: dict[str, _Known] = defaultdict(_Known)
    findings: list[Finding] = []
    for raw in customers:
        findings += _note_customer(raw, known, policy)
    for raw in sorted(subscriptions, key=lambda raw: age(answers.subscription(raw))):
        findings += _note_subscription(raw, known, policy)
    ours = {customer: one for customer, one in known.items() if one.ours}
    candidates = tuple(
        Candidate(id, next(iter(one.named), derived_id(id)))
        for id, one in sorted(ours.items(), key=lambda pair: (pair[1].created, pair[0]))
        if one.listed
    )
    findings += _about_customers(ours)
    findings += _shared(candidates)
    return Survey(
        candidates,
        tuple(sorted(findings)),
        sum(one.listed and not one.ours for one in known.values()),
    )


def _note_customer(raw: Raw, known: dict[str, _Known], policy: Policy) -> Iterator[Finding]:
    try:
        customer = objects.customer(raw)
    except _MISSHAPEN as failure:
        yield Finding("unreadable", (_id(raw),), type(failure).__name__)
        return
    one = known[customer.id]
    one.listed, one.email = True, bool(customer.email)
    one.created = if_readable(lambda one: moment(one, "created"), raw) or LONG_AGO
    yield from _note_account_id(raw, customer.id, one, (), policy)


def _note_subscription(raw: Raw, known: dict[str, _Known], policy: Policy) -> Iterator[Finding]:
    try:
        if not objects.customer_of(raw):
            items = objects.subscription({**raw, "customer": "cus_none"}).items
            if is_ours(objects.account_id_of(raw), items, policy):
                yield Finding("no_customer", (_id(raw),))
            return
        subscription: Subscription = objects.subscription(raw)
    except _MISSHAPEN as failure:
        yield Finding("unreadable", (_id(raw),), type(failure).__name__)
        return
    one = known[subscription.customer]
    yield from _note_account_id(raw, subscription.id, one, subscription.items, policy)
    if not subscription.final and policy.plan_of(subscription.items)[0] is None:
        one.unknown.append(subscription.id)


def _note_account_id(
    raw: Raw, about: str, one: _Known, items: tuple[Item, ...], policy: Policy
) -> Iterator[Finding]:
    id = objects.account_id_of(raw)
    one.ours = one.ours or is_ours(id, items, policy)
    if id and well_formed(id):
        one.named.append(id)
    elif id is not None:
        yield Finding("malformed_account_id", (about,))


def _about_customers(ours: dict[str, _Known]) -> Iterator[Finding]:
    for id, one in ours.items():
        if not one.listed:
            yield Finding("deleted", (id,))
            continue
        if len(set(one.named)) > 1:
            yield Finding("several_account_ids", (id, *dict.fromkeys(one.named)))
        if not one.email:
            yield Finding("no_email", (id,))
        yield from (Finding("unknown_price", (subscription, id)) for subscription in one.unknown)


def _shared(candidates: Iterable[Candidate]) -> Iterator[Finding]:
    customers = defaultdict(list)
    for candidate in candidates:
        customers[candidate.account_id].append(candidate.customer)
    yield from (
        Finding("shared_account_id", (account, *some))
        for account, some in customers.items()
        if len(some) > 1
    )


def _id(raw: Any) -> str:
    try:
        return identity(raw)
    except _MISSHAPEN:
        return "?"
