"""What an account contributes to the figures: to each day on which its revenue moves, and to the
week in which its trial started. It follows from the account alone, so it can be written and counted
again.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime

from chalicelib.domain.account.state import Account, TrialRecord
from chalicelib.domain.figures.history import closings
from chalicelib.domain.figures.movements import Moves, moves_of
from chalicelib.domain.figures.trials import week_of
from chalicelib.domain.policy.policy import Policy
from chalicelib.values import frozen, replace

REVENUE, TRIALS = "REVENUE", "TRIALS"
"""The kinds of figures: of days, and of weeks, which are named by their Monday."""

NOTHING = ""
"""The text of a contribution that is none any more."""

_INPUTS = (
    "recurring",
    "recurring_since",
    "discounts",
    "customers",
    "subscriptions",
    "ended",
    "trial",
)
"""The fields of an account that its contributions are made of."""


@frozen
class FigureKey:
    """The figure that a contribution is to: its kind, and its day."""

    kind: str
    day: date

    def __str__(self) -> str:
        return f"{self.kind}#{self.day.isoformat()}"


def key_of(text: str) -> FigureKey:
    """The key that this is the text of."""
    kind, _, day = text.partition("#")
    return FigureKey(kind, date.fromisoformat(day))


def contributions(account: Account, policy: Policy) -> dict[FigureKey, str]:
    """The account's contributions, as texts that `moves_in` and `trial_in` read."""
    return _as_texts(moves_of(account, policy.figures.metered), account.trial)


def last_contributions(account: Account, policy: Policy, at: datetime) -> dict[FigureKey, str]:
    """The contributions of an account that is erased at that moment: what it brings in ends, and
    so does its trial.
    """
    metered, trial = policy.figures.metered, account.trial
    moves = moves_of(account, metered, closings(account, metered, until=at))
    ended = replace(trial, ends_at=min(trial.ends_at, at)) if trial else None
    return _as_texts(moves, ended)


def _as_texts(moves: Mapping[date, Moves], trial: TrialRecord | None) -> dict[FigureKey, str]:
    found = {
        FigureKey(REVENUE, day): json.dumps(of_day, sort_keys=True, separators=(",", ":"))
        for day, of_day in moves.items()
    }
    if trial:
        times = (trial.started_at, trial.ends_at, trial.converted_at)
        text = ",".join(at.isoformat() if at else "" for at in times)
        found[FigureKey(TRIALS, week_of(trial.started_at))] = text
    return found


def moves_in(text: str) -> Moves:
    """The movements in a contribution to a day."""
    found: Moves = json.loads(text)
    return found


def trial_in(text: str) -> TrialRecord:
    """The trial in a contribution to a week."""
    start, end, converted = text.split(",")
    return TrialRecord(
        datetime.fromisoformat(start),
        datetime.fromisoformat(end),
        datetime.fromisoformat(converted) if converted else None,
    )


def changed_contributions(old: Account, new: Account, policy: Policy) -> tuple[str, ...]:
    """The keys, as texts, of the contributions that differ between two versions of an account."""
    if all(getattr(old, name) is getattr(new, name) for name in _INPUTS):
        return ()
    before, after = contributions(old, policy), contributions(new, policy)
    keys = [key for key in before.keys() | after.keys() if not is_settled(new, key)]
    return tuple(sorted(str(key) for key in keys if before.get(key) != after.get(key)))


def is_settled(account: Account, key: FigureKey) -> bool:
    """Whether the account keeps no changes of that day any more: its contribution stays."""
    since = account.recurring_since
    return key.kind == REVENUE and since is not None and key.day < since.date()
