"""How often something was done within a window of time, counted in the table."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import keyed_hash

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class RateCounters:
    """Counters by kind, value and window. Values may be addresses, and are hashed; old windows are
    reaped by the table's TTL.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def count(self, kind: str, value: str, window: timedelta, now: datetime) -> int:
        """How often this was counted in the window of `now`, with this time: one write. Raises
        Unavailable.
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
