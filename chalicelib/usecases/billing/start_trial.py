"""Start the trial of a signup at Stripe: a customer, and a trialing subscription without a card;
never a second one of either.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.account.facts import CustomerSnapshot, Fact, SubscriptionSnapshot
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.queries import customer_for
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.stripe_requests import NewTrial
from chalicelib.domain.errors import Refused
from chalicelib.stripe_api import objects
from chalicelib.stripe_api.transport import Raw
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services


def make_trial(account: Account, operation: PendingOperation, services: Services) -> Sequence[Fact]:
    """What Stripe says of the trial that it made; nothing if it is known already, or its time is
    over before Stripe heard of it.

    The customer is learnt, and with it the pointer by which its events are found, before the
    subscription is made. Raises as the calls to Stripe do (ports.py).
    """
    signup = account.signup
    if signup is None or account.subscriptions or account.ended:
        return []
    account = with_customer(account, f"{account.id}:customer:{operation.generation}", services)
    customer = customer_for(account)
    now = services.clock.now()
    if customer is None or signup.trial_ends_at <= now or account.subscriptions:
        return []
    lookup_key = services.policy.lookup_key(signup.plan, signup.interval, signup.currency)
    if lookup_key is None:
        raise Refused(
            f"The plan {signup.plan} is not sold by the {signup.interval}: mend its lookup_keys in"
            " billing.toml.",
            "plan",
        )
    trial = NewTrial(
        account.id,
        customer.id,
        lookup_key,
        signup.trial_ends_at,
        services.policy.trial.without_card,
    )
    return [
        _subscription(
            services.stripe.subscriptions.start_trial(
                f"{account.id}:trial:{operation.generation}", trial
            ),
            now,
        )
    ]


def with_customer(account: Account, key: str, services: Services) -> Account:
    """The account with a customer at Stripe, which is created unless the account has one that is
    not deleted. Raises as the calls to Stripe do (ports.py).
    """
    if customer_for(account) is not None:
        return account
    now = services.clock.now()
    raw = services.stripe.customers.create(key, account.id, account.email or "", account.name)
    return apply_facts(account, [_customer(raw, now)], services, StripeFetcher(services))


def find_trial(account: Account, services: Services) -> Sequence[Fact] | None:
    """What Stripe has of a trial that may have been started; None if no subscription, and then its
    customer is learnt, if there is one.
    """
    now = services.clock.now()
    customer = customer_for(account)
    ours = (
        []
        if customer
        else [
            raw
            for raw in services.stripe.customers.with_email(account.email or "")
            if objects.account_id_of(raw) == account.id
        ]
    )
    found = [_customer(raw, now) for raw in ours if not raw.get("deleted")]
    for id in [customer.id] if customer else [raw["id"] for raw in ours]:
        subscriptions = services.stripe.reader.subscriptions_of(id)
        if subscriptions:
            return [*found, *(_subscription(raw, now) for raw in subscriptions)]
    if found:
        apply_facts(account, found, services, StripeFetcher(services))
    return None


def _customer(raw: Raw, began: datetime) -> CustomerSnapshot:
    return CustomerSnapshot(objects.customer(raw), FromFetch(began.replace(microsecond=0), ""))


def _subscription(raw: Raw, began: datetime) -> SubscriptionSnapshot:
    return SubscriptionSnapshot(
        objects.subscription(raw), FromFetch(began.replace(microsecond=0), "")
    )
