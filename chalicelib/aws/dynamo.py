"""The DynamoDB client, the translation of its errors, and the calls that several adapters share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from chalicelib.aws.items import Item
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
_RACES = frozenset(
    {
        "ConditionalCheckFailedException",
        "TransactionConflictException",
        "TransactionCanceledException",
    }
)


@cache
def client() -> "DynamoDBClient":
    """The client, made once, with standard retries. If the reply to a conditional write is lost,
    the retry fails its own condition and raises ConcurrentUpdate.

    It has the type of boto3's client, so that mypy checks each call, and those of its methods that
    json_protocol/dynamodb.py lists.
    """
    from chalicelib.aws.json_protocol.dynamodb import DynamoDb

    return cast("DynamoDBClient", DynamoDb())


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise ConcurrentUpdate for a failed condition or a conflict, Unavailable for a transient
    error or a failed connection. Other errors pass unchanged.
    """
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _RACES:
            raise ConcurrentUpdate(f"DynamoDB: {code}") from error
        if code in _TRANSIENT or error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500:
            raise Unavailable(f"DynamoDB is not available: {code}.") from error
        raise
    except (NoConnection, HTTPClientError) as error:
        raise Unavailable(f"DynamoDB cannot be reached: {type(error).__name__}.") from error


def read_one(dynamodb: "DynamoDBClient", table: str, key: Item) -> Item | None:
    """The item under a key, None if there is none: one consistent read. Raises Unavailable."""
    with translate_errors():
        return dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


def read_many(dynamodb: "DynamoDBClient", table: str, keys: Sequence[Item]) -> list[Item]:
    """The items under these keys: consistent reads, up to 100 items a call. Raises Unavailable if
    DynamoDB still leaves some unread after five calls.
    """
    found: list[Item] = []
    for batch in _batches(keys, 100):
        request: Any = {table: {"Keys": batch, "ConsistentRead": True}}
        for _ in range(5):
            with translate_errors():
                answer = dynamodb.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(table, [])
            request = answer.get("UnprocessedKeys")
            if not request:
                break
        else:
            raise Unavailable("DynamoDB is throttled: some items could not be read.")
    return found


def all_items(read: Callable[..., Any], **request: Any) -> Iterator[Item]:
    """All items that a Query or a Scan finds, page by page. Raises Unavailable."""
    while True:
        with translate_errors():
            page = read(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def put_many(dynamodb: "DynamoDBClient", table: str, items: Iterable[Item]) -> None:
    """Put the items without a condition, 25 a call. Idempotent. Raises Unavailable if DynamoDB
    still leaves some unwritten after five calls.
    """
    _write_many(dynamodb, table, ({"PutRequest": {"Item": item}} for item in items))


def delete_many(dynamodb: "DynamoDBClient", table: str, keys: Iterable[Item]) -> None:
    """Delete the items under these keys without a condition, as `put_many` writes."""
    _write_many(dynamodb, table, ({"DeleteRequest": {"Key": key}} for key in keys))


def put_versioned(dynamodb: "DynamoDBClient", table: str, item: Item, before: int) -> None:
    """Put an item that counts its writes in `version`, if the stored one still has the version
    `before` (0: there is none yet). Raises ConcurrentUpdate, Unavailable.
    """
    put: Any = {"TableName": table, "Item": item, **has_version(before)}
    with translate_errors():
        dynamodb.put_item(**put)


def has_version(version: int) -> dict[str, Any]:
    """The condition that the stored item has this version; 0 means that there is no item."""
    if not version:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


def _write_many(dynamodb: "DynamoDBClient", table: str, requests: Iterable[Item]) -> None:
    for batch in _batches(requests, 25):
        request: Any = {table: batch}
        for _ in range(5):
            with translate_errors():
                request = dynamodb.batch_write_item(RequestItems=request).get("UnprocessedItems")
            if not request:
                break
        else:
            raise Unavailable("DynamoDB is throttled: some items could not be written.")


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
