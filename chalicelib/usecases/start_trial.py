"""Start the trial of a signup at Stripe: a customer, and a trialing subscription without a card;
never a second one of either.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.account import Account, Fact
from chalicelib.domain.checkouts import customer_for
from chalicelib.domain.errands import Errand
from chalicelib.domain.errors import Refused
from chalicelib.domain.facts import Answer, CustomerSeen, SubscriptionSeen
from chalicelib.domain.stripe_requests import NewTrial
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.absorb import Asker, absorb
from chalicelib.usecases.world import World


def make_trial(account: Account, errand: Errand, world: World) -> Sequence[Fact]:
    """What Stripe says of the trial that it made; nothing if it is known already, or its time is
    over before Stripe heard of it.

    The customer is learnt, and with it the pointer by which its events are found, before the
    subscription is made. Raises as the calls to Stripe do (ports.py).
    """
    signup = account.signup
    if signup is None or account.subscriptions or account.ended:
        return []
    account = with_customer(account, f"{account.id}:customer:{errand.generation}", world)
    customer = customer_for(account)
    now = world.now()
    if customer is None or signup.trial_ends_at <= now or account.subscriptions:
        return []
    lookup_key = world.policy.lookup_key(signup.plan, signup.interval, signup.currency)
    if lookup_key is None:
        raise Refused(
            f"The plan {signup.plan} is not sold by the {signup.interval}: mend its lookup_keys in"
            " billing.toml.",
            "plan",
        )
    trial = NewTrial(
        account.id, customer.id, lookup_key, signup.trial_ends_at, world.policy.trial.without_card
    )
    return [
        _subscription(
            world.stripe.subscriptions.start_trial(
                f"{account.id}:trial:{errand.generation}", trial
            ),
            now,
        )
    ]


def with_customer(account: Account, key: str, world: World) -> Account:
    """The account with a customer at Stripe, which is created unless the account has one that is
    not deleted. Raises as the calls to Stripe do (ports.py).
    """
    if customer_for(account) is not None:
        return account
    now = world.now()
    raw = world.stripe.customers.create(key, account.id, account.email or "", account.name)
    return absorb(account, [_customer(raw, now)], world, Asker(world))


def find_trial(account: Account, world: World) -> Sequence[Fact] | None:
    """What Stripe has of a trial that may have been started; None if no subscription, and then its
    customer is learnt, if there is one.
    """
    now = world.now()
    customer = customer_for(account)
    ours = (
        []
        if customer
        else [
            raw
            for raw in world.stripe.customers.with_email(account.email or "")
            if objects.account_id_of(raw) == account.id
        ]
    )
    found = [_customer(raw, now) for raw in ours if not raw.get("deleted")]
    for id in [customer.id] if customer else [raw["id"] for raw in ours]:
        subscriptions = world.stripe.reader.subscriptions_of(id)
        if subscriptions:
            return [*found, *(_subscription(raw, now) for raw in subscriptions)]
    if found:
        absorb(account, found, world, Asker(world))
    return None


def _customer(raw: Raw, began: datetime) -> CustomerSeen:
    return CustomerSeen(objects.customer(raw), Answer(began.replace(microsecond=0), ""))


def _subscription(raw: Raw, began: datetime) -> SubscriptionSeen:
    return SubscriptionSeen(objects.subscription(raw), Answer(began.replace(microsecond=0), ""))
