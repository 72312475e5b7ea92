"""Which signed links still open something for an account."""

from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import Link


def opens(link: Link, account: Account) -> bool:
    """Whether a verified link still opens what it is for.

    The first proof of the address closes the links of whoever only typed it. A sign-in link opens
    once, and only the newest.
    """
    if not link.stands(account.link_epoch):
        return False
    if link.purpose != "sign-in":
        return True
    asked_at, used = account.sign_in_asked_at, account.signed_in_by
    return (
        asked_at is not None
        and link.about == f"{asked_at.timestamp():.0f}"
        and (used is None or used < asked_at)
    )


def cancellation_of(link: Link, account: Account) -> CancellationRequest | None:
    """The wish to leave that a link confirms, whether it still waits or was confirmed before; None
    if it is not the account's last.
    """
    wish = account.leave
    return wish if wish and link.about == wish.id else None
