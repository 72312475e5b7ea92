"""Adopt a customer of Stripe's that has no account yet: made in the dashboard, by another
integration, or before Billhook was there.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from chalicelib.domain.account.apply import apply
from chalicelib.domain.account.facts import CustomerSnapshot, SubscriptionSnapshot
from chalicelib.domain.account.ordering import FromEvent, FromFetch
from chalicelib.domain.account.pointers import tombstone_of_account, tombstone_of_customer
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.domain_events import NEWS
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate, Unreadable
from chalicelib.domain.ids import well_formed
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.schedule.expected_updates import fetching_all_of
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.stripe_objects.objects import Customer, Item
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.events import StripeEvent
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race


def derived_id(customer: str) -> str:
    """The id of an adopted account that nobody named: two who adopt the same
    customer agree on it."""
    return f"acc_{customer.removeprefix('cus_')}"


def probable_account(event: StripeEvent) -> str:
    """The account that an event's customer has in all likelihood."""
    return (
        event.account_id
        if event.account_id and well_formed(event.account_id)
        else derived_id(event.customer or "")
    )


def adopt(
    customer: str, events: Iterable[StripeEvent], services: Services, fetcher: StripeFetcher
) -> Account | None:
    """The account of `customer`, made or joined; None if the events do not make it ours.

    Only a subscription or a customer adopts. What was more than a day ago is history. What was
    erased is not raised again: its late events are counted and left. Raises Unavailable, Refused.
    """
    ours = [event for event in events if adopts(event, services.policy)]
    if not ours:
        return None
    began = services.clock.now().replace(microsecond=0)
    raw = fetcher.put(lambda: services.stripe.reader.customer(customer))
    if raw is None and all(_stale(event) for event in ours):
        return None
    account = _joined(
        customer, raw, began, began - NEWS, [event.account_id for event in ours], services, fetcher
    )
    if account is None:
        services.metrics.count("EventsOfErased", len(ours))
    return account


def adopt_old(customer: str, services: Services, fetcher: StripeFetcher) -> Account | None:
    """The account of a customer who is Stripe's for long, made or joined; None if Stripe knows of
    none by now, or it is deleted or erased.

    All that was before now is history. Raises Unavailable, Refused.
    """
    now = services.clock.now()
    raw = fetcher.put(lambda: services.stripe.reader.customer(customer))
    if raw is None or raw.get("deleted"):
        return None
    return _joined(customer, raw, now.replace(microsecond=0), now, [], services, fetcher)


def _joined(
    customer: str,
    raw: Raw | None,
    began: datetime,
    history_until: datetime,
    in_hand: list[str | None],
    services: Services,
    fetcher: StripeFetcher,
) -> Account | None:
    """The account, made where there is none yet; None if it was erased. `raw` is what Stripe
    answered to the request that began at `began`.

    The pointer is written before the account asks for all that belongs to the customer, which it
    waits for now: news that came too early to be kept is in those answers, and what comes after
    finds the account.
    """
    id = _account_id(
        customer,
        raw,
        in_hand,
        lambda: fetcher.put(lambda: services.stripe.reader.subscriptions_of(customer)),
    )

    def join() -> Account | None:
        account = services.stores.accounts.load(id) or Account(id, history_until=history_until)
        if customer in account.customers:
            return account
        # Behind the load: an account that is found no more, since it was just erased, has its grave
        # by now.
        if services.stores.accounts.erased(
            {tombstone_of_account(id), tombstone_of_customer(customer)}
        ):
            return None
        new = next_version(
            account, _knowing(account, customer, raw, began), services.policy, services.clock.now()
        )
        try:
            services.stores.accounts.save(account, new)
        except AccountTaken as taken:
            found = services.stores.accounts.of_customers({customer: id})
            if customer not in found:
                raise ConcurrentUpdate(
                    "The account that had the customer was just erased."
                ) from taken
            return found[customer]
        return new

    return retry_on_lost_race(id, join, services)


def _knowing(account: Account, customer: str, raw: Raw | None, began: datetime) -> Account:
    updated = apply(account, _seen(customer, raw, began))
    return fetching_all_of(updated, customer) if raw else updated


def adopts(event: StripeEvent, policy: Policy) -> bool:
    """Whether an event by itself makes its customer ours: by an account id in its metadata, or by a
    plan of the catalogue.
    """
    match event.fact:
        case CustomerSnapshot():
            return is_ours(event.account_id, (), policy)
        case SubscriptionSnapshot(subscription):
            return is_ours(event.account_id, subscription.items, policy)
    return False


def is_ours(account_id: str | None, items: Iterable[Item], policy: Policy) -> bool:
    """Whether a customer or a subscription makes its customer ours: by the account id in its
    metadata, or by a plan among its items.
    """
    return well_formed(account_id) or policy.plan_of(items)[0] is not None


def _stale(event: StripeEvent) -> bool:
    return (
        isinstance(event.fact, CustomerSnapshot | SubscriptionSnapshot)
        and isinstance(event.fact.source, FromEvent)
        and event.fact.source.stale
    )


def _account_id(
    customer: str,
    raw: Raw | None,
    in_hand: list[str | None],
    subscriptions: Callable[[], list[Raw]],
) -> str:
    """As the customer's metadata says, else its oldest subscription's that says one, else what is
    in hand, else derived.
    """
    if raw and well_formed(id := objects.account_id_of(raw)):
        return str(id)
    named = [*map(objects.account_id_of, oldest_first(subscriptions() if raw else [])), *in_hand]
    return next((id for id in named if id and well_formed(id)), derived_id(customer))


def oldest_first(subscriptions: Iterable[Raw]) -> list[Raw]:
    """The order in which subscriptions are asked for the account that they name."""
    return sorted(
        subscriptions, key=lambda one: (str(one.get("created") or 0), str(one.get("id") or ""))
    )


def _seen(customer: str, raw: Raw | None, began: datetime) -> CustomerSnapshot:
    with suppress(
        Unreadable, KeyError, TypeError, AttributeError, ValueError
    ):  # the question that follows counts it
        if raw is not None:
            return CustomerSnapshot(objects.customer(raw), FromFetch(began, ""))
    # Stripe knows of none by now, or tells it in a shape that we do not know; what the events tell
    # of it is newer than this.
    return CustomerSnapshot(Customer(customer), FromEvent(datetime.fromtimestamp(0, UTC)))
