"""Send one message: to the right person, once, and never when it no longer applies.

SES has no idempotency token, so a message is claimed before and confirmed after. In between it is
unclear: SES may have it, and only SES's own event can tell. What stays unclear is not sent again if
it is lifecycle mail (at most once), and sent again if it is a billing notice (at least once).
"""

from datetime import datetime, timedelta

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.facts import MessageRecorded
from chalicelib.domain.account.links import address_of, as_typed, link_to
from chalicelib.domain.account.messages import MessageRecord
from chalicelib.domain.account.queries import wanted_language
from chalicelib.domain.account.rules.apply import apply
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import ConcurrentUpdate, MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.due_messages import DueMessage, without_its_record
from chalicelib.domain.messaging.email_message import EmailMessage, SendClaim
from chalicelib.domain.messaging.mailbox_limits import cause_of, is_counted
from chalicelib.domain.messaging.notice_limits import is_bounded, is_repeated
from chalicelib.domain.policy.holdout import is_held_out
from chalicelib.domain.schedule.versions import next_version
from chalicelib.domain.security.links import LIFECYCLE
from chalicelib.outreach.rendering import language_for, render
from chalicelib.outreach.variables import variables
from chalicelib.usecases.messaging.copies import send_copies
from chalicelib.usecases.messaging.hand_over import hand_over
from chalicelib.usecases.messaging.mailboxes import count_mail, count_notice, uncount_mail
from chalicelib.usecases.services import MailServices, Services
from chalicelib.usecases.writing import update
from chalicelib.values import replace

SIGNED_UP_AGAIN = "sign_in"
"""The step whose link may belong to a signup that waits beside the account's own."""

SETTLING = timedelta(minutes=15)
"""How long SES's event is waited for before an unclear message is judged."""

ASKED_BY = {
    "sign_in": "sign-in",
    "confirm_cancel": "leave",
    "confirm_withdrawal": "leave",
    "confirm_email": "email-change",
    "email_changed": "email-undo",
}
"""What the link in a message is for, where it is for what was asked of it."""


def send_message(account_id: str, key: str, services: Services, post: MailServices) -> str:
    """The outcome: `sent`, `passed` (no longer due), `refused`, `held_out`, `over_limit`,
    `unclear`, or `nothing` (it is in other hands, or done).

    Raises Unavailable if it is to be tried again later (SES takes no more for now, or the table
    does not answer).
    """
    account = services.stores.accounts.load(account_id)
    if account is None or key not in account.mails or account.mails[key].outcome != "queued":
        return "nothing"
    claim = post.claims.load(account_id, key)
    if claim and claim.state == "sent":
        return _done(account, key, "sent", services)
    if claim and claim.at + SETTLING > services.clock.now():
        return "nothing"
    mail = _applies(account, key, services)
    if claim and (mail is None or mail.step.stream == "lifecycle"):
        return _done(account, key, "unclear", services)
    if mail is None or mail.at > services.clock.now():
        return _done(account, key, None, services)
    send_copies(account, mail, services, post)
    recipient = recipient_of(account, mail)
    if post.suppressed(recipient, mail.step.stream):
        return _done(account, key, "refused", services)
    # Here, so that those who get it and those who do not differ in nothing else.
    if is_held_out(account.id, mail.step):
        return _done(account, key, "held_out", services)
    return _sent(account, mail, claim, services, post)


def _sent(
    account: Account,
    mail: DueMessage,
    claim: SendClaim | None,
    services: Services,
    post: MailServices,
) -> str:
    """Send what nothing holds back but the limits, or hand it over."""
    key, recipient = mail.key, recipient_of(account, mail)
    if not mail.step.via:
        post.wait_for_capacity()
    may_go, last_until = _counted(account, mail, recipient, services)
    if not may_go:
        return _done(account, key, "over_limit", services)
    if mail.step.via:
        hand_over(account, mail, services)
        return _done(account, key, "sent", services)
    email_message = _email_message(account, mail, last_until, services, post)
    claimed = SendClaim(
        account.id,
        key,
        "sending",
        services.clock.now(),
        (claim.attempt if claim else 0) + 1,
        recipient=post.mark(recipient),
    )
    try:
        post.claims.take(claimed, claim)
    except ConcurrentUpdate:
        return "nothing"
    return _posted(account, email_message, claimed, services, post)


def _counted(
    account: Account, mail: DueMessage, recipient: str, services: Services
) -> tuple[bool, datetime | None]:
    """(whether it may be sent, until when no other may be) by what visitors have caused to the
    mailbox, and customers to an address that nobody has proved. It counts before it is sent, so
    that no crash lets more through.
    """
    key = f"{account.id} {mail.key}"
    if is_repeated(account, mail.step, services.clock.now()):
        return False, None
    if is_counted(mail.step, account.proved):
        proved = account.email_proved and recipient == account.email
        return count_mail(recipient, key, mail.step, proved, services)
    if is_bounded(mail.step, account):
        about = f"{account.id} {mail.step.id} {mail.occasion.about}"
        return count_notice(recipient, key, about, services), None
    return True, None


def _posted(
    account: Account,
    email_message: EmailMessage,
    claimed: SendClaim,
    services: Services,
    post: MailServices,
) -> str:
    key = claimed.key
    try:
        message_id = post.mailer.send(email_message)
    except MailOutcomeUnknown:
        return "unclear"  # the claim stands; the agenda looks again
    except MailRefused:
        uncount_mail(email_message.recipient, f"{account.id} {key}", services)
        return _done(account, key, "refused", services)
    except Unavailable:
        post.claims.drop(claimed)  # SES has said that it did not take it
        uncount_mail(email_message.recipient, f"{account.id} {key}", services)
        raise
    post.claims.confirm(claimed, message_id)
    return _done(account, key, "sent", services)


def _applies(account: Account, key: str, services: Services) -> DueMessage | None:
    """The message, if it applies on what is known now and its time is not over."""
    now = services.clock.now()
    fresh = replace(account, standing=standing(account, services.policy, now))
    mail = without_its_record(fresh, key, services.policy, now)
    return mail if mail and not mail.missed else None


def recipient_of(account: Account, mail: DueMessage) -> str:
    """The address that a message goes to. What concerns a change of the address goes to the one of
    the two that it asks something of, and a link that belongs to a signup to the address of that.
    """
    if mail.step.id == SIGNED_UP_AGAIN:
        return address_of(account, mail.occasion.id)
    change = account.address_change(mail.occasion.about)
    if change and mail.step.id == "confirm_email":
        return change.email
    if change and mail.step.id == "email_changed":
        return change.before
    return account.email or ""


def _email_message(
    account: Account,
    mail: DueMessage,
    last_until: datetime | None,
    services: Services,
    post: MailServices,
) -> EmailMessage:
    policy, lifecycle = services.policy.mail, mail.step.stream == "lifecycle"
    assert policy is not None
    links = _links(account, mail, last_until, services, post)
    is_sign_in = mail.step.id == SIGNED_UP_AGAIN
    reader = as_typed(account, mail.occasion.id) if is_sign_in else account
    language = language_for(
        mail.step.message, wanted_language(reader, services.policy), policy.language
    )
    rendered = render(
        mail.step.message,
        variables(
            account, mail, services.policy, services.clock.now(), links, language, last_until
        ),
        language,
    )
    headers = (
        {
            "List-Unsubscribe": f"<{links['unsubscribe_url']}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        if lifecycle
        else {}
    )
    return EmailMessage(
        sender=policy.senders[mail.step.stream],
        recipient=recipient_of(account, mail),
        reply_to=policy.support_email,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=headers,
        tags={
            "account": account.id,
            "step": mail.step.id,
            "occasion": mail.occasion.id,
            "stream": mail.step.stream,
        },
    )


def _links(
    account: Account,
    mail: DueMessage,
    last_until: datetime | None,
    services: Services,
    post: MailServices,
) -> dict[str, str]:
    """The links of a message by variable: empty for what cannot be unsubscribed from. Only mail has
    links that prove the address. They work at least until `last_until`. That of lifecycle mail
    opens the billing page for a week, if it is not what lets a new customer in.
    """
    lifecycle = mail.step.stream == "lifecycle"
    page = LIFECYCLE if lifecycle and not cause_of(mail.step).lets_in else ""

    def link(purpose: str, about: str) -> str:
        return post.link(link_to(account, purpose, services.clock.now(), about, last_until))

    billing = (services.policy.mail.billing_url if services.policy.mail else "") or link(
        "billing", page
    )
    purpose = ASKED_BY.get(mail.step.id)
    asked = link(purpose, mail.occasion.id) if purpose else link("billing", page)
    return {
        "unsubscribe_url": link("unsubscribe", mail.step.stream) if lifecycle else "",
        "preferences_url": link("preferences", mail.step.stream) if lifecycle else "",
        "billing_url": billing,
        "link_url": asked,
        "feedback_url": link("feedback", f"{mail.occasion.anchor}@{mail.occasion.id}"),
    }


def _done(account: Account, key: str, outcome: str | None, services: Services) -> str:
    """Record the outcome; None takes it back: its reason is gone or its hours are over,
    and it may be sent yet.

    The timeline is written first, under the time of its queueing, which a repeat has too: what is
    written of it is never lost, nor told twice though SES's event be faster than this.
    """
    queued = account.mails[key]
    stream = queued.stream
    if outcome:
        services.stores.timeline.put(
            [Entry(account.id, queued.at, "mail", key, f"mail.{outcome}", {"stream": stream})]
        )

    def done(found: Account) -> Account | None:
        if key not in found.mails or found.mails[key].outcome == outcome:
            return None
        if outcome:
            updated = apply(
                found, MessageRecorded(key, MessageRecord(outcome, services.clock.now(), stream))
            )
        else:
            due_messages = {other: mailed for other, mailed in found.mails.items() if other != key}
            updated = replace(found, mails=due_messages)
        return next_version(found, updated, services.policy, services.clock.now())

    if update(account.id, done, services, known=account) is None:
        return "nothing"  # erased meanwhile
    return outcome or "passed"
