"""What a comparison with Stripe stores in the table: the subscriptions that Stripe listed and the
drifts found. Also the scan over all accounts.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import all_items, client, translate_errors
from chalicelib.aws.items import Item, account_of, dump, load, stamp
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import NewerSchemaVersion
from chalicelib.domain.reconciliation.comparison import Drift

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LISTED_KEPT = timedelta(days=7)
DRIFTS_KEPT = timedelta(days=90)


class ReconciliationState:
    """Reads and writes the items of comparisons. The time at which a comparison began identifies
    it. Every method raises Unavailable if DynamoDB cannot answer.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def keep_listed(self, began: datetime, page: int, ids: Sequence[str]) -> None:
        """Store the subscription ids on a page of Stripe's list. Idempotent."""
        key = {"pk": {"S": f"LISTED#{stamp(began)}"}, "sk": {"S": f"PAGE#{page:06}"}}
        self._put({**key, "ids": {"S": " ".join(ids)}, "ttl": _ttl(began + LISTED_KEPT)})

    def listed(self, began: datetime) -> frozenset[str]:
        """All subscription ids stored for this comparison."""
        return frozenset(
            id for item in self._all_of(f"LISTED#{stamp(began)}") for id in item["ids"]["S"].split()
        )

    def accounts(self, cursor: str | None) -> tuple[list[Account], str | None]:
        """The accounts on the next page of the table, and the cursor of the page after it: None at
        the end. A page reads one megabyte.

        The reads are eventually consistent, which costs half, so load an account again before you
        act on it. Leaves out accounts that only a newer release can read.
        """
        start: dict[str, Any] = {"ExclusiveStartKey": json.loads(cursor)} if cursor else {}
        with translate_errors():
            page = self._dynamodb.scan(
                TableName=self._table,
                FilterExpression="sk = :account",
                ExpressionAttributeValues={":account": {"S": "ACCOUNT"}},
                **start,
            )
        last = page.get("LastEvaluatedKey")
        return list(_readable(page["Items"])), json.dumps(last) if last else None

    def put_drift(self, drift: Drift) -> None:
        """Store a drift. Idempotent."""
        self._put(
            {
                **_drift_key(drift),
                "body": {"S": dump(drift)},
                "ttl": _ttl(drift.compared + DRIFTS_KEPT),
            }
        )

    def drop_drift(self, drift: Drift) -> None:
        """Delete a drift that turned out not to be one."""
        with translate_errors():
            self._dynamodb.delete_item(TableName=self._table, Key=_drift_key(drift))

    def drifts_of(self, began: datetime) -> list[Drift]:
        """All drifts that the comparison found which began at this time."""
        return [load(item["body"]["S"], Drift) for item in self._all_of("DRIFT", stamp(began))]

    def drifts_since(self, since: datetime) -> list[Drift]:
        """All drifts found by comparisons that began at or after `since`, oldest first."""
        found = (load(item["body"]["S"], Drift) for item in self._all_of("DRIFT"))
        return [drift for drift in found if drift.compared >= since]

    def _put(self, item: Item) -> None:
        with translate_errors():
            self._dynamodb.put_item(TableName=self._table, Item=item)

    def _all_of(self, pk: str, prefix: str = "") -> list[Item]:
        values = {":pk": {"S": pk}} | ({":prefix": {"S": prefix}} if prefix else {})
        found = all_items(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        return list(found)


def _readable(items: Iterable[Item]) -> Iterator[Account]:
    for item in items:
        with suppress(NewerSchemaVersion):
            yield account_of(item)


def _drift_key(drift: Drift) -> Item:
    return {
        "pk": {"S": "DRIFT"},
        "sk": {"S": f"{stamp(drift.compared)}#{drift.account_id}#{drift.subscription}"},
    }


def _ttl(moment: datetime) -> Item:
    return {"N": str(int(moment.timestamp()))}
