"""Why customers left, and why trials did not become customers."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from chalicelib.domain.account.parts.figures import Ending
from chalicelib.domain.account.rules.endings import endings
from chalicelib.domain.account.state import Account
from chalicelib.domain.policy.reasons import CANCELLATION_REASONS, END_REASONS
from chalicelib.values import frozen

UNKNOWN = "cancellation_requested"
"""The reason where neither the customer nor Stripe gives one."""


@frozen
class Leaving:
    """An account that left at a time: a customer, or one that never became one."""

    at: datetime
    customer: bool
    reason: str


def leavings(account: Account, since: date | None) -> Iterator[Leaving]:
    """Each time at which the last running subscription of the account ended. The reason is the
    customer's own: that of the cancellation, or the answer to the exit question; else Stripe's.

    `since` is since when it is a customer. Before, only its own reasons count: that a trial has
    ended is none.
    """
    ends = endings(account)
    answers = {id: one.reason for id, one in ends.items() if one.reason in CANCELLATION_REASONS}
    others = dict[datetime, str]()
    for about, given in sorted(account.feedback.items(), key=lambda pair: (pair[1].at, pair[0])):
        id = about.partition("@")[2]
        if id not in ends:
            id = _latest_before(given.at, ends)
        if id:
            answers.setdefault(id, given.answer)
        elif not _is_customer(since, given.at):
            others[given.at] = given.answer
    for id, one in ends.items():
        customer = _is_customer(since, one.at)
        if customer or id in answers:
            reason = answers.get(id) or one.reason or UNKNOWN
            yield Leaving(one.at, customer, reason if reason in END_REASONS else "other")
    for at, answer in others.items():
        yield Leaving(at, customer=False, reason=answer)


def _latest_before(moment: datetime, ends: dict[str, Ending]) -> str:
    before = [(one.at, id) for id, one in ends.items() if one.at <= moment]
    return max(before)[1] if before else ""


def _is_customer(since: date | None, moment: datetime) -> bool:
    return since is not None and since <= moment.astimezone(UTC).date()
