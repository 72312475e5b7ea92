"""The lists of accounts for the dashboard: a sparse index of the accounts' own items, and the
places of names.
"""

from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import client, translate_errors
from chalicelib.domain.account.rules.directory import ListedAccount

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


INDEX = "listed"

LAST = "~"
"""Sorts behind every time."""

HIGHEST = "\U0010ffff"
"""Sorts behind every letter."""

BESIDE = 4
"""A page of a plan reads so many times the places that it shows. It is short if too few of them are
of the plan, and the next one goes on.
"""


class Directory:
    """Reads places (domain/account/rules/directory.py). The index lags behind the table by less
    than a second.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def places(
        self,
        status: str,
        after: str | None,
        most: int,
        until: str = "",
        newest_first: bool = False,
        plan: str = "",
    ) -> list[ListedAccount]:
        """Up to `most` places of a status in their order: those behind `after`, and before `until`.
        With a `plan` up to BESIDE times as many, those of other plans without their account, so
        that the next page goes on behind them. Raises Unavailable.
        """
        condition, bounds = _between(after, until, newest_first)
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": INDEX,
            "KeyConditionExpression": f"listed = :listed{condition}",
            "ExpressionAttributeValues": {
                ":listed": {"S": f"LIST#{status}"},
                **{name: {"S": value} for name, value in bounds.items()},
            },
            "ScanIndexForward": not newest_first,
            "Limit": most * BESIDE if plan else most,
        }
        with translate_errors():
            answer = self._dynamodb.query(**request)
        return [
            ListedAccount(
                item["listed_at"]["S"],
                item["pk"]["S"].partition("#")[2]
                if not plan or item.get("plan", {}).get("S") == plan
                else None,
            )
            for item in answer["Items"]
        ]

    def named(self, prefix: str, group: str, after: str | None, most: int) -> list[ListedAccount]:
        """Up to `most` places of names that begin with `prefix`, in the order of the alphabet.
        Raises Unavailable.
        """
        with translate_errors():
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :since AND :until",
                ExpressionAttributeValues={
                    ":pk": {"S": f"NAME#{group}"},
                    ":since": {"S": f"{after} " if after else prefix},
                    ":until": {"S": f"{prefix}{HIGHEST}"},
                },
                Limit=most,
            )
        return [ListedAccount(item["sk"]["S"], item["account_id"]["S"]) for item in answer["Items"]]


def _between(after: str | None, until: str, newest_first: bool) -> tuple[str, dict[str, str]]:
    """The condition on the places, and its values: none for a whole list, which is read faster."""
    if newest_first:
        end = after or until
        return (" AND listed_at < :until", {":until": end}) if end else ("", {})
    if after:
        bounds = {":since": f"{after} ", ":until": until or LAST}
        return " AND listed_at BETWEEN :since AND :until", bounds
    return (" AND listed_at <= :until", {":until": until}) if until else ("", {})
