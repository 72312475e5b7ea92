"""Erase a person's account: everything that Billhook stores of it. The order of the steps is such
that a repetition finishes an interrupted erasure.
"""

from datetime import timedelta

from chalicelib.domain.account.parts.instance import InstanceLeaves
from chalicelib.domain.account.pointers import tombstone_of_account
from chalicelib.domain.errors import AccountNotFound
from chalicelib.domain.instances.call_times import LEAVES_WITHIN
from chalicelib.domain.instances.lifecycle import keeps_from_erasure
from chalicelib.usecases.billing.leave_stripe import customers_to_leave, leave_stripe
from chalicelib.usecases.enqueue import enqueue_if_due
from chalicelib.usecases.fan_out import forget_person
from chalicelib.usecases.figures.writing import end_figures
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.ports.accounts import PartitionStore
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race
from chalicelib.values import frozen, replace

UNDER_WAY_SECONDS = 60.0
"""The longest run of a function (.chalice/config.json). One that read the account before it was
erased may write timeline entries and claims until then.
"""


@frozen
class Erased:
    """What was erased: whether the account still existed, how many timeline entries and claims were
    stored beside it, and which customers were deleted at Stripe. `waits`: the account's instance is
    deleted first, and the schedule erases the account after that, or after three days.
    """

    account: bool
    beside: int
    customers: tuple[str, ...]
    waits: bool = False


def erase(account_id: str, at_stripe: bool, services: Services, beside: PartitionStore) -> Erased:
    """Erase an account. `at_stripe` also deletes its customers at Stripe, which ends their
    subscriptions at once.

    Open Checkout sessions are expired in any case, so that nobody pays for an account that is gone.
    Only keyed hashes stay: that it was erased, that it had its trial, that its address is
    suppressed. Messages that still wait in queues for the account find none and do nothing.

    Raises AccountNotFound, InvalidInput where a subscription would still be charged, Unavailable,
    Refused. After an error a repetition continues where this run ended.
    """
    erased = _erase(account_id, at_stripe, services, beside)
    if erased.waits:
        return erased
    services.clock.pause(UNDER_WAY_SECONDS)
    return replace(erased, beside=erased.beside + beside.clear(account_id))


def erase_now(account_id: str, at_stripe: bool, services: Services) -> None:
    """As `erase`, without waiting: the schedule clears later what is being written meanwhile."""
    if _erase(account_id, at_stripe, services, services.stores.partitions).waits:
        return
    later = services.clock.now() + timedelta(seconds=UNDER_WAY_SECONDS)
    services.stores.partitions.clear_at(account_id, later)


def _erase(account_id: str, at_stripe: bool, services: Services, beside: PartitionStore) -> Erased:
    customers: tuple[str, ...] = ()
    waits = False

    def erase_account() -> bool:
        nonlocal customers, waits
        account = services.stores.accounts.load(account_id)
        if account is None:
            return False
        customers = customers_to_leave(account, at_stripe, services)
        leave_stripe(account, customers, at_stripe, services)
        now = services.clock.now()
        if waits := keeps_from_erasure(account, services.policy, now):
            leaves = InstanceLeaves(now, now + LEAVES_WITHIN)
            enqueue_if_due(apply_facts(account, [leaves], services, None), services)
        else:
            end_figures(account, now, services)
            forget_person(account, services)
            services.stores.accounts.erase(account, now)
        return True

    was_there = retry_on_lost_race(account_id, erase_account, services)
    if not was_there and not services.stores.accounts.erased({tombstone_of_account(account_id)}):
        raise AccountNotFound(f"There is no account {account_id}.", "account_id")
    if waits:
        return Erased(True, 0, customers if at_stripe else (), waits=True)
    return Erased(was_there, beside.clear(account_id), customers if at_stripe else ())
