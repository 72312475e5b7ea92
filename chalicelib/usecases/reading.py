"""Read an account that must exist."""

from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountNotFound
from chalicelib.domain.ids import well_formed
from chalicelib.usecases.ports.accounts import AccountStore


def require_account(account_id: str, accounts: AccountStore) -> Account:
    """The account of an id that a caller gave, by one consistent read; none for what cannot be an
    id. Raises AccountNotFound, Unavailable.
    """
    account = accounts.load(account_id) if well_formed(account_id) else None
    if account is None:
        raise AccountNotFound("There is no account of that id.", "account_id")
    return account
