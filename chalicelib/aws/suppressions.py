"""Addresses that get no more mail, across all accounts. Stored as keyed hashes, so that the table
holds no list of addresses.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import Item, keyed_hash, stamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Suppressions:
    """Reads and writes suppressed addresses. An address stays suppressed for ever, upper and lower
    case alike.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def holds(self, email: str) -> bool:
        """Whether the address is suppressed: one consistent read. Raises Unavailable."""
        with translate_errors():
            answer = self._dynamodb.get_item(
                TableName=self._table,
                Key=self._key(email),
                ConsistentRead=True,
                ProjectionExpression="pk",
            )
        return "Item" in answer

    def add(self, email: str, reason: str, at: datetime) -> None:
        """Suppress the address. Idempotent. Raises Unavailable."""
        with translate_errors():
            self._dynamodb.put_item(
                TableName=self._table,
                Item={**self._key(email), "reason": {"S": reason}, "at": {"S": stamp(at)}},
            )

    def _key(self, email: str) -> Item:
        return {
            "pk": {"S": f"SUPPRESSED#{keyed_hash(email.strip().lower(), self._hash_key())}"},
            "sk": {"S": "SUPPRESSED"},
        }
