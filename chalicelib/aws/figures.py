"""The figures in the table: what accounts contribute to days and weeks, the rows of their sums, and
the marks of rows that are to be written again.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import (
    all_items,
    client,
    delete_many,
    put_many,
    read_many,
    translate_errors,
)
from chalicelib.aws.items import Item, keyed_hash, stamp
from chalicelib.domain.account.pointers import tombstone_of_account
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.figures.closing import Mark
from chalicelib.domain.figures.contributions import NOTHING, FigureKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Figures:
    """Implements FigureStore (usecases/ports/figures.py). `hash_key` keys the hashes that stand for
    accounts: what an erased account contributed stays, and leads to nobody.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def put(self, key: FigureKey, account_id: str, text: str, rank: int) -> None:
        """See FigureStore."""
        self._put(self._key(key, account_id), text, rank)

    def kept(
        self, of: Sequence[tuple[FigureKey, str]]
    ) -> dict[tuple[FigureKey, str], tuple[str, int]]:
        """See FigureStore."""
        names = {str(self._key(key, id)): (key, id) for key, id in of}
        found = read_many(
            self._dynamodb, self._table, [self._key(*name) for name in names.values()]
        )
        return {
            names[str({"pk": item["pk"], "sk": item["sk"]})]: (
                item["text"]["S"],
                int(item["rank"]["N"]),
            )
            for item in found
        }

    def contributions(self, key: FigureKey) -> list[str]:
        """See FigureStore."""
        return list(self.by_hash(key).values())

    def by_hash(self, key: FigureKey) -> dict[str, str]:
        """See FigureStore."""
        query = self._query("pk = :pk", {":pk": _partition(key)})
        found = all_items(self._dynamodb.query, **query)
        return {item["sk"]["S"]: item["text"]["S"] for item in found if item["text"]["S"]}

    def hash_of(self, account_id: str) -> str:
        """See FigureStore."""
        return keyed_hash(tombstone_of_account(account_id), self._hash_key())

    def erased(self, hashes: Sequence[str]) -> set[str]:
        """See FigureStore."""
        keys = [{"pk": {"S": f"ERASED#{one}"}, "sk": {"S": "ERASED"}} for one in hashes]
        found = read_many(self._dynamodb, self._table, keys)
        return {item["pk"]["S"].partition("#")[2] for item in found}

    def take_back(self, key: FigureKey, hash: str, rank: int) -> None:
        """See FigureStore."""
        self._put({"pk": {"S": _partition(key)}, "sk": {"S": hash}}, NOTHING, rank)

    def rows(self, kind: str, first: date, last: date) -> dict[date, str]:
        """See FigureStore."""
        found = self._query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {
                ":pk": f"FIGURES#{kind}",
                ":first": f"ROW#{first.isoformat()}",
                ":last": f"ROW#{last.isoformat()}",
            },
        )
        return {_day(item): item["text"]["S"] for item in all_items(self._dynamodb.query, **found)}

    def rows_behind(
        self, kind: str, first: date, last: date
    ) -> tuple[tuple[date, str] | None, dict[date, str]]:
        """See FigureStore. It reads backwards, so that the row before is the next one."""
        query = self._query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {
                ":pk": f"FIGURES#{kind}",
                ":first": "ROW#",
                ":last": f"ROW#{last.isoformat()}",
            },
        )
        most = max(0, (last - first).days + 1) + 1
        newest = all_items(self._dynamodb.query, **query, ScanIndexForward=False, Limit=most)
        rows: dict[date, str] = {}
        for item in newest:
            day, text = _day(item), item["text"]["S"]
            if day < first:
                return (day, text), dict(sorted(rows.items()))
            rows[day] = text
        return None, dict(sorted(rows.items()))

    def put_rows(self, kind: str, rows: Mapping[date, str]) -> None:
        """See FigureStore."""
        put_many(
            self._dynamodb,
            self._table,
            ({**_row_key(kind, day), "text": {"S": text}} for day, text in rows.items() if text),
        )
        delete_many(
            self._dynamodb, self._table, (_row_key(kind, day) for day in rows if not rows[day])
        )

    def mark(self, key: FigureKey, at: datetime) -> None:
        """See FigureStore."""
        with translate_errors():
            self._dynamodb.put_item(
                TableName=self._table, Item={**_mark_key(key), "at": {"S": stamp(at)}}
            )

    def marks(self, kind: str) -> list[Mark]:
        """See FigureStore."""
        query = self._query(
            "pk = :pk AND begins_with(sk, :prefix)",
            {":pk": f"FIGURES#{kind}", ":prefix": "MARK#"},
        )
        return [
            Mark(_day(item), datetime.fromisoformat(item["at"]["S"]))
            for item in all_items(self._dynamodb.query, **query)
        ]

    def unmark(self, kind: str, mark: Mark) -> None:
        """See FigureStore."""
        with suppress(ConcurrentUpdate), translate_errors():  # it was marked again
            self._dynamodb.delete_item(
                TableName=self._table,
                Key=_mark_key(FigureKey(kind, mark.day)),
                ConditionExpression="#at = :at",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={":at": {"S": stamp(mark.at)}},
            )

    def _put(self, key: Item, text: str, rank: int) -> None:
        with suppress(ConcurrentUpdate), translate_errors():  # a newer version has written it
            self._dynamodb.put_item(
                TableName=self._table,
                Item={**key, "text": {"S": text}, "rank": {"N": str(rank)}},
                ConditionExpression="attribute_not_exists(pk) OR #rank <= :rank",
                ExpressionAttributeNames={"#rank": "rank"},
                ExpressionAttributeValues={":rank": {"N": str(rank)}},
            )

    def _query(self, condition: str, values: Mapping[str, str]) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            "ConsistentRead": True,
        }

    def _key(self, key: FigureKey, account_id: str) -> Item:
        return {"pk": {"S": _partition(key)}, "sk": {"S": self.hash_of(account_id)}}


def _partition(key: FigureKey) -> str:
    return f"FIGURE#{key}"


def _row_key(kind: str, day: date) -> Item:
    return {"pk": {"S": f"FIGURES#{kind}"}, "sk": {"S": f"ROW#{day.isoformat()}"}}


def _mark_key(key: FigureKey) -> Item:
    return {"pk": {"S": f"FIGURES#{key.kind}"}, "sk": {"S": f"MARK#{key.day.isoformat()}"}}


def _day(item: Item) -> date:
    return date.fromisoformat(item["sk"]["S"].partition("#")[2])
