"""What an account contributes to the figures: to each day on which its revenue moves, to the week
in which its trial started, and to those of what else is counted of it. It follows from the account
alone, so it can be written and counted again.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from chalicelib.domain.account.parts.figures import TrialRecord
from chalicelib.domain.account.state import Account
from chalicelib.domain.bounds import most
from chalicelib.domain.figures.counts import COUNTS, LEAVINGS, counts_of, counts_text
from chalicelib.domain.figures.history import Amounts, closings
from chalicelib.domain.figures.movements import Moves, moves_of
from chalicelib.domain.figures.records import with_recorded_figures
from chalicelib.domain.figures.trials import week_of
from chalicelib.domain.policy.policy import Policy
from chalicelib.values import frozen, replace

REVENUE, TRIALS = "REVENUE", "TRIALS"
"""The kinds of figures: of days, and of weeks, which are named by their Monday. Those of COUNTS are
of weeks too.
"""

WEEKLY = (TRIALS, *COUNTS)

KINDS = (REVENUE, *WEEKLY)

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
    "figures",
    "milestones",
    "feedback",
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
    """The account's contributions, as texts that `moves_in`, `trial_in` and `counts_in` read."""
    metered = policy.figures.metered
    return _as_texts(account, account.trial, closings(account, metered), metered)


def last_contributions(account: Account, policy: Policy, at: datetime) -> dict[FigureKey, str]:
    """The contributions of an account that is erased at that moment: what it brings in ends, and
    so does its trial.
    """
    metered, trial = policy.figures.metered, account.trial
    ended = replace(trial, ends_at=min(trial.ends_at, at)) if trial else None
    recorded = with_recorded_figures(account, policy, until=at)
    return _as_texts(recorded, ended, closings(account, metered, until=at), metered)


def _as_texts(
    account: Account, trial: TrialRecord | None, days: Mapping[date, Amounts], metered: bool
) -> dict[FigureKey, str]:
    found = {
        FigureKey(REVENUE, day): json.dumps(of_day, sort_keys=True, separators=(",", ":"))
        for day, of_day in moves_of(account, metered, days).items()
    }
    if trial:
        times = (trial.started_at, trial.ends_at, trial.converted_at)
        text = ",".join(at.isoformat() if at else "" for at in times)
        found[FigureKey(TRIALS, week_of(trial.started_at))] = text
    for (kind, week), counts in counts_of(account, days).items():
        found[FigureKey(kind, week)] = counts_text(counts)
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
    """Whether the account keeps no more what its contribution to that day or week came of: it
    stays.
    """
    settled = settled_before(account)
    return key.kind in settled and key.day < settled[key.kind]


def settled_before(account: Account) -> dict[str, date]:
    """By kind, the first day or week of which the account keeps everything, if it does not of all
    before it.
    """
    found = dict[str, date]()
    if account.recurring_since:
        found[REVENUE] = account.recurring_since.date()
    kept = account.figures.endings if account.figures else {}
    if len(kept) >= most("endings"):
        found[LEAVINGS] = week_of(min(one.at for one in kept.values())) + timedelta(weeks=1)
    return found
