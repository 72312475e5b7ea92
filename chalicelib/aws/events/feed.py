"""The rows of the feed of domain events: a partition for each segment, with the rows' numbers as
sort keys.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import Item, stamp
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, FeedRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE = 100
"""How many rows are read at once."""

STORED_FOR = timedelta(days=40)
"""How long a row is stored: longer than events can be read, so that a reader whose last row was
deleted is known to be too late.
"""


class EventFeed:
    """Reads rows, and adds some behind the last one."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def last(self, segment: str) -> FeedRow | None:
        """The last row of a segment, None if there is none: one consistent read. Raises
        Unavailable.
        """
        with translate_errors():
            found = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": _partition(segment)}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )
        return _row_of(found["Items"][0]) if found["Items"] else None

    def append(self, row: FeedRow) -> None:
        """Put a row at its place. Raises ConcurrentUpdate if there is one, Unavailable."""
        with translate_errors():
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(row),
                ConditionExpression="attribute_not_exists(pk)",
            )

    def rows(self, segment: str, first: int) -> list[FeedRow]:
        """Up to 100 rows of a segment from the number `first` on, in their order: one consistent
        read. Raises Unavailable.
        """
        with translate_errors():
            found = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk >= :first",
                ExpressionAttributeValues={
                    ":pk": {"S": _partition(segment)},
                    ":first": {"S": _sort_key(first)},
                },
                ConsistentRead=True,
                Limit=PAGE,
            )
        return [_row_of(item) for item in found["Items"]]


def _partition(segment: str) -> str:
    return f"FEED#{segment}"


def _sort_key(number: int) -> str:
    return f"ROW#{number:010}"


def _item(row: FeedRow) -> Item:
    events = [[one.account_id, stamp(one.at), one.id] for one in row.pointers]
    return {
        "pk": {"S": _partition(row.place.segment)},
        "sk": {"S": _sort_key(row.place.number)},
        "at": {"S": stamp(row.at)},
        "body": {"S": msgspec.json.encode({"events": events}).decode()},
        "ttl": {"N": str(int((row.at + STORED_FOR).timestamp()))},
    }


def _row_of(item: Item) -> FeedRow:
    events = msgspec.json.decode(item["body"]["S"])["events"]
    return FeedRow(
        FeedPlace(item["pk"]["S"].partition("#")[2], int(item["sk"]["S"].partition("#")[2])),
        datetime.fromisoformat(item["at"]["S"]),
        tuple(EventPointer(id, datetime.fromisoformat(at), event) for id, at, event in events),
    )
