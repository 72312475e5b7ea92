"""An account's signed links: new ones, and which of them still open something."""

from datetime import datetime, timedelta

from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import PURPOSES, TO_ONE_ADDRESS, Link, link_for, reader_mark

FRESH = timedelta(minutes=15)
"""How long a sign-in allows what needs a fresh one: changing the address."""

SIGNED_IN = "sign-in"
"""What the session of somebody who used a sign-in link is about."""


def link_to(account: Account, purpose: str, now: datetime, about: str = "") -> Link:
    """A link for an account, issued now to the reader of its address."""
    return link_for(purpose, account.id, account.link_epoch, now, about, account.email or "")


def opens(link: Link, account: Account) -> bool:
    """Whether a verified link still opens what it is for.

    The first proof of the address voids links that were not mailed; another address voids those
    that were mailed to the one before. A sign-in link opens once, and only the newest one does.
    """
    if link.is_void(account.link_epoch) or not _has_its_reader(link, account):
        return False
    if link.purpose != "sign-in":
        return True
    requested_at, used = account.sign_in_asked_at, account.signed_in_by
    return (
        requested_at is not None
        and link.about == f"{requested_at.timestamp():.0f}"
        and (used is None or used < requested_at)
    )


def is_fresh(visit: Link, now: datetime) -> bool:
    """Whether a session began by a sign-in link less than FRESH ago: its visitor reads the mail of
    the account's address now, and did not only find an older message.
    """
    lasts = PURPOSES[visit.purpose][0]
    if visit.about != SIGNED_IN or visit.expires_at is None or lasts is None:
        return False
    return now < visit.expires_at - lasts + FRESH


def _has_its_reader(link: Link, account: Account) -> bool:
    if link.purpose not in TO_ONE_ADDRESS:
        return True
    if not link.reader:  # of an older release: nobody had changed the address until then
        return "email" not in account.profile_changes
    return link.reader == reader_mark(account.email)


def cancellation_of(link: Link, account: Account) -> CancellationRequest | None:
    """The request to cancel that a link confirms, whether it still waits or was confirmed before;
    None if it is not the account's last request.
    """
    request = account.leave
    return request if request and link.about == request.id else None
