"""Adopt a customer of Stripe's that has no account yet: made in the dashboard, by another
integration, or before Billhook was there.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from chalicelib.domain.account import Account, apply
from chalicelib.domain.agenda import next_version
from chalicelib.domain.errors import AccountTaken, LostRace, Unreadable
from chalicelib.domain.facts import Answer, Customer, CustomerSeen, Event, Item, SubscriptionSeen
from chalicelib.domain.happenings import NEWS
from chalicelib.domain.ids import well_formed
from chalicelib.domain.owed import asking_all_of
from chalicelib.domain.pointers import grave_of_account, grave_of_customer
from chalicelib.domain.policy import Policy
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.events import StripeEvent
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.absorb import Asker
from chalicelib.usecases.world import World
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
    customer: str, events: Iterable[StripeEvent], world: World, asker: Asker
) -> Account | None:
    """The account of `customer`, made or joined; None if the events do not make it ours.

    Only a subscription or a customer adopts. What was more than a day ago is history. What was
    erased is not raised again: its late events are counted and left. Raises Unavailable, Refused.
    """
    ours = [event for event in events if adopts(event, world.policy)]
    if not ours:
        return None
    began = world.now().replace(microsecond=0)
    raw = asker.put(lambda: world.stripe.reader.customer(customer))
    if raw is None and all(_stale(event) for event in ours):
        return None
    account = _joined(
        customer, raw, began, began - NEWS, [event.account_id for event in ours], world, asker
    )
    if account is None:
        world.count("EventsOfErased", len(ours))
    return account


def adopt_old(customer: str, world: World, asker: Asker) -> Account | None:
    """The account of a customer who is Stripe's for long, made or joined; None if Stripe knows of
    none by now, or it is deleted or erased.

    All that was before now is history. Raises Unavailable, Refused.
    """
    now = world.now()
    raw = asker.put(lambda: world.stripe.reader.customer(customer))
    if raw is None or raw.get("deleted"):
        return None
    return _joined(customer, raw, now.replace(microsecond=0), now, [], world, asker)


def _joined(
    customer: str,
    raw: Raw | None,
    began: datetime,
    history_until: datetime,
    in_hand: list[str | None],
    world: World,
    asker: Asker,
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
        lambda: asker.put(lambda: world.stripe.reader.subscriptions_of(customer)),
    )

    def join() -> Account | None:
        account = world.accounts.load(id) or Account(id, history_until=history_until)
        if customer in account.customers:
            return account
        # Behind the load: an account that is found no more, since it was just erased, has its grave
        # by now.
        if world.accounts.erased({grave_of_account(id), grave_of_customer(customer)}):
            return None
        new = next_version(
            account, _knowing(account, customer, raw, began), world.policy, world.now()
        )
        try:
            world.accounts.save(account, new)
        except AccountTaken as taken:
            found = world.accounts.of_customers({customer: id})
            if customer not in found:
                raise LostRace("The account that had the customer was just erased.") from taken
            return found[customer]
        return new

    return retry_on_lost_race(id, join, world)


def _knowing(account: Account, customer: str, raw: Raw | None, began: datetime) -> Account:
    learnt = apply(account, _seen(customer, raw, began))
    return asking_all_of(learnt, customer) if raw else learnt


def adopts(event: StripeEvent, policy: Policy) -> bool:
    """Whether an event by itself makes its customer ours: by an account id in its metadata, or by a
    plan of the catalogue.
    """
    match event.fact:
        case CustomerSeen():
            return is_ours(event.account_id, (), policy)
        case SubscriptionSeen(subscription):
            return is_ours(event.account_id, subscription.items, policy)
    return False


def is_ours(account_id: str | None, items: Iterable[Item], policy: Policy) -> bool:
    """Whether a customer or a subscription makes its customer ours: by the account id in its
    metadata, or by a plan among its items.
    """
    return well_formed(account_id) or policy.plan_of(items)[0] is not None


def _stale(event: StripeEvent) -> bool:
    return (
        isinstance(event.fact, CustomerSeen | SubscriptionSeen)
        and isinstance(event.fact.by, Event)
        and event.fact.by.stale
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


def _seen(customer: str, raw: Raw | None, began: datetime) -> CustomerSeen:
    with suppress(
        Unreadable, KeyError, TypeError, AttributeError, ValueError
    ):  # the question that follows counts it
        if raw is not None:
            return CustomerSeen(objects.customer(raw), Answer(began, ""))
    # Stripe knows of none by now, or tells it in a shape that we do not know; what the events tell
    # of it is newer than this.
    return CustomerSeen(Customer(customer), Event(datetime.fromtimestamp(0, UTC)))
