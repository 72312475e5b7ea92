"""Start the trial of a signup at Stripe: create a customer and a trialing subscription without a
card, and never a second one of either.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.account.facts import CustomerSnapshot, Fact, SubscriptionSnapshot
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.profile import CustomerCreated
from chalicelib.domain.account.queries import customer_for
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.stripe_requests import NewTrial
from chalicelib.domain.errors import StripeRefused
from chalicelib.domain.stripe_objects.objects import Customer, Subscription
from chalicelib.usecases.billing.live_subscription import own_subscriptions
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services


def make_trial(account: Account, operation: PendingOperation, services: Services) -> Sequence[Fact]:
    """The trial's subscription as Stripe created it. Nothing if the account has a subscription
    already, or if the trial would be over by now.

    The customer is saved before the subscription is created, and with it the pointer by which its
    events find the account. Raises as the calls to Stripe do (stripe_ports.py), and StripeRefused
    where billing.toml has no price for the plan.
    """
    signup = account.signup
    if signup is None or account.subscriptions or account.ended:
        return []
    now = services.clock.now()
    if signup.trial_ends_at <= now:
        return []
    account = with_customer(account, f"{account.id}:customer:{operation.generation}", services)
    customer = customer_for(account)
    if customer is None or account.subscriptions:
        return []
    lookup_key = services.policy.lookup_key(signup.plan, signup.interval, signup.currency)
    if lookup_key is None:
        raise StripeRefused(
            f"The plan {signup.plan} is not sold by the {signup.interval}: mend its lookup_keys in"
            " billing.toml.",
            "plan",
        )
    new = NewTrial(
        account.id,
        customer.id,
        lookup_key,
        signup.trial_ends_at,
        services.policy.trial.without_card,
        signup.currency,
    )
    key = f"{account.id}:trial:{operation.generation}"
    return [_seen(services.stripe.subscriptions.start_trial(key, new), now)]


def with_customer(account: Account, key: str, services: Services) -> Account:
    """The account with a customer at Stripe. The customer is created unless the account has one
    that is not deleted. Raises as the calls to Stripe do (stripe_ports.py).
    """
    if customer_for(account) is not None:
        return account
    now = services.clock.now()
    email, name = given_first(account)
    customer = services.stripe.customers.create(key, account.id, email, name)
    return apply_facts(account, _created(customer, now), services, StripeFetcher(services))


def given_first(account: Account) -> tuple[str, str | None]:
    """The address and the name with which the account's customer is created. The first one gets
    those of the signup, though the profile may have others since: so a repeated call is the same
    call to Stripe, and a customer that it may have created is found by its address.
    """
    email, name = account.email or "", account.name
    if account.signup is None or account.customers:
        return email, name
    if "email" in account.profile_changes:
        email = account.signup.email or email
    if "name" in account.profile_changes:
        name = account.signup.name
    return email, name


def find_trial(account: Account, services: Services) -> Sequence[Fact] | None:
    """What Stripe holds of a trial that may have been started. None if there is no subscription;
    then a customer of the account that Stripe has is saved.

    Raises Unavailable, Refused, Unreadable.
    """
    now = services.clock.now()
    customer = customer_for(account)
    ours = (
        []
        if customer
        else [
            one
            for one in services.stripe.customers.with_email(given_first(account)[0])
            if one.account_id == account.id
        ]
    )
    found = [fact for one in ours if not one.deleted for fact in _created(one.value, now)]
    for id in [customer.id] if customer else [one.id for one in ours]:
        subscriptions = own_subscriptions(account, id, services)
        if subscriptions:
            return [*found, *(_seen(one.value, now) for one in subscriptions)]
    if found:
        apply_facts(account, found, services, StripeFetcher(services))
    return None


def _created(customer: Customer, began: datetime) -> list[Fact]:
    source = FromFetch(began.replace(microsecond=0), "")
    return [CustomerCreated(customer.id), CustomerSnapshot(customer, source)]


def _seen(subscription: Subscription, began: datetime) -> SubscriptionSnapshot:
    return SubscriptionSnapshot(subscription, FromFetch(began.replace(microsecond=0), ""))
