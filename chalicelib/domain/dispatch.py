"""What becomes of an account's messages at one moment. The clockwork acts by this, and the
rehearsal plays it.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.mailing import Mail, due, mails
from chalicelib.domain.policy import Policy

if TYPE_CHECKING:
    from chalicelib.domain.account import Account


def dispatch(account: "Account", policy: Policy, now: datetime) -> tuple[list[Mail], list[Mail]]:
    """Which messages have missed their time by `now`, and which are to go out; by a standing that
    is read at `now`.
    """
    passed = [mail for mail in mails(account, policy, now) if mail.missed and mail.until <= now]
    return passed, due(account, policy, now)
