"""By what else than its id an account is found."""

from dataclasses import dataclass

from chalicelib.domain.account.state import Account


@dataclass(frozen=True, slots=True, order=True)
class Pointer:
    """`CUSTOMER` (Stripe's id), `EXTERNAL` (the product's id) and `TRIAL` (who may have one trial)
    have one account; an `EMAIL` may be that of several."""

    kind: str
    value: str

    @property
    def secret(self) -> bool:
        """Whether its value is or holds an address, and so is hashed in keys."""
        return self.kind in {"EMAIL", "TRIAL"}

    @property
    def unique(self) -> bool:
        """Whether only one account can have it."""
        return self.kind != "EMAIL"


def pointers(account: Account) -> frozenset[Pointer]:
    """All pointers that lead to the account."""
    found = {Pointer("CUSTOMER", id) for id in account.customers}
    if account.profile.external_id:
        found.add(Pointer("EXTERNAL", account.profile.external_id))
    found |= {
        Pointer("TRIAL", identity)
        for identity in (account.signup.identities if account.signup else ())
    }
    emails = {account.profile.email, *(known.value.email for known in account.customers.values())}
    return frozenset(
        found
        | {Pointer("EMAIL", email.strip().lower()) for email in emails if email and email.strip()}
    )


def tombstone_of_account(id: str) -> str:
    """The name under which it is kept, hashed, that an account of this id was erased."""
    return f"account:{id}"


def tombstone_of_customer(id: str) -> str:
    """The name under which it is kept, hashed, that the account of this customer of Stripe's was
    erased.
    """
    return f"customer:{id}"


def tombstones(account: Account) -> frozenset[str]:
    """All names that must not raise the account again once it is erased."""
    return frozenset(
        {tombstone_of_account(account.id), *map(tombstone_of_customer, account.customers)}
    )
