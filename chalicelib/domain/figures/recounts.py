"""What a recount of the figures compares: what accounts contribute by their history, what is kept
of it, and the sums.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.contributions import (
    NOTHING,
    WEEKLY,
    FigureKey,
    contributions,
    is_settled,
)
from chalicelib.domain.figures.history import Amounts, closings
from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.stripe_objects.recurring import unpriced
from chalicelib.values import frozen, replace

EVERY = timedelta(days=7)
"""How often the figures are counted again."""

SETTLED = timedelta(days=10)
"""The sum of all accounts is compared for a day so long ago: later ones may change meanwhile."""


@frozen
class RecountState:
    """How far the recount of this week is: `cursor` is the place in the accounts, None before the
    first. `sums` is what those that were counted brought in on `day`, by currency; `differences`
    were found so far. `version` counts the writes of this state.
    """

    began: datetime
    day: date
    cursor: str | None = None
    sums: Mapping[str, int] = field(default_factory=dict)
    differences: int = 0
    ended_at: datetime | None = None
    version: int = 0


def due_recount(state: RecountState | None, now: datetime) -> RecountState | None:
    """The recount that is to begin or to go on now; None if the last one is young enough."""
    if state and state.ended_at is None:
        return state
    if state and now < state.began + EVERY:
        return None
    day = (now - SETTLED).astimezone(UTC).date()
    return RecountState(now, day, version=state.version if state else 0)


def with_account(state: RecountState, account: Account, policy: Policy) -> RecountState:
    """The state with what the account brought in on its day."""
    before: Amounts = {}
    for day, amounts in closings(account, policy.figures.metered).items():
        before = amounts if day <= state.day else before
    sums = dict(state.sums)
    for currency, amount in before.items():
        sums[currency] = sums.get(currency, 0) + amount
    return replace(state, sums=sums)


@frozen
class Difference:
    """A contribution, or a row if `account` is empty, that is not what the history of the accounts
    gives: `kept` instead of `counted`. An empty text is none.
    """

    key: FigureKey
    account: str
    kept: str
    counted: str


def differing(account: Account, kept: Mapping[FigureKey, str], policy: Policy) -> list[Difference]:
    """Where what is `kept` of an account is not what its history gives. Of days of which it keeps
    no changes any more, what was contributed then is right.
    """
    counted = contributions(account, policy)
    return [
        Difference(key, account.id, kept.get(key, NOTHING), counted.get(key, NOTHING))
        for key in sorted(kept.keys() | counted.keys(), key=str)
        if kept.get(key, NOTHING) != counted.get(key, NOTHING) and not is_settled(account, key)
    ]


def unpriced_of(account: Account) -> set[str]:
    """The prices of the account's subscriptions that have no single amount, and count as 0."""
    return {
        price
        for changes in account.recurring.values()
        for change in changes[-1:]
        for price in unpriced(change.after)
    }


def figures_between(kind: str, first: date, last: date) -> list[FigureKey]:
    """The figures of the days, or of the weeks, from `first` to `last`."""
    if kind in WEEKLY:
        first -= timedelta(days=first.weekday())
    step = timedelta(weeks=1) if kind in WEEKLY else timedelta(days=1)
    return [FigureKey(kind, first + step * number) for number in range((last - first) // step + 1)]
