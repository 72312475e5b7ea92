"""The timeline of an account: its history, in the account's partition, with keys in time order."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.aws.dynamo import client, put_many, read_many, translate_errors
from chalicelib.aws.events.cursors import cursor_after, place_of
from chalicelib.aws.items import Item, dump, stamp
from chalicelib.aws.packing import pack, unpack
from chalicelib.aws.partition import moved_to
from chalicelib.domain.changes.event_feed import EventPointer, FeedPlace, KeptEvent
from chalicelib.domain.changes.timeline import Entry, EventEntry
from chalicelib.domain.errors import ConcurrentUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENT = "happening"
"""The kind of the entries of domain events."""

PAGE = 50
"""The number of entries on a page."""

MAILS_AMONG = 100
"""How many of the last entries are looked through for those about messages."""

REMEMBERED = 1000
"""About how many of the entries that a process put it remembers, so that it need not look for
them. Those that expire it does not remember.
"""


class Timelines:
    """Reads and writes timelines."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()
        self._put: dict[tuple[str, str], None] = {}

    def put(self, entries: Iterable[Entry]) -> None:
        """Write the entries. Idempotent: the same entry has the same key and body. Raises
        Unavailable.
        """
        of_keys = {(entry.account_id, _sort_key(entry)): entry for entry in entries}
        put_many(self._dynamodb, self._table, map(_item, of_keys.values()))
        self._remember(key for key, entry in of_keys.items() if not entry.keep_for)

    def put_once(self, entry: Entry) -> bool:
        """Write an entry. False if it is there already: it stays. Raises Unavailable."""
        try:
            with translate_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=_item(entry),
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ConcurrentUpdate:
            return False
        return True

    def put_event(self, event: EventEntry, place: FeedPlace) -> bool:
        """Put the entry of a domain event with its document and its place in the feed. False if
        there is one: the first stays. Raises Unavailable.
        """
        item = _item(event.entry) | {
            "document": {"B": pack(event.document)},
            "place": {"S": f"{place.segment}#{place.number}"},
        }
        is_new = True
        try:
            with translate_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ConcurrentUpdate:
            is_new = False
        self._remember([(event.entry.account_id, _sort_key(event.entry))])
        return is_new

    def events(self, pointers: Sequence[EventPointer]) -> dict[EventPointer, KeptEvent]:
        """The domain events that are there, also those of an account that another one has taken in:
        consistent reads, 100 a call. Raises Unavailable.
        """
        found: dict[EventPointer, KeptEvent] = {}
        accounts = {pointer: pointer.account_id for pointer in pointers}
        while accounts:
            found |= self._events(accounts)
            left = {pointer: id for pointer, id in accounts.items() if pointer not in found}
            moved = moved_to(self._dynamodb, self._table, set(left.values())) if left else {}
            accounts = {pointer: moved[id] for pointer, id in left.items() if id in moved}
        return found

    def _events(self, accounts: Mapping[EventPointer, str]) -> dict[EventPointer, KeptEvent]:
        """The event of each pointer that is on the timeline of this account."""
        keys = {
            pointer: (f"ACCOUNT#{id}", f"LOG#{stamp(pointer.at)}#{EVENT}#{pointer.id}")
            for pointer, id in accounts.items()
        }
        items = {
            (item["pk"]["S"], item["sk"]["S"]): item
            for item in read_many(
                self._dynamodb,
                self._table,
                [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in dict.fromkeys(keys.values())],
            )
        }
        return {pointer: _kept(items[key]) for pointer, key in keys.items() if key in items}

    def _remember(self, keys: Iterable[tuple[str, str]]) -> None:
        if len(self._put) > REMEMBERED:
            self._put.clear()
        self._put.update(dict.fromkeys(keys))

    def missing(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries that are not on their timeline: consistent reads, 100 a call, but
        for those that this process put. Raises Unavailable.
        """
        unknown = [
            entry for entry in entries if (entry.account_id, _sort_key(entry)) not in self._put
        ]
        found = {
            (item["pk"]["S"], item["sk"]["S"])
            for item in read_many(self._dynamodb, self._table, [_key(one) for one in unknown])
        }
        return [
            entry
            for entry in unknown
            if (f"ACCOUNT#{entry.account_id}", _sort_key(entry)) not in found
        ]

    def newest_mails(self, account_id: str) -> list[Entry]:
        """The entries about messages among the last hundred of all kinds, the newest first. Raises
        Unavailable.
        """
        return self._mails(account_id, "LOG#", ScanIndexForward=False, Limit=MAILS_AMONG)

    def mails_since(self, account_id: str, since: datetime) -> list[Entry]:
        """The entries about messages in the megabyte from that time on, in order. Raises
        Unavailable.
        """
        return self._mails(account_id, f"LOG#{stamp(since)}")

    def _mails(self, account_id: str, first: str, **how: Any) -> list[Entry]:
        with translate_errors():
            answer = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :end",
                ExpressionAttributeValues={
                    ":pk": {"S": f"ACCOUNT#{account_id}"},
                    ":first": {"S": first},
                    ":end": {"S": "LOG#~"},
                },
                ProjectionExpression="pk, sk, body",
                **how,
            )
        # A filter cannot name the sort key, and would read as much.
        entries = (entry_of(item) for item in answer["Items"])
        return [entry for entry in entries if entry.kind == "mail"]

    def page(
        self, account_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Entry], str | None]:
        """Up to 50 entries, newest first, from `cursor` on, and the cursor of the next page: None
        on the last. Raises InvalidInput for a cursor that is not this account's, Unavailable.
        """
        items: list[Item] = []
        start: Any = (
            {
                "ExclusiveStartKey": {
                    "pk": {"S": f"ACCOUNT#{account_id}"},
                    "sk": {"S": place_of(cursor, [account_id], "LOG")[1]},
                }
            }
            if cursor
            else {}
        )
        # DynamoDB applies the limit before the filter, so a page of expired entries can come back
        # empty although more entries follow.
        while len(items) <= PAGE:
            with translate_errors():
                answer = self._dynamodb.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND begins_with(sk, :log)",
                    # DynamoDB deletes expired items late, and `local` never does
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
        last = entries[-1] if len(items) > PAGE else None
        return entries, cursor_after(last.account_id, _sort_key(last)) if last else None


def _kept(item: Item) -> KeptEvent:
    segment, number = item["place"]["S"].split("#")
    type = msgspec.json.decode(item["body"]["S"])["type"]
    return KeptEvent(FeedPlace(segment, int(number)), type, unpack(item["document"]["B"]))


def _sort_key(entry: Entry) -> str:
    return f"LOG#{stamp(entry.at)}#{entry.kind}#{entry.id}"


def _key(entry: Entry) -> Item:
    return {"pk": {"S": f"ACCOUNT#{entry.account_id}"}, "sk": {"S": _sort_key(entry)}}


def _item(entry: Entry) -> Item:
    item: dict[str, Any] = {
        **_key(entry),
        "body": {"S": dump({"type": entry.type, "data": entry.data})},
    }
    if entry.keep_for:
        item["ttl"] = {"N": str(int((entry.at + entry.keep_for).timestamp()))}
    return item


def entry_of(item: Item) -> Entry:
    """The entry that an item of a timeline holds."""
    _, at, kind, id = item["sk"]["S"].split("#", 3)
    raw = msgspec.json.decode(item["body"]["S"])
    account_id = item["pk"]["S"].removeprefix("ACCOUNT#")
    return Entry(account_id, datetime.fromisoformat(at), kind, id, raw["type"], raw.get("data", {}))
