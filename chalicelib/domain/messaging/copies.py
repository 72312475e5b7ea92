"""Copies of mail about money for the address that an account had before.

Whoever takes an account over changes its address first, and its reader would hear of nothing any
more. So for a time that address gets a copy of each billing notice about money. It is a notice: it
opens nothing.
"""

from datetime import datetime

from chalicelib.domain.account.profile import PreviousEmail
from chalicelib.domain.account.rules.profile import previous_emails
from chalicelib.domain.account.state import Account
from chalicelib.domain.messaging.mailbox_limits import cause_of
from chalicelib.domain.policy.sequences import Step

MARK_LETTERS = 16
"""How many letters of an address's mark tell a copy's claim from another one's."""


def copied_to(account: Account, step: Step, now: datetime) -> list[PreviousEmail]:
    """The addresses that get a copy of a message of this step."""
    if step.stream != "billing" or not cause_of(step).about_money:
        return []
    present = (account.email or "").casefold()
    return [
        previous
        for previous in previous_emails(account)
        if now < previous.until() and previous.address.casefold() != present
    ]


def copy_tag(mark: str) -> str:
    """What tells a copy apart from its message, given the mark of the address that it goes to."""
    return mark[:MARK_LETTERS]


def copy_key(key: str, tag: str) -> str:
    """The key of a copy's claim, given its message's."""
    return f"{key}.copy.{tag}"
