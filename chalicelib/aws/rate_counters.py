"""What rate limits count, in the table: how often something happened in a window of time, and the
mail that visitors caused to a mailbox.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, put_versioned, read_one, translate_errors
from chalicelib.aws.items import Item, dump, keyed_hash, load
from chalicelib.domain.messaging.mailbox_limits import FORGOTTEN, Mailbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class RateCounters:
    """One counter for each kind, value and window. Values may be addresses, so they are hashed.
    The table's TTL deletes counters of past windows.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def count(self, kind: str, value: str, window: timedelta, now: datetime) -> int:
        """Add one to the counter of the window that contains `now`, and return its new value: one
        write. Raises Unavailable.
        """
        number = int(now.timestamp() // window.total_seconds())
        ends = int((number + 1) * window.total_seconds())
        with translate_errors():
            written = self._dynamodb.update_item(
                TableName=self._table,
                Key={
                    "pk": {"S": f"LIMIT#{keyed_hash(f'{kind}:{value}', self._hash_key())}"},
                    "sk": {"S": f"{kind}#{number}"},
                },
                UpdateExpression="ADD #count :one SET #ttl = :ttl",
                ExpressionAttributeNames={"#count": "count", "#ttl": "ttl"},
                ExpressionAttributeValues={":one": {"N": "1"}, ":ttl": {"N": str(ends + 3600)}},
                ReturnValues="UPDATED_NEW",
            )
        return int(written["Attributes"]["count"]["N"])


class Mailboxes:
    """One item for each mailbox that visitors caused mail to, under the keyed hash of its identity
    (domain/security/signup.py). The table's TTL deletes it once nothing of it counts any more.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def load(self, identity: str) -> Mailbox:
        """The mailbox; an empty one if there is none: one consistent read. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, self._key(identity))
        return load(item["body"]["S"], Mailbox) if item else Mailbox()

    def save(self, identity: str, old: Mailbox, new: Mailbox, now: datetime) -> None:
        """Write the mailbox, if nobody else has since `old` was read. Raises ConcurrentUpdate,
        Unavailable.
        """
        item = {
            **self._key(identity),
            "body": {"S": dump(new)},
            "version": {"N": str(new.version)},
            "ttl": {"N": str(int((now + FORGOTTEN).timestamp()))},
        }
        put_versioned(self._dynamodb, self._table, item, old.version)

    def _key(self, identity: str) -> Item:
        return {
            "pk": {"S": f"LIMIT#{keyed_hash(f'mailbox:{identity}', self._hash_key())}"},
            "sk": {"S": "mailbox"},
        }
