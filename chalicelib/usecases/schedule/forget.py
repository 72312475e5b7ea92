"""Forget an account that nobody proved and nobody used: like `ops accounts erase`, but its mailbox
may have another trial. And finish an erasure that waited for the account's instance to be deleted.
"""

from chalicelib.domain.account.facts import CustomerSnapshot, Fact
from chalicelib.domain.account.ordering import FromFetch
from chalicelib.domain.account.parts.instance import InstanceLeaves
from chalicelib.domain.account.pointers import tombstone_of_account
from chalicelib.domain.account.state import Account
from chalicelib.domain.instances.call_times import LEAVES_WITHIN
from chalicelib.domain.instances.lifecycle import is_leaving, keeps_from_erasure
from chalicelib.domain.schedule.forgetting import forgotten_at
from chalicelib.domain.stripe_objects.objects import Customer
from chalicelib.usecases.billing.leave_stripe import customers_to_leave, leave_stripe
from chalicelib.usecases.fan_out import forget_person, wake_instances
from chalicelib.usecases.figures.writing import end_figures
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.services import Services
from chalicelib.values import replace


def is_to_be_forgotten(account: Account, services: Services) -> bool:
    """Whether the time has come."""
    at = forgotten_at(account, services.policy)
    return at is not None and at <= services.clock.now()


def is_to_be_erased(account: Account, services: Services) -> bool:
    """Whether somebody has asked for the erasure, or the time to forget the account has come, and
    no instance of it is left.
    """
    now = services.clock.now()
    asked = is_leaving(account) or is_to_be_forgotten(account, services)
    return asked and not keeps_from_erasure(account, services.policy, now)


def has_instance_to_leave(account: Account, services: Services) -> bool:
    """Whether the account is to be forgotten, and its instance is not asked to be deleted yet."""
    return is_to_be_forgotten(account, services) and not is_leaving(account)


def leave_instance(account: Account, services: Services) -> None:
    """Have the instance deleted; the account is erased after that. Raises Unavailable."""
    now = services.clock.now()
    leaves = InstanceLeaves(now, now + LEAVES_WITHIN)
    wake_instances([apply_facts(account, [leaves], services, None)], services)


def erase_after_instance(account: Account, services: Services) -> None:
    """Erase an account that is to be forgotten, or whose erasure somebody has asked for: what was
    at Stripe is left already. Raises ConcurrentUpdate, Unavailable, Refused.
    """
    if is_to_be_forgotten(account, services):
        forget(account, services)
        return
    forget_person(account, services)  # before what is known of the person is cleared
    services.stores.partitions.clear(account.id)
    now = services.clock.now()
    end_figures(account, now, services)
    services.stores.accounts.erase(account, now)
    services.stores.partitions.clear(account.id)  # what was written in between


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
    forget_person(account, services)
    services.stores.partitions.clear(account.id)
    services.stores.accounts.erase(account, now, frees_trials=True)
    services.stores.partitions.clear(account.id)  # what was written in between
    services.metrics.count("AccountsForgotten", 1)
