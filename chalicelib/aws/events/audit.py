"""The audit log in the table. Entries are only ever added: the policy of each function denies to
change or delete an item whose partition key begins with `AUDIT#`. Who erased an account is in
`AUDIT#OF#<account>` too.

`AUDIT#<month>` has every entry without its detail; the detail of an entry about an account is in
the account's partition, in an entry of the same key, and goes with the account.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.aws.dynamo import client, read_many, translate_errors
from chalicelib.aws.events.cursors import cursor_after, place_of
from chalicelib.aws.items import Item, stamp
from chalicelib.aws.partition import moved_to
from chalicelib.domain.changes.audit import AUDIT_KEPT, AuditEntry, expired

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE = 50
"""The number of entries on a page."""

_MONTH = re.compile(r"AUDIT#\d{4}-\d{2}")


class AuditLog:
    """Adds and reads entries."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def put(self, entry: AuditEntry) -> None:
        """Add an entry, its detail first. The same entry again changes nothing. Raises
        Unavailable.
        """
        # One by one, since the functions' policies deny BatchWriteItem here: it can delete, too.
        for item in _items(entry):
            with translate_errors():
                self._dynamodb.put_item(TableName=self._table, Item=item)

    def page(
        self, account_id: str | None, cursor: str | None, now: datetime
    ) -> tuple[list[AuditEntry], str | None]:
        """Up to 50 entries, of one account or of all, newest first, from `cursor` on, and the
        cursor of the next page: None on the last. The id of an account that another one has taken
        in finds the entries of both. Raises InvalidInput for a cursor that is not of this list,
        Unavailable.
        """
        partitions = _months(now) if account_id is None else _beside_all(self._way(account_id))
        at_partition, at_key = place_of(cursor, partitions, "AUDIT") if cursor else ("", "")
        if cursor:
            partitions = partitions[partitions.index(at_partition) :]
        items: list[Item] = []
        for partition in partitions:
            from_key = at_key if partition == at_partition else ""
            for item in self._newest_first(partition, from_key, PAGE + 1 - len(items)):
                if not expired(_at(item), now):
                    items.append(item)
                if len(items) > PAGE:
                    break
            if len(items) > PAGE:
                break
        shown = items[:PAGE]
        details = self._details(shown) if account_id is None else {}
        entries = [_entry(item, details) for item in shown]
        last = shown[-1] if len(items) > PAGE else None
        return entries, cursor_after(last["pk"]["S"], last["sk"]["S"]) if last else None

    def _newest_first(self, partition: str, before: str, about: int) -> Iterator[Item]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :audit)",
            "ExpressionAttributeValues": {":pk": {"S": partition}, ":audit": {"S": "AUDIT#"}},
            "ScanIndexForward": False,
            "Limit": about,
        }
        if before:
            request["ExclusiveStartKey"] = {"pk": {"S": partition}, "sk": {"S": before}}
        while True:
            with translate_errors():
                answer = self._dynamodb.query(**request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _way(self, account_id: str) -> list[str]:
        """The ids from that of the account which holds what is asked for, to the one asked for."""
        ids = [account_id]
        while True:
            taken_by = moved_to(self._dynamodb, self._table, ids[:1]).get(ids[0])
            if taken_by is None or taken_by in ids:
                return ids
            ids.insert(0, taken_by)

    def _details(self, items: list[Item]) -> dict[str, Item]:
        """The entries beside the accounts, by their sort key. Those of an account that another one
        has taken in are there.
        """
        found: dict[str, Item] = {}
        accounts = {
            item["sk"]["S"]: item["account_id"]["S"] for item in items if "account_id" in item
        }
        while accounts:
            keys = [_beside(id, {"S": key}) for key, id in accounts.items()]
            read = read_many(self._dynamodb, self._table, keys)
            found |= {item["sk"]["S"]: item for item in read}
            left = {key: id for key, id in accounts.items() if key not in found}
            moved = moved_to(self._dynamodb, self._table, set(left.values())) if left else {}
            accounts = {key: moved[id] for key, id in left.items() if id in moved}
        return found


def _beside(account_id: str, sort_key: Any) -> Item:
    return {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": sort_key}


def _items(entry: AuditEntry) -> list[Item]:
    sort_key = {"S": f"AUDIT#{stamp(entry.at)}#{entry.id}"}
    base: Item = {
        "sk": sort_key,
        "actor": {"S": entry.actor},
        "action": {"S": entry.action},
        "ttl": {"N": str(int((entry.at + AUDIT_KEPT).timestamp()))},
    }
    if entry.source:
        base["source"] = {"S": entry.source}
    detail: Item = {}
    if entry.detail:
        detail = {"detail": {"S": msgspec.json.encode(entry.detail).decode()}}
    month: Item = {"pk": {"S": f"AUDIT#{entry.at.astimezone(UTC):%Y-%m}"}, **base}
    if entry.account_id is None:
        return [month | detail]
    month["account_id"] = {"S": entry.account_id}
    if entry.action == "account.erased":
        # The account's partition goes with the account; who erased it must stay.
        return [month, {"pk": {"S": f"AUDIT#OF#{entry.account_id}"}, **base}]
    return [{**_beside(entry.account_id, sort_key), **base, **detail}, month]


def entry_of(item: Item) -> AuditEntry:
    """The entry that an item holds."""
    return _entry(item, {})


def _entry(item: Item, details: dict[str, Item]) -> AuditEntry:
    partition = item["pk"]["S"]
    account_id = item["account_id"]["S"] if "account_id" in item else None
    if not _MONTH.fullmatch(partition):
        account_id = partition.rpartition("#")[2]
    told = details.get(item["sk"]["S"], item).get("detail")
    return AuditEntry(
        id=item["sk"]["S"].split("#", 2)[2],
        at=_at(item),
        actor=item["actor"]["S"],
        action=item["action"]["S"],
        account_id=account_id,
        detail=msgspec.json.decode(told["S"]) if told else None,
        source=item["source"]["S"] if "source" in item else "",
    )


def _at(item: Item) -> datetime:
    return datetime.fromisoformat(item["sk"]["S"].split("#", 2)[1])


def _beside_all(account_ids: list[str]) -> list[str]:
    """Where the entries of these accounts are, those with the newest first."""
    kinds = ("AUDIT#OF#", "ACCOUNT#")
    return [f"{kind}{id}" for kind in kinds for id in account_ids]


def _months(now: datetime) -> list[str]:
    """Where all entries are, those with the newest first."""
    last, first = now.astimezone(UTC), (now - AUDIT_KEPT).astimezone(UTC)
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"AUDIT#{month // 12:04}-{month % 12 + 1:02}" for month in reversed(months)]
