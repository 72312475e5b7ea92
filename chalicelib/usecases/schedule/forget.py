"""Forget an account that nobody proved and nobody used: like `ops accounts erase`, but its mailbox
may have another trial.
"""

from chalicelib.domain.account.facts import CustomerSnapshot, Fact
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.pointers import tombstone_of_account
from chalicelib.domain.account.state import Account
from chalicelib.domain.schedule.forgetting import forgotten_at
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.usecases.billing.leave_stripe import customers_to_leave, leave_stripe
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def is_to_be_forgotten(account: Account, services: Services) -> bool:
    """Whether the time has come."""
    at = forgotten_at(account, services.policy)
    return at is not None and at <= services.clock.now()


def clear_rest(account_id: str, services: Services) -> None:
    """Delete what was written beside an account while it was erased. Raises Unavailable."""
    if services.stores.accounts.erased({tombstone_of_account(account_id)}):
        services.stores.partitions.clear(account_id)


def forget(account: Account, services: Services) -> None:
    """Delete the account's customer at Stripe; an hour later, once Stripe has reported that, erase
    the account with everything beside it.

    Interrupted, it stays due and goes on. A signup that comes in between keeps the account: what
    was read before is not erased then. Raises ConcurrentUpdate, Unavailable, Refused.
    """
    now = services.clock.now()
    customers = customers_to_leave(account, True, services)
    leave_stripe(account, customers, True, services)
    if customers:
        source = FromFetch(now.replace(microsecond=0), "")
        known = {id: tracked.value for id, tracked in account.customers.items()}
        deleted = [replace(known.get(id, Customer(id)), deleted=True) for id in customers]
        facts: list[Fact] = [CustomerSnapshot(one, source) for one in deleted]
        apply_facts(account, facts, services, None)
        return
    services.stores.partitions.clear(account.id)
    services.stores.accounts.erase(account, now, frees_trials=True)
    services.stores.partitions.clear(account.id)  # what was written in between
    services.metrics.count("AccountsForgotten", 1)
