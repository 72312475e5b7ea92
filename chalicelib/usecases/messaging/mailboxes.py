"""Count the mail that visitors cause, by mailbox (domain/messaging/mailbox_limits.py): when it is
sent, and until a button behind one of its links is pressed.
"""

from collections.abc import Callable
from datetime import datetime

from chalicelib.domain.account.links import issued_at
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.messaging.mailbox_limits import (
    Mailbox,
    after_ended_links,
    after_press,
    lets_owner_in,
    next_mail_at,
    with_mail,
    without_mail,
)
from chalicelib.domain.messaging.notice_limits import with_notice
from chalicelib.domain.policy.sequences import Step
from chalicelib.domain.security.links import Link
from chalicelib.domain.security.signup import identity
from chalicelib.usecases.services import Services
from chalicelib.values import replace

TRIES = 8
"""How often a mailbox is written if others write it at the same time."""


def has_room(email: str, proved: bool, services: Services) -> bool:
    """Whether one more message that lets the owner in may be sent now. Counts nothing. Raises
    Unavailable.
    """
    now = services.clock.now()
    return next_mail_at(services.stores.mailboxes.load(identity(email)), proved, now) == now


def count_mail(
    email: str, key: str, step: Step, proved: bool, services: Services
) -> tuple[bool, datetime | None]:
    """(whether the message may be sent, until when no other may be). It counts from now on; the
    same message again, of this `key`, does not count twice. The time is None if another one may be
    sent at once. Raises Unavailable.
    """
    now, opens = services.clock.now(), lets_owner_in(step, services.policy.mail)
    counted = _update(
        identity(email), lambda found: with_mail(found, key, proved, now, opens), services
    )
    if counted is None:
        return False, None
    next_at = next_mail_at(counted, proved, now)
    return True, next_at if next_at and next_at > now else None


def count_notice(email: str, key: str, about: str, services: Services) -> bool:
    """Whether a notice may be sent to an address that nobody has proved. It counts from now on; the
    same message again, of this `key`, does not count twice. Raises Unavailable.
    """
    now = services.clock.now()
    return (
        _update(identity(email), lambda found: with_notice(found, key, about, now), services)
        is not None
    )


def count_operator_link(address: str, key: str, services: Services) -> tuple[bool, datetime | None]:
    """As count_mail, for a link to the dashboard. These are counted apart, so mail that strangers
    cause to customers' accounts keeps no operator out. Raises Unavailable.
    """
    now = services.clock.now()
    counted = _update(
        _operator(address), lambda found: with_mail(found, key, True, now, True), services
    )
    if counted is None:
        return False, None
    next_at = next_mail_at(counted, True, now)
    return True, next_at if next_at and next_at > now else None


def uncount_operator_link(address: str, key: str, services: Services) -> None:
    """The link does not count: SES did not take it. Raises Unavailable."""
    _update(_operator(address), lambda found: without_mail(found, key), services)


def note_operator_press(address: str, services: Services) -> None:
    """An operator signed in by a mailed link: nothing counts any more. The link works only once, so
    nobody ends a count with it again. Raises Unavailable.
    """
    now = services.clock.now()
    _update(_operator(address), lambda found: after_press(found, now), services)


def uncount_mail(email: str, key: str, services: Services) -> None:
    """The message does not count: SES did not take it. Raises Unavailable."""
    _update(identity(email), lambda found: without_mail(found, key), services)


def note_press(email: str | None, link: Link, services: Services) -> None:
    """The button behind a link was pressed that was mailed to this address: nothing counts any
    more. Raises Unavailable.
    """
    issued = issued_at(link)
    if email and issued:
        _update(identity(email), lambda found: after_press(found, issued), services)


def note_ended_links(email: str | None, services: Services) -> None:
    """The links that were mailed to this address were ended. Raises Unavailable."""
    if email:
        _update(identity(email), after_ended_links, services)


def _operator(address: str) -> str:
    """Whose links to the dashboard are counted. No identity of an address has this prefix."""
    return f"operator {identity(address)}"


def _update(
    whose: str, change: Callable[[Mailbox], Mailbox | None], services: Services
) -> Mailbox | None:
    """The mailbox after a change, saved; None if the change refuses."""
    store = services.stores.mailboxes
    for _ in range(TRIES):
        found = store.load(whose)
        changed = change(found)
        if changed is None or changed == found:
            return changed
        written = replace(changed, version=found.version + 1)
        try:
            store.save(whose, found, written, services.clock.now())
        except ConcurrentUpdate:
            continue
        return written
    raise Unavailable("Others counted mail to the same mailbox at the same time.")
