"""How much mail that anybody can cause goes to one mailbox: which messages count, and when the next
one may be sent.

A stranger who knows an address can have mail sent to it: by signing it up, by asking for links, by
typing it as a new address. All of it counts together, for all accounts, from when it is sent until
somebody presses a button behind one of its links. The last message that the limit allows has a link
that works until the next one may be sent, so the owner of the mailbox always has one that does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS, MailPolicy, Step
from chalicelib.values import frozen, replace

DAY, WEEK = timedelta(days=1), timedelta(days=7)

FORGOTTEN = timedelta(days=90)
"""How long a message counts that nobody pressed a button of."""

COUNTS = {
    "always": "It counts, whoever has the address.",
    "unproved": "It counts while nothing but the signup form says whose the address is.",
    "lifecycle": "As `unproved`, but for billing notices, which do not count.",
    "notice": "Apart, while nobody has proved the address (domain/messaging/notice_limits.py).",
    "never": "It does not count, and no limit holds it back.",
}
"""When a message counts."""


@frozen
class Cause:
    """What causes the messages of an anchor: `counts` is one of COUNTS. `lets_in` says that the
    link in them leads the owner into the account, `about_money` that its billing notices tell of
    money.
    """

    counts: str
    reason: str
    lets_in: bool = False
    about_money: bool = False


CAUSES: Mapping[str, Cause] = {
    "sign_in_asked": Cause(
        "always", "Anybody can type the address into the form for a sign-in link.", lets_in=True
    ),
    "confirmation_wanted": Cause(
        "always", "Anybody can type the address into the signup form.", lets_in=True
    ),
    "trial_started": Cause(
        "unproved", "Anybody can type the address into the signup form.", lets_in=True
    ),
    "email_asked": Cause("always", "Every customer can type the address as their new one."),
    "cancel_now_asked": Cause(
        "always", "Whoever finds a link to the billing page can ask for it again and again."
    ),
    "withdraw_asked": Cause(
        "always", "Whoever finds a link to the billing page can ask for it again and again."
    ),
    "milestone_waits": Cause("lifecycle", "It comes of a trial that anybody can begin."),
    "trial_ends": Cause(
        "lifecycle",
        "It comes of a trial that anybody can begin. A notice is about a charge.",
        about_money=True,
    ),
    "access_ended": Cause("lifecycle", "It comes of a trial that anybody can begin."),
    "email_changed": Cause(
        "never", "The owner must learn of it to undo it. It takes the proof of an address."
    ),
    "withdrawn": Cause(
        "never", "The law requires this receipt. It takes a withdrawal.", about_money=True
    ),
    "payment_failed": Cause("notice", "It is about money that is owed.", about_money=True),
    "next_try": Cause("notice", "It is about money that is owed.", about_money=True),
    "invoice_due": Cause("notice", "It is about money that is owed.", about_money=True),
    "payment_succeeded": Cause("notice", "It takes a payment.", about_money=True),
    "converted": Cause("notice", "It takes a payment.", about_money=True),
    "plan_changed": Cause(
        "notice", "It takes a subscription, and changes what is charged.", about_money=True
    ),
    "canceling": Cause(
        "notice", "It takes a subscription, and says when it ends.", about_money=True
    ),
    "canceled": Cause("notice", "It takes a subscription that was paid for.", about_money=True),
    "card_expires": Cause("notice", "It is about a card that will be charged.", about_money=True),
    "instance_ready": Cause(
        "lifecycle", "It comes of a trial that anybody can begin, and of a provisioner's outage."
    ),
    "instance_deletes": Cause(
        "lifecycle", "It comes of a trial that anybody can begin. A notice is about their data."
    ),
    "broadcast": Cause("never", "The team sends it, to proved addresses only."),
}
"""Anchor of a step → what causes its messages. A limit that a stranger can fill holds nothing back
that is about money and goes to an address that its owner has proved.
"""


@frozen
class Bound:
    """At most `a_day` messages in any 24 hours. After `in_all` of them there is one a week."""

    a_day: int
    in_all: int | None = None


UNPROVED = Bound(a_day=3, in_all=6)
"""For a mailbox of which nobody has ever pressed a button."""

PROVED = Bound(a_day=6)
"""For a mailbox whose owner once pressed a button, and whose accounts are worth signing in to."""

KEPT = 6
"""How many of the last messages decide when the next one may be sent."""


@frozen
class SentMail:
    """A message that counts: `key` identifies it among those of all accounts."""

    key: str
    at: datetime


@frozen
class SentNotice:
    """A billing notice to an address that nobody has proved: `about` has the account, the step and
    what it is about.
    """

    key: str
    at: datetime
    about: str


@frozen
class Mailbox:
    """The messages that count of one mailbox, the oldest first, since the last press of a button.
    `pressed` is when the newest link was issued that ended a count. `notices` are the last ones,
    which count apart (domain/messaging/notice_limits.py).
    """

    sent: tuple[SentMail, ...] = ()
    pressed: datetime | None = None
    version: int = 0
    notices: tuple[SentNotice, ...] = ()


def cause_of(step: Step) -> Cause:
    """What causes a step's messages."""
    return CAUSES[step.anchor.partition(":")[0]]


def lets_owner_in(step: Step, mail: MailPolicy | None) -> bool:
    """Whether a link in a step's message leads its reader into the account. With a `billing_url` of
    the owner's the welcome leads elsewhere, and only links that were asked for do.
    """
    leads_elsewhere = mail is not None and mail.billing_url and step not in TRANSACTIONAL_STEPS
    return cause_of(step).lets_in and not leads_elsewhere


def is_counted(step: Step, proved: bool) -> bool:
    """Whether a step's message counts; `proved` as in Account.proved."""
    counts = cause_of(step).counts
    if counts in ("always", "notice", "never"):
        return counts == "always"
    return not proved and (counts == "unproved" or step.stream == "lifecycle")


def next_mail_at(
    mailbox: Mailbox, proved: bool, now: datetime, lets_in: bool = True
) -> datetime | None:
    """When the next message that counts may be sent, `now` if that is at once; None for not until a
    button is pressed, or the sent ones are forgotten. `proved` says that the address was proved by
    such a press.

    A message that does not let the owner in leaves the last place to one that does.
    """
    bound = PROVED if proved or mailbox.pressed else UNPROVED
    spare = 0 if lets_in else 1
    sent = [mail.at for mail in mailbox.sent if mail.at > now - FORGOTTEN]
    at, a_day = now, bound.a_day - spare
    if len(sent) >= a_day:
        at = max(at, sent[-a_day] + DAY)
    if bound.in_all and len(sent) >= bound.in_all - spare:
        if not lets_in:
            return None
        if len(sent) >= bound.in_all:
            at = max(at, sent[-1] + WEEK)
    return at


def with_mail(
    mailbox: Mailbox, key: str, proved: bool, now: datetime, lets_in: bool = True
) -> Mailbox | None:
    """The mailbox with one message more; None if that is over the limit. The same message again
    changes nothing.
    """
    if any(mail.key == key for mail in mailbox.sent):
        return mailbox
    if next_mail_at(mailbox, proved, now, lets_in) != now:
        return None
    return replace(mailbox, sent=(*mailbox.sent, SentMail(key, now))[-KEPT:])


def without_mail(mailbox: Mailbox, key: str) -> Mailbox:
    """The mailbox after it turned out that the message was not sent."""
    sent = tuple(mail for mail in mailbox.sent if mail.key != key)
    notices = tuple(mail for mail in mailbox.notices if mail.key != key)
    changed = replace(mailbox, sent=sent, notices=notices)
    return mailbox if changed == mailbox else changed


def after_press(mailbox: Mailbox, issued_at: datetime) -> Mailbox:
    """The mailbox after the button behind a link was pressed that was issued then: nothing counts.

    Each link ends a count once: who finds an older one has no more mail sent with it.
    """
    if mailbox.pressed and issued_at <= mailbox.pressed:
        return mailbox
    return replace(mailbox, sent=(), pressed=issued_at)


def after_ended_links(mailbox: Mailbox) -> Mailbox:
    """The mailbox after its account's links were ended: the last one works no more, so another may
    be sent.
    """
    return replace(mailbox, sent=()) if mailbox.sent else mailbox
