"""Adopt a customer of Stripe's that has no account yet: made in the dashboard, by another integration, or before Billhook was there."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from chalicelib.domain.account import Account
from chalicelib.domain.agenda import next_version
from chalicelib.domain.errors import AccountTaken, LostRace, Unavailable, Unreadable
from chalicelib.domain.facts import Answer, Customer, CustomerSeen, Event, SubscriptionSeen
from chalicelib.domain.owed import asking_all_of
from chalicelib.domain.policy import Policy
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.calling import Raw
from chalicelib.stripe_api.events import StripeEvent
from chalicelib.usecases.absorb import Asker
from chalicelib.usecases.world import World

TRIES = 5
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def well_formed(id: str | None) -> bool:
    """Whether this can be the id of an account."""
    return id is not None and bool(_ACCOUNT_ID.fullmatch(id))


def derived_id(customer: str) -> str:
    """The id of an adopted account that nobody named: two who adopt the same customer agree on it."""
    return f"acc_{customer.removeprefix('cus_')}"


def probable_account(event: StripeEvent) -> str:
    """The account that an event's customer has in all likelihood."""
    return event.account_id if event.account_id and well_formed(event.account_id) else derived_id(event.customer or "")


def adopt(customer: str, events: Iterable[StripeEvent], world: World, asker: Asker) -> Account | None:
    """The account of `customer`, made or joined; None if the events do not make it ours.

    Only a subscription or a customer adopts. The pointer is written before the account asks for all that belongs to the customer, which it
    waits for now: news that came too early to be kept is in those answers, and what comes after finds the account. Raises Unavailable, Refused.
    """
    ours = [event for event in events if adopts(event, world.policy)]
    if not ours:
        return None
    began = world.now().replace(microsecond=0)
    raw = asker.put(lambda: world.gateway.customer(customer))
    if raw is None and all(_stale(event) for event in ours):
        return None
    id = _account_id(customer, raw, ours, lambda: asker.put(lambda: world.gateway.subscriptions_of(customer)))
    for _ in range(TRIES):
        account = world.accounts.load(id) or Account(id)
        if customer in account.customers:
            return account
        learnt = account.learn(_seen(customer, raw, began))
        if raw:
            learnt = asking_all_of(learnt, customer)
        new = next_version(account, learnt, world.policy, world.now())
        try:
            world.accounts.save(account, new)
        except LostRace:
            continue
        except AccountTaken:
            found = world.accounts.of_customers({customer: id})
            if customer in found:
                return found[customer]
        else:
            return new
    raise Unavailable(f"Other writers were faster {TRIES} times at adopting a customer.")


def adopts(event: StripeEvent, policy: Policy) -> bool:
    """Whether an event by itself makes its customer ours: by an account id in its metadata, or by a plan of the catalogue."""
    match event.fact:
        case CustomerSeen():
            return well_formed(event.account_id)
        case SubscriptionSeen(subscription):
            return well_formed(event.account_id) or policy.plan_of(subscription.items)[0] is not None
    return False


def _stale(event: StripeEvent) -> bool:
    return isinstance(event.fact, CustomerSeen | SubscriptionSeen) and isinstance(event.fact.by, Event) and event.fact.by.stale


def _account_id(customer: str, raw: Raw | None, events: list[StripeEvent], subscriptions: Callable[[], list[Raw]]) -> str:
    """As the customer's metadata says, else its oldest subscription's that says one, else an event's in hand, else derived."""
    if raw and well_formed(id := objects.account_id_of(raw)):
        return str(id)
    oldest_first = sorted(subscriptions(), key=lambda one: (str(one.get("created") or 0), str(one.get("id") or ""))) if raw else []
    named = [*map(objects.account_id_of, oldest_first), *(event.account_id for event in events)]
    return next((id for id in named if id and well_formed(id)), derived_id(customer))


def _seen(customer: str, raw: Raw | None, began: datetime) -> CustomerSeen:
    with suppress(Unreadable, KeyError, TypeError, AttributeError, ValueError):  # the question that follows counts it
        if raw is not None:
            return CustomerSeen(objects.customer(raw), Answer(began, ""))
    # Stripe knows of none by now, or tells it in a shape that we do not know; what the events tell of it is newer than this.
    return CustomerSeen(Customer(customer), Event(datetime.fromtimestamp(0, UTC)))
