"""Give an account to a customer of Stripe's that has none yet: it was created in the dashboard, by
another integration, or before Billhook was installed.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol

from chalicelib.domain.account.facts import CustomerSnapshot, StripeFact, SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.pointers import tombstone_of_account, tombstone_of_customer
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.changes.domain_events import RECENT
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate
from chalicelib.domain.ids import well_formed
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import fetching_all_of
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.answers import CustomerAnswer, SubscriptionAnswer
from chalicelib.domain.stripe_objects.objects import Customer, Item
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race

LONG_AGO = datetime.fromtimestamp(0, UTC)


class Evidence(Protocol):
    """What may say whose customer it is about: an event, or an entry of a list. `account_id` is the
    one that Stripe's metadata names.
    """

    @property
    def customer(self) -> str | None:
        """The customer that it is about."""

    @property
    def account_id(self) -> str | None:
        """The account that the metadata names."""

    @property
    def fact(self) -> StripeFact | None:
        """What it says."""


def derived_id(customer: str) -> str:
    """The id of an adopted account that no metadata names, so that two who adopt the same customer
    at once choose the same.
    """
    return f"acc_{customer.removeprefix('cus_')}"


def probable_account(one: Evidence) -> str:
    """The account that the customer most likely has."""
    return (
        one.account_id
        if one.account_id and well_formed(one.account_id)
        else derived_id(one.customer or "")
    )


def adopt(
    customer: str, evidence: Iterable[Evidence], services: Services, fetcher: StripeFetcher
) -> Account | None:
    """The account of `customer`, which is created, or an existing one that the customer joins; None
    if the evidence does not make it ours.

    Only a customer or a subscription is evidence. Everything older than a day counts as history:
    nobody is written to about it. An erased account is not created again; its late events are
    counted and ignored. Raises Unavailable, Refused.
    """
    ours = [one for one in evidence if adopts(one, services.policy)]
    if not ours:
        return None
    began = services.clock.now().replace(microsecond=0)
    found = fetcher.put(lambda: services.stripe.reader.customer(customer))
    if found is None and all(_stale(one) for one in ours):
        return None
    account = _joined(
        customer, found, began, began - RECENT, [one.account_id for one in ours], services, fetcher
    )
    if account is None:
        services.metrics.count("EventsOfErased", len(ours))
    return account


def adopt_old(customer: str, services: Services, fetcher: StripeFetcher) -> Account | None:
    """The account of a customer that Stripe has had for a while, created or joined; None if Stripe
    no longer knows it, or it was deleted or erased.

    Everything before now counts as history. Raises Unavailable, Refused.
    """
    now = services.clock.now()
    found = fetcher.put(lambda: services.stripe.reader.customer(customer))
    if found is None or found.deleted:
        return None
    return _joined(customer, found, now.replace(microsecond=0), now, [], services, fetcher)


def _joined(
    customer: str,
    found: CustomerAnswer | None,
    began: datetime,
    history_until: datetime,
    in_hand: list[str | None],
    services: Services,
    fetcher: StripeFetcher,
) -> Account | None:
    """The account, created if there is none yet; None if it was erased. `found` is what Stripe
    answered to the request that began at `began`. An account that is full of customers takes no
    more: the customer gets one of its own.

    The customer's pointer is written before everything of the customer is fetched. So events that
    came too early to be kept are in the fetched state, and later ones find the account.
    """
    named = _account_id(
        customer,
        found,
        in_hand,
        lambda: fetcher.put(lambda: services.stripe.reader.subscriptions_of(customer)),
    )

    def join(id: str) -> Account | None:
        account = services.stores.accounts.load(id) or Account(
            id, history_until=history_until, origin=customer
        )
        if customer in account.customers:
            return account
        if len(account.customers) >= most("customers") and id != derived_id(customer):
            return join(derived_id(customer))
        # After the load: if the account is gone because it was just erased, its grave exists by
        # now.
        if services.stores.accounts.erased(
            {tombstone_of_account(id), tombstone_of_customer(customer)}
        ):
            return None
        new = next_version(
            account,
            _knowing(account, customer, found, began),
            services.policy,
            services.clock.now(),
        )
        try:
            services.stores.accounts.save(account, new)
        except AccountTaken as taken:
            owners = services.stores.accounts.of_customers({customer: id})
            if customer not in owners:
                raise ConcurrentUpdate(
                    "The account that had the customer was just erased."
                ) from taken
            return owners[customer]
        return new

    return retry_on_lost_race(named, lambda: join(named), services)


def _knowing(
    account: Account, customer: str, found: CustomerAnswer | None, began: datetime
) -> Account:
    updated = apply(account, _seen(customer, found, began))
    return fetching_all_of(updated, customer) if found else updated


def adopts(one: Evidence, policy: Policy) -> bool:
    """Whether this alone makes its customer ours: by an account id in the metadata, or by a plan of
    the catalogue.
    """
    match one.fact:
        case CustomerSnapshot():
            return is_ours(one.account_id, (), policy)
        case SubscriptionSnapshot(subscription):
            return is_ours(one.account_id, subscription.items, policy)
    return False


def is_ours(account_id: str | None, items: Iterable[Item], policy: Policy) -> bool:
    """Whether a customer or a subscription makes its customer ours: by the account id in its
    metadata, or by a plan among its items.
    """
    return well_formed(account_id) or policy.plan_of(items)[0] is not None


def _stale(one: Evidence) -> bool:
    return (
        isinstance(one.fact, CustomerSnapshot | SubscriptionSnapshot)
        and isinstance(one.fact.source, FromEvent)
        and one.fact.source.stale
    )


def _account_id(
    customer: str,
    found: CustomerAnswer | None,
    in_hand: list[str | None],
    subscriptions: Callable[[], list[SubscriptionAnswer]],
) -> str:
    """The account that the customer's metadata names, else its oldest subscription that names one,
    else the evidence at hand; else a derived id.
    """
    if found and found.account_id and well_formed(found.account_id):
        return found.account_id
    named = [one.account_id for one in sorted(subscriptions() if found else [], key=age)]
    return next((id for id in (*named, *in_hand) if id and well_formed(id)), derived_id(customer))


def age(one: SubscriptionAnswer) -> tuple[datetime, str]:
    """The order in which subscriptions are asked for the account that they name: the oldest
    first.
    """
    return one.created or LONG_AGO, one.id


def _seen(customer: str, found: CustomerAnswer | None, began: datetime) -> CustomerSnapshot:
    """The customer as Stripe answered. If Stripe does not know it any more, or this release cannot
    read it (the fetch that follows counts that), it is empty and older than any event.
    """
    if found and isinstance(found.state, Customer):
        return CustomerSnapshot(found.state, FromFetch(began, ""))
    return CustomerSnapshot(Customer(customer), FromEvent(LONG_AGO))
