"""How revenue moves: what each account contributes to a day, the sums of a day, and the rows of a
report.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from chalicelib.domain.account.state import Account
from chalicelib.domain.figures.history import Amounts, closings
from chalicelib.domain.stripe_objects.recurring import currencies
from chalicelib.values import frozen

MOVEMENTS = {
    "new": "The customer brings in something for the first time.",
    "reactivation": "The customer brought in something before, then nothing, and does again.",
    "expansion": "The customer brings in more than the day before.",
    "contraction": "The customer brings in less than the day before.",
    "churn": "The customer brings in nothing any more.",
}
"""Every movement of a day. All are positive: the name says the direction."""

_SIGNS = {"new": 1, "reactivation": 1, "expansion": 1, "contraction": -1, "churn": -1}

Moves = Mapping[str, Mapping[str, int]]
"""Minor units by currency and movement, without those that are 0."""


@frozen
class DayTotals:
    """The totals of a day: the movements by currency, and the MRR at its end of each currency that
    ever had any.
    """

    day: date
    moves: Moves
    mrr: Amounts


@frozen
class RevenueDay:
    """One day of one currency. mrr of the day before + new + reactivation + expansion − contraction
    − churn = mrr, exactly. All are minor units and not negative.
    """

    date: date
    mrr: int
    new: int = 0
    reactivation: int = 0
    expansion: int = 0
    contraction: int = 0
    churn: int = 0


@frozen
class CurrencyRevenue:
    """A currency's revenue: `annualised` is 12 times the last day's MRR."""

    annualised: int
    days: tuple[RevenueDay, ...]


def moves_of(
    account: Account, metered: bool, ended: Mapping[date, Amounts] | None = None
) -> dict[date, Moves]:
    """The account's movements on each day on which there is one: of each currency one, by its MRR
    at the end of the day and of the day before. Days that are counted no more are left out.

    `ended` are its closings, if they are other than the account's own.
    """
    found: dict[date, Moves] = {}
    before: Amounts = {}
    ever = _ever(account)
    since = account.recurring_since.date() if account.recurring_since else None
    for day, after in (closings(account, metered) if ended is None else ended).items():
        moves = _moves(before, after, ever)
        if moves and (since is None or day >= since):
            found[day] = moves
        ever |= after.keys()
        before = after
    return found


def _ever(account: Account) -> set[str]:
    """The currencies in which the account brought in something before the days that are counted."""
    since = account.recurring_since
    texts = [
        text
        for changes in account.recurring.values()
        for change in changes
        for text in (change.before, change.after)
        if since is not None and change.at < since
    ]
    return {currency for text in texts for currency in currencies(text)}


def _moves(before: Amounts, after: Amounts, ever: set[str]) -> Moves:
    found: dict[str, Mapping[str, int]] = {}
    for currency in sorted(before.keys() | after.keys()):
        was, now = before.get(currency, 0), after.get(currency, 0)
        if was == now:
            continue
        if not was:
            kind = "reactivation" if currency in ever else "new"
        else:
            kind = "churn" if not now else "expansion" if was < now else "contraction"
        found[currency] = {kind: abs(now - was)}
    return found


def summed(all_moves: Iterable[Moves]) -> Moves:
    """The movements of several accounts together."""
    sums: dict[str, dict[str, int]] = {}
    for moves in all_moves:
        for currency, amounts in moves.items():
            of = sums.setdefault(currency, {})
            for kind, amount in amounts.items():
                of[kind] = of.get(kind, 0) + amount
    return sums


def after_moves(mrr: Amounts, moves: Moves) -> Amounts:
    """MRR by currency after movements. A currency that had any stays, with 0."""
    return {
        currency: mrr.get(currency, 0)
        + sum(_SIGNS[kind] * amount for kind, amount in moves.get(currency, {}).items())
        for currency in sorted(mrr.keys() | moves.keys())
    }


def totals(opening: Amounts, moves_by_day: Mapping[date, Moves]) -> list[DayTotals]:
    """The totals of each day with movements, the oldest first, by the MRR before them."""
    found, mrr = [], opening
    for day in sorted(moves_by_day):
        mrr = after_moves(mrr, moves_by_day[day])
        found.append(DayTotals(day, moves_by_day[day], mrr))
    return found


def revenue_rows(
    opening: Amounts, days: Iterable[DayTotals], first: date, last: date
) -> dict[str, CurrencyRevenue]:
    """The report of the days from `first` to `last`, both included, by currency: a row for every
    day. `opening` is the MRR before `first`. A currency that has neither then nor since is left
    out.
    """
    by_day = {one.day: one for one in days}
    mrr, rows = (
        {code: amount for code, amount in opening.items() if amount},
        dict[date, DayTotals](),
    )
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        moves = by_day[day].moves if day in by_day else {}
        mrr = dict(after_moves(mrr, moves))
        rows[day] = DayTotals(day, moves, mrr)
    return {
        currency: CurrencyRevenue(
            12 * mrr[currency],
            tuple(
                RevenueDay(day, one.mrr.get(currency, 0), **one.moves.get(currency, {}))
                for day, one in rows.items()
            ),
        )
        for currency in sorted(mrr)
    }
