"""What an export in records has: customers, subscriptions, revenue, events and the audit log, each
as flat as a spreadsheet or a query wants it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import translate_errors
from chalicelib.aws.events.audit import AuditLog
from chalicelib.aws.items import account_of
from chalicelib.domain.account.state import Account
from chalicelib.domain.changes.event_feed import Query
from chalicelib.domain.figures.exports.tables import (
    TABLES,
    Row,
    customer_row,
    event_row,
    subscription_rows,
)
from chalicelib.usecases.feed import read_feed
from chalicelib.usecases.figures.exports.nightly import revenue_table
from chalicelib.usecases.services import Services

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Record = dict[str, Any]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    **{table: tuple(one.name for one in columns) for table, columns in TABLES.items()},
    "audit": ("id", "at", "actor", "action", "account_id", "from", "detail"),
}
"""Each file of the export with its columns."""

A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """What records are read from. `scanned` gets the number of items of each page of the table."""

    services: Services
    audit: AuditLog
    dynamodb: "DynamoDBClient"
    table: str
    scanned: Callable[[int], None]


def records(source: Source) -> Iterator[tuple[str, Record]]:
    """Every record with the name of its file, as it is read: nothing is kept in memory but a page,
    and the days of revenue. Raises Unavailable, NewerSchemaVersion.
    """
    now = source.services.clock.now()
    for account in _accounts(source):
        yield "customers", _record(customer_row(account, source.services.policy, now))
        for row in subscription_rows(account, source.services.policy):
            yield "subscriptions", _record(row)
    yield from (
        ("revenue", _record(row))
        for row in revenue_table(source.services, now.astimezone(UTC).date())
    )
    yield from (("events", one) for one in _events(source.services, now))
    yield from (("audit", one) for one in _audit(source.audit, now))


def _accounts(source: Source) -> Iterator[Account]:
    start: dict[str, Any] = {}
    while True:
        with translate_errors():
            page = source.dynamodb.scan(
                TableName=source.table, Limit=A_PAGE, ConsistentRead=True, **start
            )
        for item in page["Items"]:
            if item["sk"].get("S") == "ACCOUNT":
                yield account_of(item)
        source.scanned(len(page["Items"]))
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _events(services: Services, now: datetime) -> Iterator[Record]:
    stores, cursor = services.stores, None
    while True:
        page = read_feed(cursor, Query(), 100, stores.feed, stores.timeline, now)
        yield from (_record(event_row(text)) for text in page.documents)
        if page.cursor == cursor:
            return
        cursor = page.cursor


def _audit(log: AuditLog, now: datetime) -> Iterator[Record]:
    cursor = None
    while True:
        entries, cursor = log.page(None, cursor, now)
        for entry in entries:
            yield {
                "id": entry.id,
                "at": _iso(entry.at),
                "actor": entry.actor,
                "action": entry.action,
                "account_id": entry.account_id,
                "from": entry.source or None,
                "detail": entry.detail,
            }
        if cursor is None:
            return


def _record(row: Row) -> Record:
    """The row with its days and moments as text."""
    return {name: _text(value) for name, value in row.items()}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return _iso(value)
    return value.isoformat() if isinstance(value, date) else value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
