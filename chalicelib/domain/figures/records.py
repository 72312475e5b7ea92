"""What the figures count of an account beside its trial and its revenue: since when it is a
customer and for how long, and what followed messages.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.account.parts.figures import FigureRecord, HoldoutRecord
from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.history import Amounts, closings
from chalicelib.domain.policy.policy import Policy
from chalicelib.values import frozen, replace

MONTHS = (1, 2, 3, 6, 12)
"""The months after its first day as a customer at which it is looked whether it still is one."""

WITHIN = timedelta(days=14)
"""A conversion counts for a message that was sent or held out at most this long before it."""

_INPUTS = (
    "recurring",
    "recurring_since",
    "discounts",
    "customers",
    "subscriptions",
    "ended",
    "mails",
)
"""The fields of an account that its record follows from."""


@frozen
class Custom:
    """Since when an account is a customer: the day on which it first brought in anything, None if
    it never did. `kept` has a 1 for each of MONTHS after which it still is one, as far as is known.
    """

    since: date | None
    kept: str


def with_figure_record(written: Account, updated: Account, policy: Policy) -> Account:
    """The account with the record of what has become of it since it was `written`."""
    same = all(getattr(written, name) is getattr(updated, name) for name in _INPUTS)
    if same and written.figures is updated.figures is not None:
        return updated
    if updated.recurring_since and written.recurring_since is None and written.recurring:
        # From here on it keeps the newest changes only.
        was = custom_of(written, closings(written, policy.figures.metered))
        record = replace(updated.figures or FigureRecord(), since=was.since, kept=was.kept)
        updated = replace(updated, figures=record)
    return with_recorded_figures(updated, policy)


def with_recorded_figures(
    account: Account, policy: Policy, until: datetime | None = None
) -> Account:
    """The account with its record, as it follows from what is known. `until` is when an account
    that is being erased ends. What followed from changes that are kept no more stays.
    """
    known = account.figures or FigureRecord()
    tested = {step.id for step in policy.steps if step.hold_out}
    first = _first_messages(account, known, tested)
    days: Mapping[date, Amounts] = {}
    if first or account.recurring_since:
        days = closings(account, policy.figures.metered, until)
    record = replace(known, messages=_with_conversions(account, first, days))
    if account.recurring_since:
        custom = custom_of(account, days)
        record = replace(record, since=custom.since, kept=custom.kept)
    return account if record == account.figures else replace(account, figures=record)


def custom_of(account: Account, days: Mapping[date, Amounts]) -> Custom:
    """Since when the account is a customer, by its closings. Of days whose changes are kept no
    more, what followed from them then counts.
    """
    known = account.figures or FigureRecord()
    settled = account.recurring_since.date() if account.recurring_since else None
    since = known.since if settled and known.since else _first(days)
    return Custom(
        since, _kept(since, days, (known.kept or "") if settled else "", settled or date.min)
    )


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _first(days: Mapping[date, Amounts]) -> date | None:
    return next((day for day, amounts in days.items() if amounts), None)


def _kept(since: date | None, days: Mapping[date, Amounts], known: str, settled: date) -> str:
    if since is None:
        return ""
    found = ""
    for place, months in enumerate(MONTHS):
        looked_at = months_after(since, months)
        if known and looked_at < settled:
            found += known[place]
        else:
            last = [amounts for day, amounts in days.items() if day <= looked_at]
            found += "1" if last and last[-1] else "0"
    return found


def _first_messages(
    account: Account, known: FigureRecord, tested: set[str]
) -> Mapping[str, HoldoutRecord]:
    """The first message of each step with a holdout, now or when it was found."""
    found = dict(known.messages)
    for key, mail in account.mails.items():
        step = key.partition("@")[0]
        if step in tested and mail.outcome in {"sent", "held_out"}:
            first = found.get(step)
            if first is None or mail.at < first.at:
                found[step] = HoldoutRecord(mail.at, mail.outcome == "held_out")
    return found


def _with_conversions(
    account: Account, messages: Mapping[str, HoldoutRecord], days: Mapping[date, Amounts]
) -> Mapping[str, HoldoutRecord]:
    settled = account.recurring_since or datetime.min.replace(tzinfo=UTC)
    began = _beginnings(days)
    return {
        step: one
        if one.at.date() + WITHIN < settled.date()
        else replace(one, converted=any(_is_soon(day, one.at) for day in began))
        for step, one in messages.items()
    }


def _beginnings(days: Mapping[date, Amounts]) -> list[date]:
    """The days on which an account that brought in nothing begins to bring in something."""
    found, before = list[date](), False
    for day, amounts in days.items():
        if amounts and not before:
            found.append(day)
        before = bool(amounts)
    return found


def _is_soon(day: date, at: datetime) -> bool:
    moment = at.astimezone(UTC)
    return moment.date() <= day <= (moment + WITHIN).date()
