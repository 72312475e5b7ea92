"""The timeline of an account: what happened, beside the account in its partition, newest last by
key.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.aws.dynamo import client, put_many, translate_errors
from chalicelib.aws.items import Item, dump, stamp
from chalicelib.domain.changes.timeline import Entry
from chalicelib.domain.errors import InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAGE = 50


class Timelines:
    """Writes and reads timelines."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def put(self, entries: Iterable[Entry]) -> None:
        """Write the entries; one that is there already stays what it is, as the same entry has the
        same key and body.
        """
        put_many(
            self._dynamodb,
            self._table,
            {_sort_key(entry) + entry.account_id: _item(entry) for entry in entries}.values(),
        )

    def page(
        self, account_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Entry], str | None]:
        """Up to fifty entries, newest first, from `cursor` on, and the cursor of the next page if
        there is one. Raises InvalidInput.
        """
        items: list[Item] = []
        start: Any = (
            {
                "ExclusiveStartKey": {
                    "pk": {"S": f"ACCOUNT#{account_id}"},
                    "sk": {"S": _read_cursor(cursor)},
                }
            }
            if cursor
            else {}
        )
        # The filter works behind the limit: of entries past their time a call may give none, and
        # yet there be more.
        while len(items) <= PAGE:
            with translate_errors():
                answer = self._dynamodb.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND begins_with(sk, :log)",
                    # DynamoDB reaps late, and `local` not at all
                    FilterExpression="attribute_not_exists(#ttl) OR #ttl > :now",
                    ExpressionAttributeNames={"#ttl": "ttl"},
                    ExpressionAttributeValues={
                        ":pk": {"S": f"ACCOUNT#{account_id}"},
                        ":log": {"S": "LOG#"},
                        ":now": {"N": str(int(now.timestamp()))},
                    },
                    ScanIndexForward=False,
                    Limit=PAGE + 1,
                    **start,
                )
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        entries = [entry_of(item) for item in items[:PAGE]]
        return entries, _cursor(entries[-1]) if len(items) > PAGE else None


def _cursor(last: Entry) -> str:
    return base64.urlsafe_b64encode(_sort_key(last).encode()).decode().rstrip("=")


def _sort_key(entry: Entry) -> str:
    return f"LOG#{stamp(entry.at)}#{entry.kind}#{entry.id}"


def _item(entry: Entry) -> Item:
    item: dict[str, Any] = {
        "pk": {"S": f"ACCOUNT#{entry.account_id}"},
        "sk": {"S": _sort_key(entry)},
        "body": {"S": dump({"type": entry.type, "data": entry.data})},
    }
    if entry.keep_for:
        item["ttl"] = {"N": str(int((entry.at + entry.keep_for).timestamp()))}
    return item


def entry_of(item: Item) -> Entry:
    """The entry that lies in an item of a timeline."""
    _, at, kind, id = item["sk"]["S"].split("#", 3)
    raw = msgspec.json.decode(item["body"]["S"])
    account_id = item["pk"]["S"].removeprefix("ACCOUNT#")
    return Entry(account_id, datetime.fromisoformat(at), kind, id, raw["type"], raw.get("data", {}))


def _read_cursor(cursor: str) -> str:
    try:
        key = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("cursor must be the one of the page before.", "cursor") from error
    if not re.fullmatch(r"LOG#[\x20-\x7e]{1,300}", key):
        raise InvalidInput("cursor must be the one of the page before.", "cursor")
    return key
