"""An account's signed links: new ones, and which of them still open something."""

from datetime import UTC, datetime, timedelta

from chalicelib.domain.account.cancellation import CancellationRequest
from chalicelib.domain.account.parts.signup import PendingSignup, Signup
from chalicelib.domain.account.state import Account
from chalicelib.domain.security.links import PURPOSES, TO_ONE_ADDRESS, Link, link_for, reader_mark
from chalicelib.values import replace

FRESH = timedelta(minutes=15)
"""How long a sign-in allows what needs a fresh one: another address, or what costs more."""

RECENT = timedelta(hours=1)
"""How long a link that was mailed allows what costs more, without a fresh sign-in."""

SIGNED_IN = "sign-in"
"""What the session of somebody who used a sign-in link is about."""


SIGN_IN_LASTS = timedelta(minutes=15)
"""How long a sign-in link works at least. No other is mailed to the account in that time."""

NOT_MAILED = frozenset({"passed", "refused", "held_out", "over_limit"})
"""The outcomes of a message that nobody got."""


def sign_in_mark(account: Account) -> str:
    """What identifies the newest sign-in link: the second at which it was requested, and the number
    of the signup that it belongs to, if that waits for it. Empty if none was requested.
    """
    if account.sign_in_asked_at is None:
        return ""
    second = f"{account.sign_in_asked_at.timestamp():.0f}"
    return f"{second}-{account.sign_in_signup}" if account.sign_in_signup else second


def pending_signup(account: Account, mark: str) -> PendingSignup | None:
    """The signup that a sign-in link of this mark belongs to, as long as it waits for a link."""
    number = mark.partition("-")[2]
    found = (one for one in account.pending_signups if str(one.signup.number) == number)
    return None if account.proved_at else next(found, None)


def address_of(account: Account, mark: str) -> str:
    """The address that a sign-in link of this mark goes to; empty if there is none."""
    pending = pending_signup(account, mark)
    return (pending.profile.email if pending else account.email) or ""


def as_typed(account: Account, mark: str) -> Account:
    """The account with the words of the signup that a sign-in link of this mark belongs to: until
    that is confirmed, the account has those of another.
    """
    pending = pending_signup(account, mark)
    return replace(account, profile=pending.profile) if pending else account


def address_behind(link: Link, account: Account) -> str:
    """The address that a link was mailed to; empty if there is none."""
    return address_of(account, link.about) if link.purpose == SIGNED_IN else account.email or ""


def signup_behind(link: Link, account: Account, chosen: str = "") -> int | None:
    """The number of the signup that a press behind a link is for: `chosen` if that is one of
    `signups_behind`, else the link's own. None if that is not kept any more, and others are. Once
    the account was used, none is kept, and a press signs in.
    """
    others = {str(one.number or 1): one.number or 1 for one in signups_behind(link, account)}
    if chosen in others:
        return others[chosen]
    mark = link.about if link.purpose == SIGNED_IN else ""
    if account.proved_at or "-" not in mark or not account.pending_signups:
        return 1
    pending = pending_signup(account, mark)
    return pending.signup.number if pending else None


def signups_behind(link: Link, account: Account) -> list[Signup]:
    """The signups that the reader of a link may choose from, because they are of the address that
    it was mailed to: the newest first. Empty unless several wait for the first press.
    """
    if account.signup is None or not account.pending_signups or account.proved_at:
        return []
    typed = [
        (account.signup, account.email),
        *((one.signup, one.profile.email) for one in account.pending_signups),
    ]
    reader = link.reader or reader_mark(account.email)
    return [signup for signup, email in reversed(typed) if reader_mark(email) == reader]


def link_to(
    account: Account, purpose: str, now: datetime, about: str = "", until: datetime | None = None
) -> Link:
    """A link for an account, issued now to the reader of its address. It works as long as its
    purpose allows, and at least `until` then.
    """
    email = address_of(account, about) if purpose == SIGNED_IN else account.email or ""
    link = link_for(purpose, account.id, account.link_epoch, now, about, email)
    if until is None or link.expires_at is None or until <= link.expires_at:
        return link
    return replace(link, expires_at=until)


def issued_at(link: Link) -> datetime | None:
    """The second at which a link was issued; None for one that works for ever. A sign-in link may
    work longer than others of its purpose, and says when it was requested.
    """
    if link.purpose == SIGNED_IN:
        return _requested_at(link)
    return link.issued_at


def opens(link: Link, account: Account) -> bool:
    """Whether a verified link still opens what it is for.

    The first proof of the address voids links that were not mailed; another address voids those
    that were mailed to the one before. The customer and the team can void all that there are,
    and single ones. None opens a signup whose address was proved for another account. A sign-in
    link opens once, and only the newest one does, or one whose signup still waits for it.
    """
    if link.is_void(account.link_epoch) or not _has_its_reader(link, account):
        return False
    if account.superseded_at:
        return False
    if is_ended(link, account) or mark_of(link) in account.ended_links:
        return False
    if link.purpose != SIGNED_IN or pending_signup(account, link.about):
        return True
    return _is_newest_mailed(link, account)


def mark_of(link: Link) -> str:
    """What identifies a link that opens the billing page: its purpose and the second at which it
    was issued. Of a session, the mark of the link that began it. Empty for other links, and for
    sessions that an older release began by a link of a mail.
    """
    if link.purpose == "billing-visit":
        return link.about
    issued = issued_at(link) if link.purpose in {"billing", SIGNED_IN} else None
    return f"{link.purpose}@{issued.timestamp():.0f}" if issued else ""


def is_opening_ended(account: Account, mark: str) -> bool:
    """Whether the link of an opening was ended, by itself or with all others."""
    issued, all_ended = marked(mark)[1], account.links_void_before
    before = all_ended is not None and (issued is None or issued <= all_ended)
    return before or mark in account.ended_links


def is_recent(visit: Link, now: datetime) -> bool:
    """Whether a session began by a fresh sign-in (see is_fresh), or by a link that was mailed less
    than RECENT ago: its visitor reads the account's mail now. A session of an older release does
    not say by which link it began; it is over within an hour.
    """
    purpose, issued = marked(visit.about)
    by_new_mail = purpose == "billing" and issued is not None and now < issued + RECENT
    return not visit.about or by_new_mail or is_fresh(visit, now)


def marked(mark: str) -> tuple[str, datetime | None]:
    """The purpose of a link and when it was issued, by its mark; None if that does not say."""
    purpose, _, second = mark.partition("@")
    return purpose, datetime.fromtimestamp(int(second), UTC) if second.isdecimal() else None


def _is_newest_mailed(link: Link, account: Account) -> bool:
    """Whether a sign-in link is the newest, and was not used. If the message with the newest one
    was not sent, those before it go on working, as long as their time allows.
    """
    asked, last, used = _requested_at(link), account.sign_in_asked_at, account.signed_in_by
    if asked is None or last is None or (used is not None and asked <= used):
        return False
    if link.about == sign_in_mark(account):
        return True
    newest = account.mails.get(f"sign_in@{sign_in_mark(account)}")
    return asked <= last and newest is not None and newest.outcome in NOT_MAILED


def is_ended(link: Link, account: Account) -> bool:
    """Whether a link was handed out before the links of the account were ended. Tokens tell whole
    seconds: one of the same second counts as older. What undoes a change of the address stays, as
    whoever made the change may have ended the links.
    """
    ended = account.links_void_before
    if ended is None or link.purpose == "email-undo":
        return False
    issued = issued_at(link)
    if link.purpose == SIGNED_IN:
        return issued is None or issued <= ended
    return issued is not None and issued <= ended


def _requested_at(link: Link) -> datetime | None:
    """When a sign-in link was requested, a whole second."""
    second = link.about.partition("-")[0]
    return datetime.fromtimestamp(int(second), UTC) if second.isdecimal() else None


def is_fresh(visit: Link, now: datetime) -> bool:
    """Whether a session began by a sign-in link less than FRESH ago: its visitor reads the mail of
    the account's address now, and did not only find an older message.
    """
    lasts = PURPOSES[visit.purpose][0]
    if marked(visit.about)[0] != SIGNED_IN or visit.expires_at is None or lasts is None:
        return False
    return now < visit.expires_at - lasts + FRESH


def _has_its_reader(link: Link, account: Account) -> bool:
    if link.purpose not in TO_ONE_ADDRESS:
        return True
    if not link.reader:  # of an older release: nobody had changed the address until then
        return "email" not in account.profile_changes
    return link.reader == reader_mark(address_behind(link, account))


def cancellation_of(link: Link, account: Account) -> CancellationRequest | None:
    """The request to cancel that a link confirms, whether it still waits or was confirmed before;
    None if it is not the account's last request.
    """
    request = account.leave
    return request if request and link.about == request.id else None
