"""An account's signed links: new ones, and which of them still open something."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import PURPOSES, TO_ONE_ADDRESS, Link, link_for, reader_mark

FRESH = timedelta(minutes=15)
"""How long a sign-in allows what needs a fresh one: changing the address."""

SIGNED_IN = "sign-in"
"""What the session of somebody who used a sign-in link is about."""


SIGN_IN_WAITS = (timedelta(minutes=15), timedelta(hours=1), timedelta(days=1), timedelta(days=2))
"""How long after the first, second … sign-in link in a row that nobody used the next one is mailed.
Each link works as long, so that there is always one that does, and a stranger who asks again and
again has no more than three mails sent in a day and six in a week.
"""


def sign_in_wait(unused: int | None) -> timedelta:
    """How long the last of so many unused sign-in links works, and no other is mailed."""
    return SIGN_IN_WAITS[min(max(unused or 0, 1), len(SIGN_IN_WAITS)) - 1]


def link_to(account: Account, purpose: str, now: datetime, about: str = "") -> Link:
    """A link for an account, issued now to the reader of its address."""
    link = link_for(purpose, account.id, account.link_epoch, now, about, account.email or "")
    asked = account.sign_in_asked_at
    if purpose != SIGNED_IN or asked is None or link.expires_at is None:
        return link
    return replace(
        link, expires_at=max(link.expires_at, asked + sign_in_wait(account.sign_in_unused))
    )


def opens(link: Link, account: Account) -> bool:
    """Whether a verified link still opens what it is for.

    The first proof of the address voids links that were not mailed; another address voids those
    that were mailed to the one before. The customer and the team can void all that there are. A
    sign-in link opens once, and only the newest one does.
    """
    if link.is_void(account.link_epoch) or not _has_its_reader(link, account):
        return False
    if is_ended(link, account):
        return False
    if link.purpose != "sign-in":
        return True
    requested_at, used = account.sign_in_asked_at, account.signed_in_by
    return (
        requested_at is not None
        and link.about == f"{requested_at.timestamp():.0f}"
        and (used is None or used < requested_at)
    )


def is_ended(link: Link, account: Account) -> bool:
    """Whether a link was handed out before the links of the account were ended. Tokens tell whole
    seconds: one of the same second counts as older. What undoes a change of the address stays, as
    whoever made the change may have ended the links.
    """
    ended = account.links_void_before
    if ended is None or link.purpose == "email-undo":
        return False
    if link.purpose == SIGNED_IN:
        asked = account.sign_in_asked_at
        return asked is None or asked <= ended
    return link.issued_at is not None and link.issued_at <= ended


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
