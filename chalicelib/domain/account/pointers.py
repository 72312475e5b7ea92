"""What an account is found by besides its id, and the tombstones of erased accounts."""

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.domain.account.rules.directory import listed_names
from chalicelib.domain.account.state import Account


@dataclass(frozen=True, slots=True, order=True)
class Pointer:
    """A `CUSTOMER` (Stripe's id), an `EXTERNAL` id (the product's) or a `TRIAL` (an identity that
    may have one trial) belongs to one account; an `EMAIL` may belong to several, and so may `JOIN`,
    which leads to the accounts whose join an operator has to decide on. By `NAME` the dashboard
    finds the beginning of a name (rules/directory.py).
    """

    kind: str
    value: str

    @property
    def secret(self) -> bool:
        """Whether its value is or contains an address, and so is hashed in keys."""
        return self.kind in {"EMAIL", "TRIAL"}

    @property
    def unique(self) -> bool:
        """Whether only one account can have it."""
        return self.kind not in {"EMAIL", "JOIN", "NAME"}

    @property
    def sorted_in(self) -> tuple[str, str] | None:
        """(partition, sort key) of a pointer that is listed in an order; None for all others."""
        if self.kind != "NAME":
            return None
        group, _, place = self.value.partition("|")
        return f"{self.kind}#{group}", place


WAITING_JOIN = Pointer("JOIN", "waits")


def pointers(account: Account) -> frozenset[Pointer]:
    """All pointers that lead to the account."""
    found = {Pointer("CUSTOMER", id) for id in account.customers}
    if account.profile.external_id:
        found.add(Pointer("EXTERNAL", account.profile.external_id))
    if account.signup:
        found |= {Pointer("TRIAL", identity) for identity in account.signup.identities}
    emails = {account.email, *_addresses_at_stripe(account)}
    found |= {
        Pointer("EMAIL", email.strip().lower()) for email in emails if email and email.strip()
    }
    if account.refused_join and account.refused_join.waits:
        found.add(WAITING_JOIN)
    found |= {Pointer("NAME", place) for place in listed_names(account)}
    return frozenset(found)


def _addresses_at_stripe(account: Account) -> Iterator[str | None]:
    """The addresses of its Stripe customers, and the one that was typed. Once the address was
    changed, the one before leads to the account no more, even where Stripe still has it.
    """
    changed = "email" in account.profile_changes
    if not changed:
        yield account.profile.email
    for id, known in account.customers.items():
        if not changed or id != account.origin_id:
            yield known.value.email


def tombstone_of_account(id: str) -> str:
    """The name, stored as a hash, that records the erasure of an account of this id."""
    return f"account:{id}"


def tombstone_of_customer(id: str) -> str:
    """The name, stored as a hash, that records the erasure of this Stripe customer's account."""
    return f"customer:{id}"


def tombstones(account: Account) -> frozenset[str]:
    """The names that keep the account from being created again once it is erased."""
    customers = (tombstone_of_customer(id) for id in account.customers)
    return frozenset({tombstone_of_account(account.id), *customers})
