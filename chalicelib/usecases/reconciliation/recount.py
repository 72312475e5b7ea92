"""Count the figures again from the accounts' own history, and compare: all at once for an operator,
some pages an hour each week to notice a difference.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from chalicelib.domain.account.rules.revenue import with_missing_changes
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.figures.closing import (
    ClosedFigures,
    closed_figures,
    day_in,
    day_text,
    row_text,
    week_in,
)
from chalicelib.domain.figures.contributions import (
    KINDS,
    NOTHING,
    REVENUE,
    WEEKLY,
    FigureKey,
    contributions,
    moves_in,
    settled_before,
)
from chalicelib.domain.figures.counts import COUNTS, counts_in
from chalicelib.domain.figures.movements import summed, totals
from chalicelib.domain.figures.records import with_recorded_figures
from chalicelib.domain.figures.recounts import (
    Difference,
    RecountState,
    differing,
    due_recount,
    figures_between,
    unpriced_of,
    with_account,
)
from chalicelib.domain.figures.trials import with_trial_record
from chalicelib.domain.schedule.versions import next_version
from chalicelib.usecases.figures.reports import revenue
from chalicelib.usecases.figures.writing import rank_of
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import update
from chalicelib.values import frozen, replace

PAGES = 10
"""Pages of accounts that a run of the weekly recount reads, each a megabyte."""

BEFORE = timedelta(days=366)
"""So long before the first figure that is known of, contributions are looked for."""

OF_NOBODY = 10**18
"""The rank by which a contribution is taken back that is of no account."""

EVER = date(1970, 1, 1)


@frozen
class Recounted:
    """What a recount found: the number of accounts, the differences, and the prices without a
    single amount, which count as 0.
    """

    accounts: int
    differences: tuple[Difference, ...]
    unpriced: tuple[str, ...]


@frozen
class _Counted:
    """What the accounts contribute by their history: the rank of each account, its id by its hash,
    and the first day or week of each kind of which it keeps everything, if it does not keep all.
    """

    texts: dict[FigureKey, dict[str, str]]
    ranks: dict[str, int]
    ids: dict[str, str]
    since: dict[str, dict[str, date]]


def recount(services: Services, apply: bool) -> Recounted:
    """Count all figures again from the history of the accounts, and compare them with what is kept.
    With `apply`, what differs is written as it was counted, and accounts that have no history yet,
    from a release before it, begin one. What erased accounts contributed has no history any more,
    and counts as it is. Raises Unavailable.
    """
    figures = services.stores.figures
    counted = _Counted(defaultdict(dict), {}, {}, {})
    prices = set[str]()
    for account in _accounts(services):
        if apply and _with_records(account, services) != account:
            account = _with_history(account, services)
        counted.ids[figures.hash_of(account.id)] = account.id
        counted.ranks[account.id] = rank_of(account)
        prices |= unpriced_of(account)
        counted.since[account.id] = settled_before(account)
        for key, text in contributions(account, services.policy).items():
            counted.texts[key][account.id] = text
    found = [
        one
        for key in _known_figures(counted, services)
        for one in _compared(key, counted, services)
    ]
    for one in found if apply else ():
        if one.account in counted.ranks:
            figures.put(one.key, one.account, one.counted, counted.ranks[one.account])
        else:
            figures.take_back(one.key, one.account, OF_NOBODY)
    rows = _wrong_rows(services)
    for one in rows if apply else ():
        figures.put_rows(one.key.kind, {one.key.day: one.counted})
    return Recounted(len(counted.ranks), (*found, *rows), tuple(sorted(prices)))


def check_figures(services: Services) -> int:
    """Go on with this week's recount, if one is due, and return the differences that this run
    found. It compares what each account contributes, and at its end the sum over all accounts with
    the report. Raises Unavailable.
    """
    stores, now = services.stores, services.clock.now()
    known = stores.job_states.load(RecountState)
    state = due_recount(known, now)
    if state is None:
        return 0
    before, begins = state, known is None or known.began != state.began
    for _ in range(PAGES):
        page, cursor = stores.reconciliation.accounts(state.cursor)
        for account in page:
            state = with_account(state, account, services.policy)
            found = len(_differences(account, services))
            state = replace(state, differences=state.differences + found)
        state = replace(state, cursor=cursor)
        if cursor is None:
            wrong = _wrong_sums(state, services)
            state = replace(state, differences=state.differences + wrong, ended_at=now)
            break
    with suppress(ConcurrentUpdate):  # another run goes on with it
        stores.job_states.save(before, replace(state, version=before.version + 1))
    found = state.differences - (0 if begins else before.differences)
    services.metrics.count("FiguresDiffer", found)
    return found


def _differences(account: Account, services: Services) -> list[Difference]:
    """The differences of one account. It may be written while it is looked at: what differs is
    looked at again, and what its next writer will write is none.
    """
    keys = list(contributions(account, services.policy))
    kept = {key: text for (key, _), (text, _) in _kept(account, keys, services).items()}
    if not differing(account, kept, services.policy):
        return []
    again = services.stores.accounts.load(account.id)
    if again is None or again.figures_due:
        return []
    keys = list(contributions(again, services.policy))
    kept = {key: text for (key, _), (text, _) in _kept(again, keys, services).items()}
    return differing(again, kept, services.policy)


def _kept(
    account: Account, keys: list[FigureKey], services: Services
) -> dict[tuple[FigureKey, str], tuple[str, int]]:
    return services.stores.figures.kept([(key, account.id) for key in keys])


def _wrong_sums(state: RecountState, services: Services) -> int:
    """In how many currencies the report of the recount's day is not the sum over the accounts."""
    report = revenue(services, state.day, state.day)
    found = {currency: of.days[-1].mrr for currency, of in report.items()}
    currencies = found.keys() | state.sums.keys()
    return sum(found.get(code, 0) != state.sums.get(code, 0) for code in currencies)


def _accounts(services: Services) -> Iterator[Account]:
    cursor: str | None = None
    while True:
        page, cursor = services.stores.reconciliation.accounts(cursor)
        yield from page
        if cursor is None:
            return


def _with_history(account: Account, services: Services) -> Account:
    """The account with the changes that a release before them did not keep, as saved."""

    def with_changes(found: Account) -> Account | None:
        updated = _with_records(found, services)
        if updated == found:
            return None
        return next_version(found, updated, services.policy, services.clock.now())

    return update(account.id, with_changes, services) or account


def _with_records(account: Account, services: Services) -> Account:
    """The account with what the figures keep of it, as this release finds it."""
    account = with_trial_record(with_missing_changes(account))
    return with_recorded_figures(account, services.policy)


def _known_figures(counted: _Counted, services: Services) -> list[FigureKey]:
    """The figures of which anything can be known."""
    today = services.clock.now().astimezone(UTC).date()
    found = list[FigureKey]()
    for kind in KINDS:
        days = [key.day for key in counted.texts if key.kind == kind]
        rows = services.stores.figures.rows(kind, EVER, today)
        first = min([*days, *rows, today]) - BEFORE
        found += figures_between(kind, first, max([*days, today]))
    return found


def _compared(key: FigureKey, counted: _Counted, services: Services) -> list[Difference]:
    """The differences of one figure. Contributions that are of no account are right if it was
    erased.
    """
    kept = services.stores.figures.by_hash(key)
    of_nobody = kept.keys() - counted.ids.keys()
    strange = of_nobody - services.stores.figures.erased(sorted(of_nobody)) if of_nobody else ()
    found = [Difference(key, hash, kept[hash], NOTHING) for hash in sorted(strange)]
    mine = {counted.ids[hash]: text for hash, text in kept.items() if hash in counted.ids}
    right = counted.texts.get(key, {})
    for id in sorted(mine.keys() | right.keys()):
        was, now = mine.get(id, NOTHING), right.get(id, NOTHING)
        since = counted.since.get(id, {}).get(key.kind, EVER)
        # Of the week in which the memory begins a part may be known, and is no better.
        forgotten = key.day < since and (was or not now)
        if was != now and not forgotten:
            found.append(Difference(key, id, was, now))
    return found


def _wrong_rows(services: Services) -> list[Difference]:
    """The rows of closed figures that do not say what the contributions say. Rows that wait to be
    written again, and those behind them, are left out.
    """
    figures, now = services.stores.figures, services.clock.now()
    closed = closed_figures(services.stores.job_states.load(ClosedFigures), now)
    found = list[Difference]()
    for kind in KINDS:
        marks = [mark.day for mark in figures.marks(kind)]
        last = min([closed.of(kind), *(day - timedelta(days=1) for day in marks)])
        kept = figures.rows(kind, EVER, last)
        first = min([*kept, last]) - BEFORE
        texts = {key.day: figures.contributions(key) for key in figures_between(kind, first, last)}
        right = _rows_of(kind, {day: of for day, of in texts.items() if of}, now)
        for day in sorted(kept.keys() | right.keys()):
            was, counted = kept.get(day, NOTHING), right.get(day, NOTHING)
            if _meaning(kind, day, was, now) != _meaning(kind, day, counted, now):
                found.append(Difference(FigureKey(kind, day), "", was, counted))
    return found


def _rows_of(kind: str, texts: dict[date, list[str]], now: datetime) -> dict[date, str]:
    if kind in WEEKLY:
        return {week: row_text(kind, of, now) for week, of in texts.items()}
    moves = {day: summed(map(moves_in, of)) for day, of in texts.items()}
    return {one.day: day_text(one) for one in totals({}, moves)}


def _meaning(kind: str, day: date, text: str, now: datetime) -> object:
    """What a row says, however it is written."""
    if not text:
        return None
    if kind in COUNTS:
        return counts_in(text)
    return day_in(day, text) if kind == REVENUE else week_in(day, text, now)
