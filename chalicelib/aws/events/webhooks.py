"""Endpoints of outgoing webhooks, all in one item, and their deliveries: one item each, which waits
in the due index in a shard of its endpoint's own.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import (
    client,
    put_many,
    put_versioned,
    read_many,
    read_one,
    translate_errors,
)
from chalicelib.aws.events.cursors import cursor_after, place_of
from chalicelib.aws.items import Item, dump, load, stamp
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.webhooks.delivery import KEPT, Delivery, DeliveryKey
from chalicelib.domain.webhooks.endpoint import Endpoints
from chalicelib.values import replace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_SECONDS = 5
"""How long `remembered` answers without looking."""

PAGE = 50
"""How many deliveries a page of the log holds."""

_KEY: Item = {"pk": {"S": "WEBHOOKS"}, "sk": {"S": "ENDPOINTS"}}


class EndpointList:
    """Reads and writes the endpoints."""

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient | None" = None,
        seconds: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()
        # The wall clock: a monotonic one may stand still while Lambda freezes the function.
        self._seconds = seconds
        self._known: Endpoints | None = None
        self._until = 0.0

    def load(self) -> Endpoints:
        """The endpoints: one consistent read. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, _KEY)
        return self._remember(load(item["body"]["S"], Endpoints) if item else Endpoints())

    def remembered(self) -> Endpoints:
        """The endpoints as they were within the last seconds: at most one read in that time. Raises
        Unavailable.
        """
        if self._known is None or self._seconds() >= self._until:
            return self.load()
        return self._known

    def save(self, old: Endpoints, new: Endpoints) -> None:
        """Write them, if they still were `old`. Raises ConcurrentUpdate, Unavailable."""
        item = {**_KEY, "body": {"S": dump(new)}, "version": {"N": str(new.version)}}
        put_versioned(self._dynamodb, self._table, item, old.version)
        self._remember(new)

    def _remember(self, found: Endpoints) -> Endpoints:
        self._known, self._until = found, self._seconds() + REMEMBERED_SECONDS
        return found


class Deliveries:
    """Reads and writes deliveries."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def add(self, delivery: Delivery) -> bool:
        """Put a new one; False if there is one of its key. Raises Unavailable."""
        try:
            self._put(delivery, 0)
        except ConcurrentUpdate:
            return False
        return True

    def add_many(self, deliveries: Iterable[Delivery]) -> None:
        """Put many whose keys nobody else has. Raises Unavailable."""
        put_many(self._dynamodb, self._table, map(_item, deliveries))

    def save(self, old: Delivery, new: Delivery) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate, Unavailable."""
        self._put(new, old.version)

    def _put(self, delivery: Delivery, before: int) -> None:
        put_versioned(self._dynamodb, self._table, _item(delivery), before)

    def load(self, keys: Sequence[DeliveryKey]) -> list[Delivery]:
        """Those of the keys that there are, in their order: consistent reads, 100 a call. Raises
        Unavailable.
        """
        wanted = list(dict.fromkeys(keys))
        items = read_many(self._dynamodb, self._table, [_item_key(key) for key in wanted])
        found = {delivery.key: delivery for delivery in map(_delivery, items)}
        return [found[key] for key in wanted if key in found]

    def due(self, endpoint_id: str, now: datetime, most: int) -> list[DeliveryKey]:
        """The deliveries of an endpoint that are due, the longest due first: one query of its own
        shard of the index, which lags behind the table. Raises Unavailable.
        """
        return [_read_key(item) for item in self._waiting(endpoint_id, "<=", now, most)]

    def due_since(self, endpoint_id: str, now: datetime) -> datetime | None:
        """Since when something is due to an endpoint, by the same index; None if nothing is. Raises
        Unavailable.
        """
        items = self._waiting(endpoint_id, "<=", now, 1)
        return datetime.fromisoformat(items[0]["due_at"]["S"]) if items else None

    def later(
        self, endpoint_id: str, after: datetime, most: int
    ) -> list[tuple[datetime, DeliveryKey]]:
        """When the deliveries of an endpoint are due that are so after a time, the first first, by
        the same index. Raises Unavailable.
        """
        items = self._waiting(endpoint_id, ">", after, most)
        return [(datetime.fromisoformat(item["due_at"]["S"]), _read_key(item)) for item in items]

    def _waiting(self, endpoint_id: str, compared: str, moment: datetime, most: int) -> list[Item]:
        with translate_errors():
            page = self._dynamodb.query(
                TableName=self._table,
                IndexName="due",
                KeyConditionExpression=f"due_shard = :shard AND due_at {compared} :moment",
                ExpressionAttributeValues={
                    ":shard": {"S": due_shard(endpoint_id)},
                    ":moment": {"S": stamp(moment)},
                },
                Limit=most,
            )
        return page["Items"]

    def page(
        self, endpoint_id: str, cursor: str | None, now: datetime
    ) -> tuple[list[Delivery], str | None]:
        """Up to 50 deliveries of an endpoint, the newest events first, from `cursor` on, and the
        cursor of the next page: None on the last. Raises InvalidInput, Unavailable.
        """
        partition = {"S": _partition(endpoint_id)}
        start: Any = (
            {
                "ExclusiveStartKey": {
                    "pk": partition,
                    "sk": {"S": place_of(cursor, [_partition(endpoint_id)], "DELIVERY")[1]},
                }
            }
            if cursor
            else {}
        )
        items: list[Item] = []
        # DynamoDB applies the limit before the filter, so a page of expired entries can come back
        # empty although more entries follow.
        while len(items) <= PAGE:
            with translate_errors():
                answer = self._dynamodb.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND begins_with(sk, :delivery)",
                    FilterExpression="#ttl > :now",
                    ExpressionAttributeNames={"#ttl": "ttl"},
                    ExpressionAttributeValues={
                        ":pk": partition,
                        ":delivery": {"S": "DELIVERY#"},
                        ":now": {"N": str(int(now.timestamp()))},
                    },
                    ConsistentRead=True,
                    ScanIndexForward=False,
                    Limit=PAGE + 1,
                    **start,
                )
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        last = items[PAGE - 1] if len(items) > PAGE else None
        next_page = cursor_after(last["pk"]["S"], last["sk"]["S"]) if last else None
        return [_delivery(item) for item in items[:PAGE]], next_page


def due_shard(endpoint_id: str) -> str:
    """The key of an endpoint's partition of the due index. Each endpoint has its own, so that what
    waits for one is never in the way of another or of an account.
    """
    return f"CALL#{endpoint_id}"


def _partition(endpoint_id: str) -> str:
    return f"ENDPOINT#{endpoint_id}"


def _sort_key(key: DeliveryKey) -> str:
    return f"DELIVERY#{stamp(key.at)}#{key.event_id}"


def _item_key(key: DeliveryKey) -> Item:
    return {"pk": {"S": _partition(key.endpoint_id)}, "sk": {"S": _sort_key(key)}}


def _read_key(item: Item) -> DeliveryKey:
    _, at, event_id = item["sk"]["S"].split("#", 2)
    endpoint_id = item["pk"]["S"].partition("#")[2]
    return DeliveryKey(endpoint_id, datetime.fromisoformat(at), event_id)


def _item(delivery: Delivery) -> Item:
    body = replace(delivery, next_at=None, version=0)
    item: Item = {
        **_item_key(delivery.key),
        "body": {"S": dump(body)},
        "version": {"N": str(delivery.version)},
        "ttl": {"N": str(int((delivery.created_at + KEPT).timestamp()))},
    }
    if delivery.next_at:
        item["due_shard"] = {"S": due_shard(delivery.key.endpoint_id)}
        item["due_at"] = {"S": stamp(delivery.next_at)}
    return item


def _delivery(item: Item) -> Delivery:
    return replace(
        load(item["body"]["S"], Delivery),
        next_at=datetime.fromisoformat(item["due_at"]["S"]) if "due_at" in item else None,
        version=int(item["version"]["N"]),
    )
