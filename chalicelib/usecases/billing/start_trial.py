"""Start the trial of a signup at Stripe: create a customer and a trialing subscription without a
card, and never a second one of either.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.domain.account.facts import CustomerSnapshot, Fact, SubscriptionSnapshot
from chalicelib.domain.account.fetch_requests import FetchRequest
from chalicelib.domain.account.operations import PendingOperation
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.parts.signup import Signup
from chalicelib.domain.account.profile import CustomerCreated
from chalicelib.domain.account.queries import customer_for, has_money, subscription_currency
from chalicelib.domain.account.state import Account
from chalicelib.domain.billing.stripe_requests import NewTrial
from chalicelib.domain.errors import StripeRefused
from chalicelib.domain.stripe_objects.objects import Customer, Subscription
from chalicelib.usecases.billing.completed_checkout import open_invoices
from chalicelib.usecases.billing.live_subscription import own_subscriptions
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ingestion.fetching import StripeFetcher
from chalicelib.usecases.services import Services


def make_trial(account: Account, operation: PendingOperation, services: Services) -> Sequence[Fact]:
    """The trial's subscription as Stripe created it. Nothing if the account has a subscription
    already, or if the trial would be over by now.

    The customer is saved before the subscription is created, and with it the pointer by which its
    events find the account. Raises as the calls to Stripe do (ports/stripe.py), and StripeRefused
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
    key = f"{account.id}:trial:{operation.generation}"
    return [_seen(_started(account.id, customer.id, signup, key, services), now)]


def restart_trial(
    account: Account, name: str, operation: PendingOperation, services: Services
) -> Sequence[Fact]:
    """What Stripe has once the trial of another signup, or a first one that is begun anew, runs
    there: the one that there is with another end, or a new one instead of it. Nothing if the trial
    would be over by now, or if something was bought meanwhile.

    It looks at Stripe each time, so that a repetition changes nothing more. Raises as `make_trial`
    does, and Unreadable.
    """
    signup, now = account.signup, services.clock.now()
    if signup is None or signup.trial_ends_at <= now:
        return []
    key = f"{account.id}:{name}:{operation.generation}"
    account = _with_known_customer(account, key, services)
    customer = customer_for(account)
    if customer is None:
        return []
    found = [one.value for one in own_subscriptions(account, customer.id, services)]
    live = [one for one in found if not one.final]
    if has_money(account) or any(one.card or one.trial_end is None for one in live):
        return [_held(account, one, now) for one in found]
    subscriptions = services.stripe.subscriptions
    fitting = [one for one in live if _fits(one, signup, services)]
    fitting.sort(key=lambda one: (one.trial_end or now, one.id), reverse=True)
    facts: list[Fact] = []
    if not fitting:
        facts.append(_seen(_started(account.id, customer.id, signup, f"{key}:new", services), now))
    elif (fitting[0].trial_end or now) < signup.trial_ends_at:
        moved = subscriptions.move_trial_end(f"{key}:move", fitting[0].id, signup.trial_ends_at)
        facts.append(_held(account, moved, now))
    else:
        facts.append(_held(account, fitting[0], now))
    for other in (one for one in live if one not in fitting[:1]):
        for invoice in open_invoices(customer.id, other.id, services.stripe):
            services.stripe.invoices.void(f"{key}:void:{invoice.id}", invoice.id)
        ended = subscriptions.cancel_now(other.id, None, None)
        facts += [_held(account, ended, now)] if ended else [FetchRequest("subscription", other.id)]
    return facts


def _fits(one: Subscription, signup: Signup, services: Services) -> bool:
    """Whether the trial of a subscription is of the plan that the signup names."""
    policy = services.policy
    wanted = policy.lookup_key(signup.plan, signup.interval, signup.currency)
    return (
        one.status == "trialing"
        and [item.lookup_key for item in one.items] == [wanted]
        and subscription_currency(one) in {None, signup.currency or policy.currency}
    )


def _started(
    account_id: str, customer: str, signup: Signup, key: str, services: Services
) -> Subscription:
    lookup_key = services.policy.lookup_key(signup.plan, signup.interval, signup.currency)
    if lookup_key is None:
        raise StripeRefused(
            f"The plan {signup.plan} is not sold by the {signup.interval}: mend its lookup_keys in"
            " billing.toml.",
            "plan",
        )
    new = NewTrial(
        services.metadata_of(account_id),
        customer,
        lookup_key,
        signup.trial_ends_at,
        services.policy.trial.without_card,
        signup.currency,
    )
    return services.stripe.subscriptions.start_trial(key, new)


def _with_known_customer(account: Account, key: str, services: Services) -> Account:
    """The account with a customer at Stripe: the one that it has, or that a call without an answer
    has created, or a new one.
    """
    if customer_for(account) is None:
        now = services.clock.now()
        answers = services.stripe.customers.with_email(given_first(account)[0])
        ours = [one for one in answers if services.made(one, account.id) and not one.deleted]
        found = [fact for one in ours for fact in _created(one.value, now)]
        if found:
            account = apply_facts(account, found, services, StripeFetcher(services))
    return with_customer(account, f"{key}:customer", services)


def with_customer(account: Account, key: str, services: Services) -> Account:
    """The account with a customer at Stripe. The customer is created unless the account has one
    that is not deleted. Raises as the calls to Stripe do (ports/stripe.py).
    """
    if customer_for(account) is not None:
        return account
    now = services.clock.now()
    email, name = given_first(account)
    metadata = services.metadata_of(account.id)
    customer = services.stripe.customers.create(key, metadata, email, name)
    return apply_facts(account, _created(customer, now), services, StripeFetcher(services))


def given_first(account: Account) -> tuple[str, str | None]:
    """The address and the name with which the account's customer is created; the address is empty
    if the account has none, as once the customer that it came from was deleted. The first one gets
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
    customer, email = customer_for(account), given_first(account)[0]
    ours = (
        []
        if customer or not email
        else [
            one
            for one in services.stripe.customers.with_email(email)
            if services.made(one, account.id)
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


def _held(account: Account, one: Subscription, began: datetime) -> SubscriptionSnapshot:
    """A subscription to this product that the account may know already."""
    source = FromFetch(began.replace(microsecond=0), account.mark(one.id))
    return SubscriptionSnapshot(one, source, proved=True)


def _seen(subscription: Subscription, began: datetime) -> SubscriptionSnapshot:
    source = FromFetch(began.replace(microsecond=0), "")
    return SubscriptionSnapshot(subscription, source, proved=True)
