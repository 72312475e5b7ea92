"""The progress of replanning all accounts under a changed policy, and the pages it reads."""

import json
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import client, put_versioned, read_one, translate_errors
from chalicelib.aws.items import Item
from chalicelib.domain.reconciliation.replan import ReplanState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

A_PAGE = 1000
"""The number of items of any kind that one page reads."""

KEY: Item = {"pk": {"S": "WALK"}, "sk": {"S": "WALK"}}


class ReplanStates:
    """Reads and writes the state of the one replan that can run at a time."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self) -> ReplanState | None:
        """The state of the last replan, if there was one. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, KEY)
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
        """Write `new` if the stored state still has the version of `old`. Raises ConcurrentUpdate,
        Unavailable.
        """
        item = {
            **KEY,
            "hash": {"S": new.hash},
            "done": {"BOOL": new.done},
            "found": {"N": str(new.found)},
            "version": {"N": str(new.version)},
        }
        if new.cursor:
            item["cursor"] = {"S": new.cursor}
        put_versioned(self._dynamodb, self._table, item, old.version)

    def page(self, state: ReplanState) -> tuple[list[str], str | None]:
        """The ids of accounts on the next page that were planned under another policy, and the
        cursor of the page after it: None at the end. Raises Unavailable.
        """
        start: dict[str, Any] = (
            {"ExclusiveStartKey": json.loads(state.cursor)} if state.cursor else {}
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
                ExpressionAttributeValues={
                    ":account": {"S": "ACCOUNT"},
                    ":hash": {"S": state.hash},
                },
                **start,
            )
        last = page.get("LastEvaluatedKey")
        return [item["pk"]["S"].partition("#")[2] for item in page["Items"]], (
            json.dumps(last) if last else None
        )
