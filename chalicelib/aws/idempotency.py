"""Answers that were given under an Idempotency-Key, each once, beside the account
in its partition."""

from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import Item, dump, load
from chalicelib.domain.billing.idempotency import StoredResponse
from chalicelib.domain.errors import ConcurrentUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class StoredResponses:
    """Reads and writes of answers. One key has one namespace for all calls of an account: the same
    for another call is a conflict.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, account_id: str, key: str) -> StoredResponse | None:
        """The answer that was given under the key, if there is one: one consistent read. Raises
        Unavailable.
        """
        with translate_errors():
            item = self._dynamodb.get_item(
                TableName=self._table, Key=_key(account_id, key), ConsistentRead=True
            ).get("Item")
        return load(item["body"]["S"], StoredResponse) if item else None

    def keep(self, kept: StoredResponse) -> StoredResponse:
        """Keep an answer for ever, and give the one that is kept: of two, the first. Raises
        Unavailable.
        """
        try:
            with translate_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={**_key(kept.account_id, kept.key), "body": {"S": dump(kept)}},
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ConcurrentUpdate:
            return self.load(kept.account_id, kept.key) or kept
        return kept


def _key(account_id: str, key: str) -> Item:
    return {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": {"S": f"CALL#{key}"}}
