"""The partition of an account: its timeline, send claims and stored responses."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import all_items, client, delete_many, put_many, read_many
from chalicelib.aws.items import Item, due_fields

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Partition:
    """Reads and clears whole partitions, whatever kinds of items they hold."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def items(self, account_id: str) -> Iterator[Item]:
        """All items of the partition except the account itself, in key order: consistent reads.
        Raises Unavailable.
        """
        found = all_items(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"ACCOUNT#{account_id}"}},
            ConsistentRead=True,
        )
        return (item for item in found if item["sk"]["S"] != "ACCOUNT")

    def move_timeline(self, account_id: str, to: str) -> None:
        """Move the account's timeline and the details of its audit log to another account, and
        delete what else is beside it. An item stays that says where it went, since the feed leads
        to its events here, and the log of all to its entries. Idempotent. Raises Unavailable.
        """
        forward = {**_moved_key(account_id), "to": {"S": to}}
        items = [item for item in self.items(account_id) if item["sk"]["S"] != _MOVED]
        moved = {"pk": {"S": f"ACCOUNT#{to}"}}
        kept = ("LOG#", "AUDIT#")
        entries = [{**item, **moved} for item in items if item["sk"]["S"].startswith(kept)]
        put_many(self._dynamodb, self._table, [forward, *entries])
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in items]
        delete_many(self._dynamodb, self._table, keys)

    def clear(self, account_id: str) -> int:
        """Delete all items of the partition except the account itself, and return their number.
        With them goes what leads here from accounts that this one has taken in. Idempotent. Raises
        Unavailable.
        """
        items = list(self.items(account_id))
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in items]
        ids = {_event_account(item["sk"]["S"]) for item in items} - {"", account_id}
        delete_many(self._dynamodb, self._table, [*keys, *map(_moved_key, sorted(ids))])
        return len(keys)

    def clear_at(self, account_id: str, at: datetime) -> None:
        """Let the schedule find the account at that time, so that it clears the partition. Raises
        Unavailable.
        """
        due: Item = {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": {"S": ERASED}}
        put_many(self._dynamodb, self._table, [due | due_fields(account_id, at)])


def moved_to(dynamodb: "DynamoDBClient", table: str, account_ids: Iterable[str]) -> dict[str, str]:
    """Of accounts that another one has taken in, the id of that one. Raises Unavailable."""
    found = read_many(dynamodb, table, [_moved_key(id) for id in sorted(account_ids)])
    return {item["pk"]["S"].partition("#")[2]: item["to"]["S"] for item in found}


ERASED = "ERASED"
"""The sort key of what is left of an erased account until its partition is cleared once more."""

_MOVED = "MOVED"


def _moved_key(account_id: str) -> Item:
    return {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": {"S": _MOVED}}


def _event_account(sort_key: str) -> str:
    """The account whose domain event has this key on a timeline; empty if it is none."""
    kind, _, rest = sort_key.partition("#")
    parts = rest.split("#", 2)
    is_event = kind == "LOG" and len(parts) == 3 and parts[1] == "happening"
    return parts[2].partition(".")[0] if is_event else ""
