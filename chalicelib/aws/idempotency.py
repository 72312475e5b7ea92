"""Stored responses of API calls with an Idempotency-Key, in the partition of their account."""

from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, read_one, translate_errors
from chalicelib.aws.items import Item, dump, load
from chalicelib.domain.billing.idempotency import StoredResponse
from chalicelib.domain.errors import ConcurrentUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class StoredResponses:
    """Reads and writes stored responses. All calls of an account share one namespace of keys."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, account_id: str, key: str) -> StoredResponse | None:
        """The response under this key, if there is one: one consistent read. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, _key(account_id, key))
        return load(item["body"]["S"], StoredResponse) if item else None

    def keep(self, response: StoredResponse) -> StoredResponse:
        """Store a response for ever. Returns the stored one: if the key has a response already,
        that one stays. Raises Unavailable.
        """
        key = _key(response.account_id, response.key)
        try:
            with translate_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={**key, "body": {"S": dump(response)}},
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ConcurrentUpdate:
            return self.load(response.account_id, response.key) or response
        return response


def _key(account_id: str, key: str) -> Item:
    return {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": {"S": f"CALL#{key}"}}
