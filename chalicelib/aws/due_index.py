"""The sparse index of due accounts, and of erased ones that are cleared once more, in shards."""

from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import DUE_SHARDS, due_shard, stamp
from chalicelib.aws.partition import ERASED

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DueIndex:
    """Finds due accounts. The index lags behind the table, so check an account itself before you
    process it.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def due(self, now: datetime, most: int) -> list[tuple[datetime, str]]:
        """Pairs of due time and account id, longest due first. One query a shard, each of which
        reads up to `most` items. Raises Unavailable.
        """
        found: list[tuple[str, str]] = []
        for shard in range(DUE_SHARDS):
            with translate_errors():
                page = self._dynamodb.query(
                    TableName=self._table,
                    IndexName="due",
                    KeyConditionExpression="due_shard = :shard AND due_at <= :now",
                    ExpressionAttributeValues={
                        ":shard": {"S": due_shard(shard)},
                        ":now": {"S": stamp(now)},
                    },
                    Limit=most,
                )
            found += [
                (item["due_at"]["S"], item["pk"]["S"].partition("#")[2])
                for item in page["Items"]
                if item["sk"]["S"] in ("ACCOUNT", ERASED)
            ]
        return [(datetime.fromisoformat(due_at), id) for due_at, id in sorted(found)]
