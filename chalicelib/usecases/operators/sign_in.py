"""Sign-in to the dashboard by a mailed link.

The answer to the form, and the work before it, are the same for every address: one message for the
act queue. Whether the address is an operator's is looked at there.

Anybody may ask for an operator's link, so only so many are mailed in a day until one is used
(domain/messaging/mailbox_limits.py). The last one of these works until the next may be mailed: so
an operator always has one that does, whoever asks.
"""

import hashlib
from datetime import datetime

from chalicelib.domain.errors import ConcurrentUpdate, MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.email_message import EmailMessage, SendClaim
from chalicelib.domain.messaging.team import NOBODY
from chalicelib.domain.security.dashboard import operator_actor
from chalicelib.domain.security.links import Link, LinkRefused, link_for
from chalicelib.outreach.plain import plain
from chalicelib.outreach.rendering import RenderedEmail
from chalicelib.usecases.messages import SignInOperator
from chalicelib.usecases.messaging.mailboxes import (
    count_operator_link,
    note_operator_press,
    uncount_operator_link,
)
from chalicelib.usecases.operators.ports import SessionStore
from chalicelib.usecases.services import MailServices, Services
from chalicelib.values import replace


def enqueue_operator_sign_in(email: str, services: Services) -> None:
    """Have a link mailed a moment later, if the address is an operator's. Raises Unavailable."""
    asked_at = services.clock.now().isoformat()
    services.queues.act.send(SignInOperator(email, asked_at).dump())


def process_operator_sign_in(message: SignInOperator, services: Services) -> None:
    """Put the mail into the mail queue, if the address is an operator's. Raises Unavailable."""
    if address_of_operator(message.email, services):
        services.queues.mail.send(message.dump())


def address_of_operator(email: str, services: Services) -> str | None:
    """The address as billing.toml has it; None if it is none of the operators'."""
    team = services.policy.team
    given = email.strip().lower()
    return next((one for one in team.mail if one.lower() == given), None) if team else None


def send_operator_link(message: SignInOperator, services: Services, post: MailServices) -> str:
    """The outcome: `sent`, `refused`, `unclear`, or `over_limit` (there were enough
    today), or `nothing` (it is no operator's, it was mailed before, or it was asked for too long
    ago). Raises Unavailable if it is to be tried again later.
    """
    address, policy = address_of_operator(message.email, services), services.policy.mail
    asked_at, now = datetime.fromisoformat(message.asked_at), services.clock.now()
    if address is None or policy is None or post.suppressed(address, "billing"):
        return "nothing"
    # The fraction of the second tells links apart that were asked for in one second.
    link = link_for("operator", NOBODY, asked_at.microsecond, asked_at, address.lower())
    if link.expires_at is None or link.expires_at <= now:
        return "nothing"
    mark = post.mark(address)
    key = f"operator-{mark}@{asked_at.timestamp()}"
    claim = SendClaim(NOBODY, key, "sending", now, recipient=mark)
    if post.claims.load(NOBODY, claim.key):
        return "nothing"
    may_go, last_until = count_operator_link(address, claim.key, services)
    if not may_go:
        return "over_limit"
    post.wait_for_capacity()
    mail = _rendered(link, last_until, policy.product, post)
    email_message = EmailMessage(
        policy.senders["billing"],
        address,
        policy.support_email,
        mail.subject,
        mail.html,
        mail.text,
        {},
        {"notice": "operator_sign_in"},
    )
    try:
        post.claims.take(claim, None)
        message_id = post.mailer.send(email_message)
    except ConcurrentUpdate:  # another sends it
        return "nothing"
    except MailOutcomeUnknown:
        return "unclear"
    except MailRefused:
        uncount_operator_link(address, claim.key, services)
        return "refused"
    except Unavailable:
        post.claims.drop(claim)
        uncount_operator_link(address, claim.key, services)
        raise
    post.claims.confirm(claim, message_id)
    return "sent"


def _rendered(
    link: Link, last_until: datetime | None, product: str, post: MailServices
) -> RenderedEmail:
    """The words around a link, which works until `last_until` if no other is mailed before."""
    works = "for 15 minutes"
    more = list[list[str]]()
    if last_until:
        link = replace(link, expires_at=last_until)
        works = f"until {last_until:%Y-%m-%d %H:%M} UTC"
        more = [
            [
                "Links were asked for several times and not used, so no other one is mailed before"
                " then, unless you use this one. An admin key signs in at any time."
            ]
        ]
    return plain(
        product,
        "Sign in to the dashboard",
        [
            [f"Open this link and press the button there. It works once, {works}:"],
            [post.link(link)],
            *more,
            ["If you did not ask for it, somebody else typed your address. Nothing happens."],
        ],
    )


def operator_behind(link: Link, services: Services) -> str:
    """The actor of the operator that a link was mailed to. Raises LinkRefused if they are none any
    more.
    """
    address = address_of_operator(link.about, services)
    if address is None:
        raise LinkRefused
    return operator_actor(address)


def use_operator_link(link: Link, store: SessionStore, services: Services) -> str:
    """The actor that a link signs in, the first time that it is used. Raises LinkRefused,
    Unavailable.
    """
    actor = operator_behind(link, services)
    text = f"{link.about} {link.expires_at} {link.epoch}"
    mark = hashlib.sha256(text.encode()).hexdigest()
    if not store.use_link(mark, services.clock.now()):
        raise LinkRefused
    note_operator_press(link.about, services)
    return actor
