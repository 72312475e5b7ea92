"""Trials: which trial an account has had, and how many of each week became customers."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.account.parts.figures import TrialRecord
from chalicelib.domain.account.queries import known_invoices
from chalicelib.domain.account.state import Account
from chalicelib.values import frozen, replace

NEVER = datetime.max.replace(tzinfo=UTC)


@frozen
class TrialWeek:
    """The trials that started in the week from Monday `week` on (UTC). Those that `converted` paid
    an invoice of more than 0 since, whenever; `expired` ended without; `running` have not ended.
    started = converted + expired + running.

    `days` says how many converted after so many whole days. Of `activated` the account has reached
    a milestone, whenever; `milestones` counts those that reached each of them.
    """

    week: date
    started: int = 0
    converted: int = 0
    expired: int = 0
    running: int = 0
    days: Mapping[int, int] = field(default_factory=dict)
    activated: int = 0
    milestones: Mapping[str, int] = field(default_factory=dict)

    @property
    def median_days(self) -> int | None:
        """The whole days within which at least half of those that converted did; None if none."""
        return median_days(self.days)


def median_days(days: Mapping[int, int]) -> int | None:
    """The least number of days by which at least half of all had come; None if there are none."""
    half, before = (sum(days.values()) + 1) // 2, 0
    for number in sorted(days):
        before += days[number]
        if before >= half:
            return number
    return None


SPANS = (1, 7, 14, 30, 60)
"""The days up to which conversions are counted together; those that took longer are counted last.
"""


def spans(days: Mapping[int, int]) -> dict[int | None, int]:
    """How many converted within each of SPANS and after the one before it; None for the rest."""
    found: dict[int | None, int] = dict.fromkeys((*SPANS, None), 0)
    for number, many in days.items():
        found[next((span for span in SPANS if number <= span), None)] += many
    return found


def with_trial_record(account: Account) -> Account:
    """The account with what is known of its trial. The first start and the first payment count,
    whatever the order in which they are reported.
    """
    starts, ends = _starts(account), _ends(account)
    known = account.trial
    if known:
        starts.append(known.started_at)
    if not starts:
        return account
    start = min(starts)
    end = max(ends) if ends else known.ends_at if known else start
    paid = [known.converted_at] if known and known.converted_at else []
    paid += [at for at in _payments(account) if start <= at]
    record = TrialRecord(start, end, min(paid, default=None))
    return account if record == known else replace(account, trial=record)


def _starts(account: Account) -> list[datetime]:
    signup = account.signup
    found = [signup.at] if signup and not signup.confirm else []
    found += [
        tracked.value.trial_start
        for tracked in account.subscriptions.values()
        if tracked.value.trial_start
    ]
    return found


def _ends(account: Account) -> list[datetime]:
    """When the trials at Stripe end or ended; that of the signup if there is none there."""
    subscriptions = [tracked.value for tracked in account.subscriptions.values()]
    found = [min(one.trial_end, one.ended_at or NEVER) for one in subscriptions if one.trial_end]
    signup = account.signup
    return found or ([signup.trial_ends_at] if signup and not signup.confirm else [])


def _payments(account: Account) -> list[datetime]:
    """When invoices of more than 0 were paid."""
    return [
        tracked.value.paid_at or tracked.value.created
        for tracked in known_invoices(account).values()
        if tracked.value.status == "paid" and tracked.value.amount_paid > 0
    ]


def week_of(moment: datetime) -> date:
    """The Monday of the week of a moment, in UTC."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def weeks(first: date, last: date) -> list[date]:
    """The Mondays of the weeks from that of the day `first` to that of the day `last`."""
    begin, end = (day - timedelta(days=day.weekday()) for day in (first, last))
    return [begin + timedelta(weeks=number) for number in range((end - begin).days // 7 + 1)]


def counted(week: date, trials: Iterable[TrialRecord], now: datetime) -> TrialWeek:
    """The trials of a week, as they are now."""
    started = converted = running = 0
    days = dict[int, int]()
    for one in trials:
        started += 1
        if one.converted_at:
            converted += 1
            after = (one.converted_at - one.started_at).days
            days[after] = days.get(after, 0) + 1
        elif now < one.ends_at:
            running += 1
    expired = started - converted - running
    return TrialWeek(week, started, converted, expired, running, days=days)
