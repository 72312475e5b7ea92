"""The partition of an account: its timeline, send claims and stored responses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import all_items, client, delete_many, put_many
from chalicelib.aws.items import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Partition:
    """Reads and clears whole partitions, whatever kinds of items they hold."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def items(self, account_id: str) -> Iterator[Item]:
        """All items of the partition except the account itself, in key order: consistent reads.
        Raises Unavailable.
        """
        found = all_items(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"ACCOUNT#{account_id}"}},
            ConsistentRead=True,
        )
        return (item for item in found if item["sk"]["S"] != "ACCOUNT")

    def move_timeline(self, account_id: str, to: str) -> None:
        """Put the entries of the account's timeline onto that of another account. Idempotent; the
        account keeps its own until `clear`. Raises Unavailable.
        """
        moved = {"pk": {"S": f"ACCOUNT#{to}"}}
        entries = (
            {**item, **moved}
            for item in self.items(account_id)
            if item["sk"]["S"].startswith("LOG#")
        )
        put_many(self._dynamodb, self._table, entries)

    def clear(self, account_id: str) -> int:
        """Delete all items of the partition except the account itself, and return their number.
        Idempotent. Raises Unavailable.
        """
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in self.items(account_id)]
        delete_many(self._dynamodb, self._table, keys)
        return len(keys)
