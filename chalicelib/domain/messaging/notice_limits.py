"""How many billing notices go to an address that nobody has proved, and how often the same one goes
to anybody.

Whoever pays for one subscription can have its address changed at Stripe to somebody else's, and
cancel, keep and cancel it all day. Each is a new occasion. So notices to an address that nobody has
proved are bounded by mailbox, apart from what the forms of ours cause: neither fills the other's
limit. A notice to a proved address never waits for what others do.
"""

from datetime import datetime, timedelta

from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.mailbox_limits import DAY, Mailbox, SentNotice, cause_of
from chalicelib.domain.policy.sequences import Step
from chalicelib.values import replace

MONTH = timedelta(days=30)

A_DAY, A_MONTH = 3, 10
"""Notices to a mailbox in any 24 hours, and in any 30 days: what a failing payment takes from its
first attempt to the end of the plan, with some to spare.
"""

REPEATS_A_DAY = 3
"""How often in 24 hours an account is told what its customer can do and undo at once."""

REPEATED = frozenset({"canceling", "plan_changed"})
"""Anchors of what the customer can do and undo at once."""


def is_bounded(step: Step, account: Account) -> bool:
    """Whether the number of a step's messages is bounded because nobody has proved the account's
    address.
    """
    is_notice = step.stream == "billing" and cause_of(step).counts in ("notice", "lifecycle")
    return is_notice and not account.email_proved


def with_notice(mailbox: Mailbox, key: str, about: str, now: datetime) -> Mailbox | None:
    """The mailbox with one notice more; None if that is over the limit. The same message again
    changes nothing. The same step about the same thing goes out once in 24 hours.
    """
    if any(notice.key == key for notice in mailbox.notices):
        return mailbox
    sent = [notice for notice in mailbox.notices if notice.at > now - MONTH]
    a_day = sum(notice.at > now - DAY for notice in sent)
    is_repeat = any(notice.about == about and notice.at > now - DAY for notice in sent)
    if is_repeat or a_day >= A_DAY or len(sent) >= A_MONTH:
        return None
    return replace(mailbox, notices=(*sent, SentNotice(key, now, about)))


def is_repeated(account: Account, step: Step, now: datetime) -> bool:
    """Whether the account was told enough of a step in the last 24 hours that tells what its
    customer can do and undo at once.
    """
    if step.anchor not in REPEATED:
        return False
    sent = [
        record
        for key, record in account.mails.items()
        if key.partition("@")[0] == step.id and record.outcome in ("sent", "unclear")
    ]
    return sum(record.at > now - DAY for record in sent) >= REPEATS_A_DAY
