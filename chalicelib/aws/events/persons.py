"""What is known of accounts in the people system: an item beside each account, erased with it."""

from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import client, put_versioned, read_one
from chalicelib.aws.items import Item, dump, load
from chalicelib.domain.people.state import Person

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Persons:
    """Reads and writes them."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, account_id: str) -> Person | None:
        """What is known of an account; None if it was never written there. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, _key(account_id))
        return load(item["body"]["S"], Person) if item else None

    def save(self, account_id: str, old: Person, new: Person) -> None:
        """Write it, if it still was `old`. Raises ConcurrentUpdate, Unavailable."""
        item = {
            **_key(account_id),
            "body": {"S": dump(new)},
            "version": {"N": str(new.version)},
        }
        put_versioned(self._dynamodb, self._table, item, old.version)


def _key(account_id: str) -> Item:
    return {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": {"S": "PERSON"}}
