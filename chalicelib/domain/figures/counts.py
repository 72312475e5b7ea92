"""Counts of weeks that are sums of what accounts contribute: who was activated, became a customer
and stayed one, left for what reason, and what followed messages.

A contribution and the row of a week are the same: names with whole numbers, as JSON.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.account.parts.figures import FigureRecord
from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.history import Amounts
from chalicelib.domain.figures.interval import difference
from chalicelib.domain.figures.leavings import leavings
from chalicelib.domain.figures.records import MONTHS, custom_of, months_after
from chalicelib.domain.figures.trials import TrialWeek, week_of
from chalicelib.values import frozen, replace

ACTIVATED, CUSTOMERS, LEAVINGS, MESSAGES = "ACTIVATED", "CUSTOMERS", "LEAVINGS", "MESSAGES"
"""The kinds of these figures. Their weeks are that of the trial's start, that of the first day as a
customer, that of the leaving, and that of the first message of a step.
"""

COUNTS = (ACTIVATED, CUSTOMERS, LEAVINGS, MESSAGES)

Counts = Mapping[str, int]
"""Numbers by name, without those that are 0."""


def counts_of(account: Account, days: Mapping[date, Amounts]) -> dict[tuple[str, date], Counts]:
    """What an account with these closings contributes, by kind and week. Nothing, as long as it has
    no record.
    """
    record = account.figures
    if record is None:
        return {}
    found = dict[tuple[str, date], dict[str, int]]()
    for kind, week, name in _counted(account, record, days):
        names = found.setdefault((kind, week), {})
        names[name] = names.get(name, 0) + 1
    return dict(found)


def _counted(
    account: Account, record: FigureRecord, days: Mapping[date, Amounts]
) -> Iterator[tuple[str, date, str]]:
    custom = custom_of(account, days)
    if account.trial and account.milestones:
        week = week_of(account.trial.started_at)
        yield ACTIVATED, week, "activated"
        for name in account.milestones:
            yield ACTIVATED, week, f"milestone {name}"
    if custom.since:
        kept = (str(months) for months, one in zip(MONTHS, custom.kept, strict=True) if one == "1")
        for name in ("customers", *kept):
            yield CUSTOMERS, _monday(custom.since), name
    for one in leavings(account, custom.since):
        who = "customers" if one.customer else "trials"
        yield LEAVINGS, week_of(one.at), f"{who} {one.reason}"
    for step, message in record.messages.items():
        group = "held_out" if message.held_out else "sent"
        yield MESSAGES, week_of(message.at), f"{group} {step}"
        if message.converted:
            yield MESSAGES, week_of(message.at), f"{group}_converted {step}"


def counts_text(counts: Counts) -> str:
    """The counts as the table keeps them: JSON with sorted names, so that the same counts are the
    same text.
    """
    return json.dumps(counts, sort_keys=True, separators=(",", ":"))


def counts_in(text: str) -> Counts:
    """The counts that `counts_text` wrote."""
    found: Counts = json.loads(text)
    return found


def added(all_counts: Iterable[Counts]) -> Counts:
    """The sum of each name over all of them."""
    sums: dict[str, int] = {}
    for counts in all_counts:
        for name, number in counts.items():
            sums[name] = sums.get(name, 0) + number
    return sums


def with_milestones(week: TrialWeek, counts: Counts) -> TrialWeek:
    """The trials of a week with how many of them were activated, and by which milestones."""
    milestones = {
        name.partition(" ")[2]: number
        for name, number in sorted(counts.items())
        if name.startswith("milestone ")
    }
    return replace(week, activated=counts.get("activated", 0), milestones=milestones)


@frozen
class RetentionWeek:
    """The customers whose first day as one was in the week from Monday `week` on (UTC). `kept` has,
    for each of MONTHS, how many still were so long after; None while that is to come for any.
    """

    week: date
    customers: int
    kept: Mapping[int, int | None]


def retention_of(week: date, counts: Counts, now: datetime) -> RetentionWeek:
    """The retention of a week, as it is now."""
    today = now.astimezone(UTC).date()
    last = week + timedelta(days=6)
    return RetentionWeek(
        week,
        counts.get("customers", 0),
        {
            months: counts.get(str(months), 0) if months_after(last, months) < today else None
            for months in MONTHS
        },
    )


@frozen
class ReasonCount:
    """How many customers left for a reason, and how many trials did not become customers."""

    reason: str
    customers: int
    trials: int


def reasons_of(counts: Counts) -> list[ReasonCount]:
    """The reasons that were given, the most frequent first."""
    names = {name.partition(" ")[2] for name in counts}
    found = [
        ReasonCount(one, counts.get(f"customers {one}", 0), counts.get(f"trials {one}", 0))
        for one in names
    ]
    return sorted(found, key=lambda one: (-one.customers, -one.trials, one.reason))


@frozen
class StepEffect:
    """What followed the first message of a step with a holdout: of the accounts that it was `sent`
    to, and of those that it was `held_out` from, how many began to pay soon after it.
    """

    step: str
    sent: int = 0
    converted: int = 0
    held_out: int = 0
    held_out_converted: int = 0

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """The share of conversions among those sent minus that among those held out, and its 95 %
        interval; None if one of them is empty.
        """
        return difference(self.converted, self.sent, self.held_out_converted, self.held_out)


def effects_of(counts: Counts) -> list[StepEffect]:
    """The effect of each step, by name."""
    return [
        StepEffect(
            step,
            counts.get(f"sent {step}", 0),
            counts.get(f"sent_converted {step}", 0),
            counts.get(f"held_out {step}", 0),
            counts.get(f"held_out_converted {step}", 0),
        )
        for step in sorted({name.partition(" ")[2] for name in counts})
    ]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
