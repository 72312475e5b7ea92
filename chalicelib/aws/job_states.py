"""Where work that goes in rounds is: one small item a kind."""

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import Item, dump, load
from chalicelib.domain.messaging.team import DigestState
from chalicelib.domain.reconciliation.backfill import Undelivered
from chalicelib.domain.reconciliation.comparison import Comparison

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Versioned(Protocol):
    """A state that counts its own writes; 0 is one that was never written."""

    @property
    def version(self) -> int:
        """How many writes there were."""


T = TypeVar("T", bound=Versioned)

KEYS: dict[type[Any], str] = {
    Comparison: "COMPARISON",
    DigestState: "DIGESTS",
    Undelivered: "UNDELIVERED",
}
"""The sort key of each state. A deployed table has these: under another key a job begins anew."""


class JobStates:
    """Reads and writes these states, each known by its type."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, kind: type[T]) -> T | None:
        """The state as last written. Raises Unavailable."""
        with translate_errors():
            item = self._dynamodb.get_item(
                TableName=self._table, Key=_key(kind), ConsistentRead=True
            ).get("Item")
        return load(item["body"]["S"], kind) if item else None

    def save(self, old: T, new: T) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate, Unavailable."""
        item: Item = {
            **_key(type(new)),
            "body": {"S": dump(new)},
            "version": {"N": str(new.version)},
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if old.version:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(old.version)}},
            }
        with translate_errors():
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)


def _key(kind: type[Any]) -> Item:
    return {"pk": {"S": "ROUND"}, "sk": {"S": KEYS[kind]}}
