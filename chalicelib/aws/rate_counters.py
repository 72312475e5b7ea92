"""Counters for rate limits, in the table: how often something happened in a window of time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import keyed_hash

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class RateCounters:
    """One counter for each kind, value and window. Values may be addresses, so they are hashed.
    The table's TTL deletes counters of past windows.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def count(self, kind: str, value: str, window: timedelta, now: datetime) -> int:
        """Add one to the counter of the window that contains `now`, and return its new value: one
        write. Raises Unavailable.
        """
        number = int(now.timestamp() // window.total_seconds())
        ends = int((number + 1) * window.total_seconds())
        with translate_errors():
            written = self._dynamodb.update_item(
                TableName=self._table,
                Key={
                    "pk": {"S": f"LIMIT#{keyed_hash(f'{kind}:{value}', self._hash_key())}"},
                    "sk": {"S": f"{kind}#{number}"},
                },
                UpdateExpression="ADD #count :one SET #ttl = :ttl",
                ExpressionAttributeNames={"#count": "count", "#ttl": "ttl"},
                ExpressionAttributeValues={":one": {"N": "1"}, ":ttl": {"N": str(ends + 3600)}},
                ReturnValues="UPDATED_NEW",
            )
        return int(written["Attributes"]["count"]["N"])
