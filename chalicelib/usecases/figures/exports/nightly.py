"""Write the tables of a night as Parquet files, some parts in each run."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from chalicelib.domain.changes.event_feed import Query
from chalicelib.domain.errors import ConcurrentUpdate, CursorExpired
from chalicelib.domain.figures.exports.night import (
    ACCOUNTS,
    CLEAR,
    EVENTS,
    MARKER,
    REVENUE,
    NightlyExport,
    due_export,
    folder,
    part_key,
    sealed,
    with_next_phase,
    with_part,
)
from chalicelib.domain.figures.exports.parquet import written
from chalicelib.domain.figures.exports.tables import (
    TABLES,
    Row,
    customer_row,
    event_row,
    subscription_rows,
)
from chalicelib.usecases.feed import read_feed
from chalicelib.usecases.figures.reports import revenue, revenue_days
from chalicelib.usecases.ports.figures import ExportFiles
from chalicelib.usecases.services import Services
from chalicelib.values import replace

ROWS_OF_A_PART = 5000
"""So many rows of a table end a part."""

LETTERS_OF_A_PART = 8_000_000
"""So many letters of events end a part too: an event may have twenty thousand."""

PAGES_OF_A_PART = 100
"""How many pages of the table, each a megabyte, a part reads at most."""

SECONDS = 200
"""How long a run begins new parts. The longest part still ends within the function's time-out."""

EARLIEST = date(2000, 1, 1)
"""No revenue is older: Stripe is not."""


def export_night(services: Services, files: ExportFiles) -> NightlyExport | None:
    """Go on with tonight's export, and return how far it is: None if there is nothing to do. The
    progress is saved after each part, so the next run continues there. Raises Unavailable.
    """
    began = services.clock.now()
    state = due_export(services.stores.job_states.load(NightlyExport), began)
    if state is None:
        return None
    try:
        state = _saved(state, services)
        while state.ended_at is None and services.clock.now() < began + timedelta(seconds=SECONDS):
            state = _saved(_step(state, services, files), services)
        return _saved(replace(state, held_until=None), services)
    except ConcurrentUpdate:
        return None  # another run took it over


def _saved(state: NightlyExport, services: Services) -> NightlyExport:
    following = replace(state, version=state.version + 1)
    services.stores.job_states.save(state, following)
    return following


def _step(state: NightlyExport, services: Services, files: ExportFiles) -> NightlyExport:
    if state.phase == CLEAR:
        # What a night that is written again has less of must not stay.
        for table in TABLES:
            files.clear(folder(table, state.night))
        return with_next_phase(state)
    if state.phase == ACCOUNTS:
        return _accounts(state, services, files)
    if state.phase == REVENUE:
        return _put(state, files, {"revenue": revenue_table(services, _day_before(state))}, None)
    if state.phase == EVENTS:
        return _events(state, services, files)
    for table in TABLES:
        files.put(f"{folder(table, state.night)}{MARKER}", b"")
    return sealed(state, services.clock.now())


def _accounts(state: NightlyExport, services: Services, files: ExportFiles) -> NightlyExport:
    customers, subscriptions, cursor = list[Row](), list[Row](), state.cursor
    now = services.clock.now()
    for _ in range(PAGES_OF_A_PART):
        page, cursor = services.stores.reconciliation.accounts(cursor)
        for account in page:
            customers.append(customer_row(account, services.policy, now))
            subscriptions += subscription_rows(account, services.policy)
        if cursor is None or max(len(customers), len(subscriptions)) >= ROWS_OF_A_PART:
            break
    tables = {"customers": customers, "subscriptions": subscriptions}
    return _put(state, files, tables, cursor)


def _day_before(state: NightlyExport) -> date:
    """The last day of which a night has revenue: it is over."""
    return date.fromisoformat(state.night) - timedelta(days=1)


def revenue_table(services: Services, last: date) -> list[Row]:
    """The rows of revenue, of each day from the first to `last` and each currency. Raises
    Unavailable.
    """
    days = revenue_days(services.stores, services.clock.now(), EARLIEST, last)
    if not days:
        return []
    return [
        {
            "date": one.date,
            "currency": currency,
            "mrr": one.mrr,
            "new": one.new,
            "reactivation": one.reactivation,
            "expansion": one.expansion,
            "contraction": one.contraction,
            "churn": one.churn,
        }
        for currency, of in revenue(services, days[0].day, last).items()
        for one in of.days
    ]


def _events(state: NightlyExport, services: Services, files: ExportFiles) -> NightlyExport:
    """The next part of the events that no earlier night has."""
    stores, rows, letters = services.stores, list[Row](), 0
    cursor, ends = state.cursor or state.feed, False
    while len(rows) < ROWS_OF_A_PART and letters < LETTERS_OF_A_PART and not ends:
        try:
            page = read_feed(
                cursor, Query(), 100, stores.feed, stores.timeline, services.clock.now()
            )
        except CursorExpired:  # no night was complete for a month: from the oldest on
            cursor = None
            continue
        rows += map(_event_row, page.documents)
        letters += sum(map(len, page.documents))
        ends, cursor = page.cursor == cursor, page.cursor
    following = _put(state, files, {"events": rows}, None if ends else cursor)
    return replace(following, feed=cursor) if ends else following


def _event_row(document: str) -> Row:
    row = event_row(document)
    return row | {"data": json.dumps(row["data"], ensure_ascii=False, separators=(",", ":"))}


def _put(
    state: NightlyExport,
    files: ExportFiles,
    tables: Mapping[str, Sequence[Row]],
    cursor: str | None,
) -> NightlyExport:
    """Write the tables' rows as the next part; one without rows is written if it is the first, so
    that each night has a file."""
    for table, rows in tables.items():
        if rows or state.part == 0:
            files.put(part_key(table, state), written(TABLES[table], rows))
    counts = {table: len(rows) for table, rows in tables.items()}
    return with_part(state, counts, cursor)
