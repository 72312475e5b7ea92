"""API keys in the table: only their hashes are stored, never the keys."""

from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import all_items, client, read_one, translate_errors
from chalicelib.aws.items import Item, stamp
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.security.api_keys import ApiKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ApiKeys:
    """Reads and writes API keys. All keys of a stage share one partition, so they can be listed."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, id: str) -> ApiKey | None:
        """The key with this id, revoked or not. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, _key(id))
        return _api_key(item) if item else None

    def add(self, key: ApiKey) -> None:
        """Store a new key. Raises ConcurrentUpdate if its id is taken, Unavailable."""
        item = {
            **_key(key.id),
            "name": {"S": key.name},
            "scope": {"S": key.scope},
            "secret_hash": {"S": key.secret_hash},
            "created_at": {"S": stamp(key.created_at)},
        }
        with translate_errors():
            self._dynamodb.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )

    def all(self) -> list[ApiKey]:
        """All keys, revoked ones included, in the order of their ids. Raises Unavailable."""
        found = all_items(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "KEYS"}},
        )
        return [_api_key(item) for item in found]

    def revoke(self, id: str, now: datetime) -> bool:
        """Revoke a key permanently. False if there is no key with this id. A second call keeps the
        first time. Raises Unavailable.
        """
        try:
            with translate_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_key(id),
                    UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :now)",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues={":now": {"S": stamp(now)}},
                )
        except ConcurrentUpdate:
            return False
        return True


def _key(id: str) -> Item:
    return {"pk": {"S": "KEYS"}, "sk": {"S": f"KEY#{id}"}}


def _api_key(item: Item) -> ApiKey:
    return ApiKey(
        id=item["sk"]["S"].partition("#")[2],
        name=item["name"]["S"],
        scope=item["scope"]["S"],
        secret_hash=item["secret_hash"]["S"],
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        revoked_at=datetime.fromisoformat(item["revoked_at"]["S"])
        if "revoked_at" in item
        else None,
    )
