"""The lists of accounts for the dashboard: the places that are written with each account."""

from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, translate_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Directory:
    """Reads places (domain/account/rules/directory.py). A read is a query of one group, and reads
    no more than it returns.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def places(
        self, group: str, after: str | None, most: int, until: str = "", newest_first: bool = False
    ) -> list[tuple[str, str]]:
        """Up to `most` (sort key, account id) of a group of `LIST`, in the order of the sort key;
        those behind `after`, and before `until`. Raises Unavailable.
        """
        if newest_first:
            condition, bounds = "sk < :until", {":until": after or until or LAST}
        else:
            condition = "sk BETWEEN :since AND :until"
            bounds = {":since": f"{after} " if after else " ", ":until": until or LAST}
        return self._query(f"LIST#{group}", condition, bounds, newest_first, most)

    def named(self, prefix: str, group: str, after: str | None, most: int) -> list[tuple[str, str]]:
        """Up to `most` (sort key, account id) of names that begin with `prefix`, in the order of
        the alphabet. Raises Unavailable.
        """
        bounds = {":since": f"{after} " if after else prefix, ":until": f"{prefix}{HIGHEST}"}
        return self._query(f"NAME#{group}", "sk BETWEEN :since AND :until", bounds, False, most)

    def _query(
        self,
        partition: str,
        condition: str,
        bounds: dict[str, str],
        newest_first: bool,
        most: int,
    ) -> list[tuple[str, str]]:
        with translate_errors():
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression=f"pk = :pk AND {condition}",
                ExpressionAttributeValues={
                    ":pk": {"S": partition},
                    **{name: {"S": value} for name, value in bounds.items()},
                },
                ScanIndexForward=not newest_first,
                Limit=most,
            )
        return [(item["sk"]["S"], item["account_id"]["S"]) for item in answer["Items"]]


LAST = "~"
"""Sorts behind every time."""

HIGHEST = "\U0010ffff"
"""Sorts behind every letter."""
