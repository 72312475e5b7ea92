"""Open signed links: find the account that a link was made for."""

from chalicelib.domain.account.links import opens
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import Link, LinkRefused
from chalicelib.usecases.ports import AccountStore

UNSUBSCRIBABLE = "lifecycle"
"""The one stream of mail that may be unsubscribed from."""


def open_link(link: Link, accounts: AccountStore) -> Account:
    """The account of a verified link. Raises LinkRefused, without a reason, if the link was used or
    revoked or its account was erased; Unavailable.
    """
    account = accounts.load(link.account_id)
    if account is None or not opens(link, account):
        raise LinkRefused
    return account


def open_mail_link(link: Link, accounts: AccountStore) -> Account | None:
    """The account whose mail a verified link is about; None if it was erased since. Raises
    LinkRefused if the link is about mail that cannot be unsubscribed from; Unavailable.
    """
    if link.about != UNSUBSCRIBABLE:
        raise LinkRefused
    return accounts.load(link.account_id)
