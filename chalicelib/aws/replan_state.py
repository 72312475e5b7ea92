"""The walk over all accounts in the table, and where it is."""

import json
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.aws.items import Item
from chalicelib.domain.reconciliation.replan import ReplanState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

A_PAGE = 1000
"""Items of any kind that a page reads."""

KEY: Item = {"pk": {"S": "WALK"}, "sk": {"S": "WALK"}}


class ReplanStates:
    """One walk at a time."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self) -> ReplanState | None:
        """Where the last walk is."""
        with translate_errors():
            item = self._dynamodb.get_item(TableName=self._table, Key=KEY, ConsistentRead=True).get(
                "Item"
            )
        if item is None:
            return None
        return ReplanState(
            item["hash"]["S"],
            item["cursor"]["S"] if "cursor" in item else None,
            item["done"]["BOOL"],
            int(item["found"]["N"]),
            int(item["version"]["N"]),
        )

    def save(self, old: ReplanState, new: ReplanState) -> None:
        """Write where it is, if it still was `old`. Raises ConcurrentUpdate."""
        item: Item = {
            **KEY,
            "hash": {"S": new.hash},
            "done": {"BOOL": new.done},
            "found": {"N": str(new.found)},
            "version": {"N": str(new.version)},
        }
        if new.cursor:
            item["cursor"] = {"S": new.cursor}
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if old.version:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(old.version)}},
            }
        with translate_errors():
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)

    def page(self, walk: ReplanState) -> tuple[list[str], str | None]:
        """The accounts on the next page that were planned under another policy, and the cursor
        behind it; None at the end.
        """
        start: dict[str, Any] = (
            {"ExclusiveStartKey": json.loads(walk.cursor)} if walk.cursor else {}
        )
        with translate_errors():
            page = self._dynamodb.scan(
                TableName=self._table,
                Limit=A_PAGE,
                ConsistentRead=True,
                FilterExpression=(
                    "sk = :account AND (attribute_not_exists(policy) OR policy <> :hash)"
                ),
                ProjectionExpression="pk",
                ExpressionAttributeValues={":account": {"S": "ACCOUNT"}, ":hash": {"S": walk.hash}},
                **start,
            )
        last = page.get("LastEvaluatedKey")
        return [item["pk"]["S"].partition("#")[2] for item in page["Items"]], (
            json.dumps(last) if last else None
        )
