"""Write what accounts contribute to the figures, after the version is saved from which it follows.

The saved version names the contributions that it changes, until another version is saved. Whoever
reads it next looks whether they were written, and writes those that were not. A contribution is
never replaced by that of an older version, so a writer that was slow does no harm.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.closing import is_late
from chalicelib.domain.figures.contributions import (
    NOTHING,
    REVENUE,
    FigureKey,
    contributions,
    is_settled,
    key_of,
    last_contributions,
)
from chalicelib.domain.figures.counts import COUNTS
from chalicelib.usecases.services import Services
from chalicelib.values import replace

RETRIED_FOR = timedelta(days=7)
"""An erasure that was interrupted is repeated within this time."""


def write_figures(account: Account, services: Services) -> None:
    """Write the contributions that this version of the account changes; the same again does no
    harm. Raises Unavailable.
    """
    if account.figures_due:
        now = contributions(account, services.policy)
        _put(
            account,
            {key: now.get(key, NOTHING) for key in _due(account)},
            rank_of(account),
            services,
        )


def with_written_figures(accounts: Mapping[str, Account], services: Services) -> dict[str, Account]:
    """The accounts, none of which has contributions left to write: those that its writer did not
    write are written now. Raises Unavailable.
    """
    waiting = {one.id: one for one in accounts.values() if one.figures_due}
    if not waiting:
        return dict(accounts)
    kept = services.stores.figures.kept(
        [(key, id) for id, one in waiting.items() for key in _due(one)]
    )
    for id, one in waiting.items():
        missing = [key for key in _due(one) if _rank(kept, key, id) < rank_of(one)]
        write_figures(replace(one, figures_due=tuple(map(str, missing))), services)
    return {
        name: replace(one, figures_due=()) if one.figures_due else one
        for name, one in accounts.items()
    }


def end_figures(account: Account, at: datetime, services: Services) -> None:
    """Write the last contributions of an account that is about to be erased: what it brings in ends
    at that moment. What it contributed stays, under a hash that leads to nobody. Raises
    Unavailable.
    """
    last = last_contributions(account, services.policy, at)
    own = contributions(account, services.policy)
    changed = {key: text for key, text in last.items() if own.get(key) != text}
    changed |= {key: NOTHING for key in own if key.kind in COUNTS and key not in last}
    if account.recurring:
        recent = [
            FigureKey(REVENUE, (at - timedelta(days=days)).date())
            for days in range(RETRIED_FOR.days + 1)
        ]
        known = services.stores.figures.kept([(key, account.id) for key in recent])
        changed |= {key: last.get(key, NOTHING) for key, _ in known if not is_settled(account, key)}
    _put(account, changed, rank_of(account) + 1, services)


def withdraw_figures(account: Account, services: Services) -> None:
    """Take back all that an account contributed which another one takes in: it is contributed by
    that one. Raises Unavailable.
    """
    keys = contributions(account, services.policy)
    _put(account, dict.fromkeys(keys, NOTHING), rank_of(account) + 1, services)


def rank_of(account: Account) -> int:
    """The place of a version among all of its account's: a backup that is restored begins anew."""
    return account.epoch * 10**9 + account.version


def _rank(
    kept: Mapping[tuple[FigureKey, str], tuple[str, int]], key: FigureKey, account_id: str
) -> int:
    _, rank = kept.get((key, account_id), (NOTHING, -1))
    return rank


def _due(account: Account) -> list[FigureKey]:
    keys = [key_of(text) for text in account.figures_due]
    return [key for key in keys if not is_settled(account, key)]


def _put(account: Account, texts: Mapping[FigureKey, str], rank: int, services: Services) -> None:
    now = services.clock.now()
    for key, text in sorted(texts.items(), key=lambda pair: str(pair[0])):
        if is_late(key, now):
            services.stores.figures.mark(key, now)
        services.stores.figures.put(key, account.id, text, rank)
