"""Decide on a customer that named an account without a proof: join the two, or leave them apart."""

from chalicelib.domain.account.joins import RefusedJoin
from chalicelib.domain.account.rules.joining import absorb
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import AccountNotFound, NotPossible
from chalicelib.domain.schedule.expected_updates import fetching_all_of
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.accounts.erase import UNDER_WAY_SECONDS
from chalicelib.usecases.billing.completed_checkout import expire_sessions
from chalicelib.usecases.fan_out import join_person
from chalicelib.usecases.figures.writing import withdraw_figures
from chalicelib.usecases.ports.accounts import PartitionStore
from chalicelib.usecases.publishing import without_published
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race
from chalicelib.values import replace


def join(account_id: str, services: Services, beside: PartitionStore) -> str:
    """The id of the account that the customer of `account_id` named, which takes this one in: its
    customers, grants, messages and timeline. `account_id` is gone after that.

    Raises AccountNotFound if there is no such account, or the one that was named is gone;
    NotPossible if it waits for no decision or cannot be taken in now; TooMany, Unavailable,
    Refused. After an error a repetition continues where this run ended.
    """

    def attempt() -> str:
        apart = without_published(require_account(account_id, services.stores.accounts), services)
        refused = _waiting(apart)
        named = services.stores.accounts.load(refused.account_id)
        if named is None:
            raise AccountNotFound(
                f"Account {refused.account_id} is gone: dismiss the join.", "account_id"
            )
        updated = absorb(without_published(named, services), apart)
        for customer in apart.customers:
            updated = fetching_all_of(updated, customer)
        new = next_version(named, updated, services.policy, services.clock.now())
        if apart.checkout and not apart.checkout.closed:
            for customer in apart.customers:
                expire_sessions(apart, customer, services)
        # Before it is gone: a run that ends in between leaves nothing without an account.
        join_person(apart, named.id, services)
        beside.move_timeline(apart.id, named.id)
        withdraw_figures(apart, services)
        services.stores.accounts.absorb(apart, named, new)
        return named.id

    joined = retry_on_lost_race(account_id, attempt, services)
    _note(joined, account_id, "join.made", services)
    services.clock.pause(UNDER_WAY_SECONDS)
    beside.move_timeline(account_id, joined)
    return joined


def dismiss(account_id: str, services: Services) -> Account:
    """The account, which stays apart from the one that its customer named, and is not listed any
    more. Raises AccountNotFound, NotPossible if it waits for no decision, Unavailable.
    """

    def attempt() -> Account:
        account = without_published(require_account(account_id, services.stores.accounts), services)
        now = services.clock.now()
        refused = replace(_waiting(account), dismissed_at=now)
        new = next_version(account, replace(account, refused_join=refused), services.policy, now)
        services.stores.accounts.save(account, new)
        return new

    account = retry_on_lost_race(account_id, attempt, services)
    _note(account_id, account_id, "join.dismissed", services)
    return account


def _waiting(account: Account) -> RefusedJoin:
    refused = account.refused_join
    if refused is None or not refused.waits:
        raise NotPossible(f"Account {account.id} waits for no decision about a join.")
    return refused


def _note(account_id: str, about: str, type: str, services: Services) -> None:
    """Put the operator's decision onto the timeline."""
    entry = Entry(
        account_id, services.clock.now(), "call", f"join {about}", type, {"by": "operator"}
    )
    services.stores.timeline.put([entry])
