"""Erase a person's account: all that Billhook holds of it, in an order in which the same again
finishes what was begun.
"""

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.account import Account
from chalicelib.domain.errands import waiting
from chalicelib.domain.errors import AccountNotFound, InvalidInput
from chalicelib.domain.pointers import grave_of_account
from chalicelib.stripe_api import objects
from chalicelib.usecases.give_card import belongs
from chalicelib.usecases.world import World
from chalicelib.usecases.writing import retry_on_lost_race

UNDER_WAY_SECONDS = 60.0
"""How long a function may live (.chalice/config.json): one that read the account before it was
erased may write beside it until then.
"""


class Beside(Protocol):
    """What lies beside accounts; see aws/partition.py."""

    def clear(self, account_id: str) -> int:
        """Delete all that lies beside the account, and say how much that was."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: whether there still was an account, how many notes and claims lay beside it,
    and which customers were deleted at Stripe.
    """

    account: bool
    beside: int
    customers: tuple[str, ...]


def erase(account_id: str, at_stripe: bool, world: World, beside: Beside) -> Erased:
    """Erase an account; `at_stripe` deletes its customers there too, which ends their subscriptions
    at once.

    Its open Checkouts are closed in any case: nobody must pay for what is gone. What stays are
    keyed hashes: that it was erased, that its trial was had, that its address is suppressed. What
    still waits in queues for the account finds none and does nothing. Raises AccountNotFound,
    InvalidInput where a subscription would go on being charged, Unavailable, Refused: then the same
    again goes on.
    """
    customers: tuple[str, ...] = ()

    def erase_account() -> bool:
        nonlocal customers
        account = world.accounts.load(account_id)
        if account is None:
            return False
        customers = _customers(account, at_stripe, world)
        _leave_stripe(account, customers, at_stripe, world)
        world.accounts.erase(account, world.now())
        return True

    was_there = retry_on_lost_race(account_id, erase_account, world)
    if not was_there and not world.accounts.erased({grave_of_account(account_id)}):
        raise AccountNotFound(f"There is no account {account_id}.", "account_id")
    number = beside.clear(account_id)
    world.pause(UNDER_WAY_SECONDS)
    return Erased(was_there, number + beside.clear(account_id), customers if at_stripe else ())


def _customers(account: Account, at_stripe: bool, world: World) -> tuple[str, ...]:
    """Its customers that live; where they are to be deleted, with those that Stripe may have made
    while nobody could write them down.
    """
    known = {id for id, one in account.customers.items() if not one.value.deleted}
    if at_stripe and account.email and waiting(account.errands):
        known |= {
            str(raw["id"])
            for raw in world.stripe.customers.with_email(account.email)
            if objects.account_id_of(raw) == account.id
        }
    return tuple(sorted(known))


def _leave_stripe(
    account: Account, customers: tuple[str, ...], at_stripe: bool, world: World
) -> None:
    charged = [
        id
        for id, known in sorted(account.subscriptions.items())
        if not known.value.final and known.value.customer in customers
    ]
    if charged and not at_stripe:
        raise InvalidInput(
            f"Subscription {', '.join(charged)} of account {account.id} has not ended, and would go"
            " on with nobody to look after it: cancel it at Stripe first, or erase with --stripe,"
            " which deletes the customer there and so ends it at once.",
            "account_id",
        )
    for customer in customers:
        if account.checkout and not account.checkout.closed:
            for session in world.stripe.checkout.open_sessions(customer):
                if belongs(session, account):
                    world.stripe.checkout.expire(str(session["id"]))
        if at_stripe:
            world.stripe.customers.delete(customer)
