"""Protocols of what the dashboard keeps and reads. Adapters and fakes implement them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.account.rules.directory import ListedAccount
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.dashboard import OperatorSession


class SessionStore(Protocol):
    """The sessions of operators; see aws/keys/sessions.py."""

    def load(self, id: str) -> OperatorSession | None:
        """The session of that id: one consistent read. Raises Unavailable."""

    def put(self, session: OperatorSession) -> None:
        """Keep a new one. Raises Unavailable."""

    def all(self, now: datetime) -> list[OperatorSession]:
        """Those that are alive, the newest first. Raises Unavailable."""

    def end(self, id: str, now: datetime) -> bool:
        """End one; False if there is none of that id. Raises Unavailable."""

    def use_link(self, mark: str, now: datetime) -> bool:
        """Whether the link of this mark is used for the first time. Raises Unavailable."""


class Directory(Protocol):
    """The lists of accounts; see aws/directory.py."""

    def places(
        self,
        status: str,
        after: str | None,
        most: int,
        until: str = "",
        newest_first: bool = False,
        plan: str = "",
    ) -> list[ListedAccount]:
        """Some places of a status. Raises Unavailable."""

    def named(self, prefix: str, group: str, after: str | None, most: int) -> list[ListedAccount]:
        """Some places of names that begin so. Raises Unavailable."""


class AccountFinder(Protocol):
    """Accounts by what they are found by; see aws/accounts.py."""

    def load(self, id: str) -> Account | None:
        """One consistent read."""

    def load_many(self, ids: Sequence[str]) -> list[Account]:
        """Those of the ids that there are, in their order: one call for 100."""

    def of_customers(self, guesses: Mapping[str, str]) -> dict[str, Account]:
        """The accounts of Stripe's customers."""

    def with_email(self, email: str) -> list[Account]:
        """The accounts that have this address."""

    def with_external_id(self, external_id: str) -> Account | None:
        """The account with this id of the product."""
