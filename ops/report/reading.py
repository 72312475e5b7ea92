"""The timelines of all accounts, read in one pass over the table."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.events.timeline import entry_of
from chalicelib.aws.items import stamp
from chalicelib.domain.changes.timeline import Entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DOLLARS_A_MILLION = 0.125
"""Dollars for a million read units on demand in us-east-1."""


@dataclass(frozen=True, slots=True)
class Page:
    """A megabyte of the table: the entries in it that match, and the read units that it cost."""

    entries: list[Entry]
    units: float


def pages(table: str, since: datetime, dynamodb: "DynamoDBClient | None" = None) -> Iterator[Page]:
    """All mails and domain events since then, of all accounts. It reads the whole table with
    eventually consistent reads: a read unit for 8 KB, whatever `since` is. Raises Unavailable.
    """
    dynamodb = dynamodb or client()
    start: dict[str, Any] = {}
    while True:
        with translate_errors():
            page = dynamodb.scan(
                TableName=table,
                FilterExpression=(
                    "sk BETWEEN :since AND :end AND (contains(sk, :mail) OR contains(sk,"
                    " :happening))"
                ),
                ExpressionAttributeValues={
                    ":since": {"S": f"LOG#{stamp(since)}"},
                    ":end": {"S": "LOG#~"},
                    ":mail": {"S": "#mail#"},
                    ":happening": {"S": "#happening#"},
                },
                ReturnConsumedCapacity="TOTAL",
                **start,
            )
        yield Page(
            [entry_of(item) for item in page["Items"]],
            page.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0),
        )
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
