"""Which account a customer of Stripe's gets that has none yet.

Metadata is a claim: `account_id` is a common name, and other programs fill it with what users
typed. So it makes an account, and it joins one that exists only with a proof beside it, or if the
customer has the address that the account has proved.
"""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.values import frozen


@frozen
class NamedAccount:
    """The account that the metadata of a customer or a subscription names. `proved` says that the
    right proof stands beside it.
    """

    id: str
    proved: bool = False


@frozen
class RefusedJoin:
    """The customer that made the account named another one, `account_id`, without a proof. An
    operator joins them, or dismisses it for good.
    """

    account_id: str
    at: datetime
    dismissed_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether an operator has still to decide."""
        return self.dismissed_at is None


def chosen(named: Sequence[NamedAccount]) -> NamedAccount | None:
    """The account that counts of those that a customer and its subscriptions name: the first that
    is proved, else the first.
    """
    return next((one for one in named if one.proved), next(iter(named), None))


def may_join(named: NamedAccount, address: str | None, proved_address: str | None) -> bool:
    """Whether a customer with this address may join the account that it names, which exists.
    `proved_address` is the account's address if its reader has proved it.
    """
    return named.proved or (
        bool(address) and bool(proved_address) and _plain(address) == _plain(proved_address)
    )


def _plain(address: str | None) -> str:
    return (address or "").strip().lower()
