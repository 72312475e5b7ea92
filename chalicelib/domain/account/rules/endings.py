"""Why an account left, and the rule that keeps it when the subscription is kept no more."""

from chalicelib.domain.account.parts.figures import Ending, FigureRecord
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.stripe_objects.objects import Subscription
from chalicelib.values import replace

NEVER_RAN = frozenset({"incomplete", "incomplete_expired"})
"""Statuses of a subscription whose first payment did not succeed in time."""


def with_kept_endings(account: Account) -> Account:
    """The account with all endings that are known now, up to the bound: it is about to drop
    subscriptions that ended long ago.
    """
    record = account.figures or FigureRecord()
    newest_last = sorted(endings(account).items(), key=lambda pair: (pair[1].at, pair[0]))
    return replace(account, figures=replace(record, endings=dict(newest_last[-most("endings") :])))


def endings(account: Account) -> dict[str, Ending]:
    """The ends of subscriptions, by id, after which no other one of the account was running."""
    record = account.figures or FigureRecord()
    found = {id: one for id, one in record.endings.items() if id not in account.subscriptions}
    for id, tracked in account.subscriptions.items():
        one = tracked.value
        ending = Ending(one.ended_at or tracked.seen, _reason(one))
        if one.final and one.status not in NEVER_RAN and _is_last(account, id, ending):
            found[id] = ending
    return found


def _is_last(account: Account, id: str, ending: Ending) -> bool:
    """Whether none was running when this one ended: of those that end at once, one is the last."""
    end = ending.at
    for other, tracked in account.subscriptions.items():
        one = tracked.value
        if other == id or one.created > end or one.status in NEVER_RAN:
            continue
        if not one.final or (end, id) < (one.ended_at or tracked.seen, other):
            return False
    return not any((end, id) < (at, other) for other, at in account.ended.items())


def _reason(one: Subscription) -> str:
    details = one.cancellation_details
    return (details.feedback or details.reason or "") if details else ""
