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

READS = 4
"""How many calls a page of a plan makes at most: then it is short, and the next one goes on."""


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
        With a `plan` those of other plans are read and not returned, and of the last one that was
        read the place alone is, so that the next page goes on behind it. Raises Unavailable.
        """
        if newest_first:
            condition, bounds = "listed_at < :until", {":until": after or until or LAST}
        else:
            condition = "listed_at BETWEEN :since AND :until"
            bounds = {":since": f"{after} " if after else " ", ":until": until or LAST}
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": INDEX,
            "KeyConditionExpression": f"listed = :listed AND {condition}",
            "ExpressionAttributeValues": {
                ":listed": {"S": f"LIST#{status}"},
                **{name: {"S": value} for name, value in bounds.items()},
            },
            "ScanIndexForward": not newest_first,
            "Limit": most,
        }
        found: list[ListedAccount] = []
        for _ in range(READS):
            with translate_errors():
                answer = self._dynamodb.query(**request)
            found += [
                ListedAccount(
                    item["listed_at"]["S"],
                    item["pk"]["S"].partition("#")[2]
                    if not plan or item.get("plan", {}).get("S") == plan
                    else None,
                )
                for item in answer["Items"]
            ]
            fits = sum(one.account_id is not None for one in found)
            if fits >= most or "LastEvaluatedKey" not in answer or not plan:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found

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
