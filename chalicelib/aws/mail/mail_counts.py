"""How many messages of each step SES took, delivered, and was told off for, by week: one counter
item for each week and step, which names nobody.
"""

from datetime import date
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import all_items, client, translate_errors
from chalicelib.aws.items import Item
from chalicelib.domain.messaging.mail_counts import COUNTED, MailCount

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class MailCounts:
    """Implements MailCountStore (usecases/ports/mail.py)."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def count(self, week: date, step: str, name: str) -> None:
        """See MailCountStore."""
        with translate_errors():
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"pk": {"S": "MAILED"}, "sk": {"S": f"{week.isoformat()}#{step}"}},
                UpdateExpression="ADD #name :one",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

    def of_weeks(self, first: date, last: date) -> list[MailCount]:
        """See MailCountStore."""
        found = all_items(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": {"S": "MAILED"},
                ":first": {"S": first.isoformat()},
                ":last": {"S": f"{last.isoformat()}#~"},
            },
        )
        return [_count(item) for item in found]


def _count(item: Item) -> MailCount:
    _, _, step = item["sk"]["S"].partition("#")
    numbers = {name: int(item[name]["N"]) for name in COUNTED.values() if name in item}
    return MailCount(step, **numbers)
