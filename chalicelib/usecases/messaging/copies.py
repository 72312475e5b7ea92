"""Send copies of a message to the addresses that the account had before, each once at most.

The copy goes before the message, and whatever becomes of that: an address that takes nothing is
what somebody would choose who does not want the bills to be seen.
"""

from datetime import datetime

from chalicelib.domain.account.profile import PreviousEmail
from chalicelib.domain.account.queries import wanted_language
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, MailOutcomeUnknown, MailRefused, Unavailable
from chalicelib.domain.messaging.copies import copied_to, copy_key, copy_tag
from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.messaging.email_message import EmailMessage, SendClaim
from chalicelib.domain.messaging.notice_limits import is_repeated
from chalicelib.outreach.rendering import language_for, render
from chalicelib.outreach.variables import of_a_copy, variables
from chalicelib.usecases.messaging.mailboxes import count_notice, uncount_mail
from chalicelib.usecases.services import MailServices, Services


def send_copies(account: Account, mail: DueMessage, services: Services, post: MailServices) -> int:
    """How many copies SES took now. None goes to an address that bounced or complained, and no more
    than notices to an address that nobody has proved. Raises Unavailable; then it is tried again
    with its message.
    """
    now = services.clock.now()
    if mail.step.via or is_repeated(account, mail.step, now):
        return 0
    previous = copied_to(account, mail.step, now)
    return sum(_send_copy(account, mail, one, services, post) for one in previous)


def _send_copy(
    account: Account,
    mail: DueMessage,
    previous: PreviousEmail,
    services: Services,
    post: MailServices,
) -> bool:
    now, address = services.clock.now(), previous.address
    if post.suppressed(address, "lifecycle"):
        return False
    tag = copy_tag(post.mark(address))
    key = copy_key(mail.key, tag)
    if post.claims.load(account.id, key):
        return False
    counted, about = f"{account.id} {key}", f"{account.id} {mail.step.id} {mail.occasion.about}"
    if not count_notice(address, counted, about, services):
        return False
    email_message = _email_message(account, mail, previous, tag, now, post.sign_in_form, services)
    post.wait_for_capacity()
    claim = SendClaim(account.id, key, "sending", now, recipient=post.mark(address))
    try:
        post.claims.take(claim, None)
        post.claims.confirm(claim, post.mailer.send(email_message))
    except (ConcurrentUpdate, MailOutcomeUnknown):
        return False
    except MailRefused:
        uncount_mail(address, counted, services)
        return False
    except Unavailable:
        post.claims.drop(claim)
        uncount_mail(address, counted, services)
        raise
    return True


def _email_message(
    account: Account,
    mail: DueMessage,
    previous: PreviousEmail,
    tag: str,
    now: datetime,
    form: str,
    services: Services,
) -> EmailMessage:
    policy = services.policy.mail
    assert policy is not None
    message, wanted = mail.step.message, wanted_language(account, services.policy)
    language = language_for(message, wanted, policy.language)
    no_links = dict.fromkeys(("unsubscribe_url", "preferences_url"), "")
    values = variables(account, mail, services.policy, now, no_links, language)
    values |= of_a_copy(account, services.policy, previous.until(), form, language)
    rendered = render(message, values, language)
    return EmailMessage(
        sender=policy.senders[mail.step.stream],
        recipient=previous.address,
        reply_to=policy.support_email,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers={},
        tags={
            "account": account.id,
            "step": mail.step.id,
            "occasion": mail.occasion.id,
            "stream": mail.step.stream,
            "copy": tag,
        },
    )
