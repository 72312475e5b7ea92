"""The restored table and the stage's table: items that the second lacks are read from the first."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.aws.dynamo import put_many, read_many, translate_errors
from chalicelib.aws.items import Item, account_key, account_of, stamp
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import ConcurrentUpdate, InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

A_PAGE = 500
"""How many items a page has at most."""

RUN: Item = {"pk": {"S": "RESTORE"}, "sk": {"S": "RESTORE"}}

UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, KeyError)
"""The errors of reading a broken item."""

NOT_TAKEN = {
    "CUSTOMER": "put anew with the account that it leads to",
    "EXTERNAL": "put anew with the account that it leads to",
    "EMAIL": "put anew with the account that it leads to",
    "NAME": "put anew with the account that it leads to",
    "OPERATORS": "is a session of the dashboard, which is begun anew",
    "LIMIT": "counts what was done in an hour or a day that is over",
    "WALK": "is where a walk over the other table was",
    "RESTORE": "is where a restoration into the other table was",
}
"""What is not copied from the restored table, and why."""


@dataclass(frozen=True, slots=True)
class Run:
    """A restoration from the table `source`, begun at `started_at`. It continues at `cursor`;
    `left` are the accounts that were not restored.
    """

    source: str
    started_at: datetime
    cursor: str | None = None
    done: bool = False
    accounts: int = 0
    left: tuple[str, ...] = ()


class Tables:
    """`source` may be `live` itself: a restored table that was put in its place."""

    def __init__(self, source: str, live: str, dynamodb: "DynamoDBClient") -> None:
        self.source, self._live, self._dynamodb = source, live, dynamodb

    def load_run(self) -> Run | None:
        """The last restoration into the stage's table."""
        with translate_errors():
            item = self._dynamodb.get_item(TableName=self._live, Key=RUN, ConsistentRead=True).get(
                "Item"
            )
        return msgspec.json.decode(item["body"]["S"], type=Run) if item else None

    def save_run(self, run: Run) -> None:
        """Save the progress."""
        with translate_errors():
            self._dynamodb.put_item(
                TableName=self._live, Item={**RUN, "body": {"S": msgspec.json.encode(run).decode()}}
            )

    def page(self, cursor: str | None, now: datetime) -> tuple[list[Item], str | None]:
        """The next items of the restored table that have not expired, and the cursor behind them;
        None at the end.
        """
        start: dict[str, Any] = {"ExclusiveStartKey": json.loads(cursor)} if cursor else {}
        with translate_errors():
            page = self._dynamodb.scan(
                TableName=self.source, Limit=A_PAGE, ConsistentRead=True, **start
            )
        last = page.get("LastEvaluatedKey")
        items = [
            item
            for item in page["Items"]
            if "ttl" not in item or int(item["ttl"]["N"]) > now.timestamp()
        ]
        return items, json.dumps(last) if last else None

    def pair(self, was: Account) -> tuple[Account, Account]:
        """The account as it was, and the present account: a bare account, with version and epoch if
        there are any, if it cannot be read, or if the restored table took the place of the stage's.
        Raises InvalidInput if the present item cannot be overwritten.
        """
        with translate_errors():
            item = self._dynamodb.get_item(
                TableName=self._live, Key=account_key(was.id), ConsistentRead=True
            ).get("Item")
        if item is None:
            return was, Account(was.id)
        if not {"version", "epoch"} <= item.keys():
            raise InvalidInput(
                "what stands in its place has no version to be written over by: delete that item"
            )
        bare = Account(was.id, int(item["version"]["N"]), int(item["epoch"]["N"]))
        if self.source == self._live:
            return account_of(item), bare  # it may have heard news since the page was read
        try:
            return was, account_of(item)
        except UNREADABLE:  # what a restoration is for may be just that, and is written over
            return was, bare

    def put_missing(self, items: Sequence[Item]) -> int:
        """Put those items that the stage's table lacks, and return how many. Existing items stay.
        Raises Unavailable.
        """
        found = {
            _key_of(item)
            for item in read_many(self._dynamodb, self._live, [_key(item) for item in items])
        }
        missing = [item for item in items if _key_of(item) not in found]
        notes, others = _parted(missing)
        # The same note is the same item, whoever writes it.
        put_many(self._dynamodb, self._live, notes)
        for item in others:
            with suppress(ConcurrentUpdate), translate_errors():
                self._dynamodb.put_item(
                    TableName=self._live, Item=item, ConditionExpression="attribute_not_exists(pk)"
                )
        return len(missing)


def taken(item: Item) -> bool:
    """Whether an item that is no account is copied. Marks of used trials are copied only if their
    account was erased: all others are written with their account.
    """
    kind = item["pk"]["S"].partition("#")[0]
    return kind not in NOT_TAKEN and (kind != "TRIAL" or item["account_id"]["S"].startswith("#"))


def begun(source: str, at: datetime) -> Run:
    """A restoration at its start. The start time is rounded as it will be read back."""
    return Run(source, datetime.fromisoformat(stamp(at)))


def _parted(items: Iterable[Item]) -> tuple[list[Item], list[Item]]:
    parts: tuple[list[Item], list[Item]] = ([], [])
    for item in items:
        parts[not item["sk"]["S"].startswith("LOG#")].append(item)
    return parts


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def _key_of(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
