"""DynamoDB's client, its errors in our words, and the few calls that several classes make."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

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
    """The client, made once. Standard retries; a write repeated after a lost reply meets its own
    condition and is seen as a lost race.
    """
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5
        ),
    )


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn DynamoDB's errors into ConcurrentUpdate and Unavailable; what is neither stays what it
    is.
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
            raise Unavailable(f"DynamoDB gives no answer now: {code}.") from error
        raise
    except (NoConnection, HTTPClientError) as error:
        raise Unavailable(f"DynamoDB cannot be reached: {type(error).__name__}.") from error


def read_many(dynamodb: "DynamoDBClient", table: str, keys: Sequence[Item]) -> list[Item]:
    """Consistent reads of up to a hundred items a call. Raises Unavailable if DynamoDB goes on
    leaving some out.
    """
    found: list[Item] = []
    for some in _batches(keys, 100):
        request: Any = {table: {"Keys": some, "ConsistentRead": True}}
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


def put_many(dynamodb: "DynamoDBClient", table: str, items: Iterable[Item]) -> None:
    """Unconditional puts, twenty-five a call; the same again does no harm. Raises Unavailable if
    DynamoDB goes on leaving some out.
    """
    _write_many(dynamodb, table, ({"PutRequest": {"Item": item}} for item in items))


def delete_many(dynamodb: "DynamoDBClient", table: str, keys: Iterable[Item]) -> None:
    """Unconditional deletions, as `put_many`."""
    _write_many(dynamodb, table, ({"DeleteRequest": {"Key": key}} for key in keys))


def _write_many(dynamodb: "DynamoDBClient", table: str, requests: Iterable[Item]) -> None:
    for some in _batches(requests, 25):
        request: Any = {table: some}
        for _ in range(5):
            with translate_errors():
                request = dynamodb.batch_write_item(RequestItems=request).get("UnprocessedItems")
            if not request:
                break
        else:
            raise Unavailable("DynamoDB is throttled: some items could not be written.")


def _batches(things: Iterable[Item], size: int) -> Iterator[list[Item]]:
    left = iter(things)
    while some := list(islice(left, size)):
        yield some
