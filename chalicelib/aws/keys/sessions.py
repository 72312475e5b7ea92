"""Sessions of operators in the table: only hashes of their secrets are stored."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.aws.dynamo import all_items, client, read_one, translate_errors
from chalicelib.aws.items import Item, dump, load, stamp
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.security.dashboard import OperatorSession
from chalicelib.values import replace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LINK_KEPT = timedelta(days=2)
"""How long it is kept that a link was used: longer than it works, which is a day at most."""


class OperatorSessions:
    """Reads and writes sessions. All of a stage share one partition, so that they can be listed.
    The table's TTL deletes them once they have expired.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, id: str) -> OperatorSession | None:
        """The session of that id: one consistent read. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, _key(id))
        return _session(item) if item else None

    def put(self, session: OperatorSession) -> None:
        """Keep a session. Raises ConcurrentUpdate if there is one of its id, Unavailable."""
        item = {
            **_key(session.id),
            "body": {"S": dump(session)},
            "ttl": {"N": str(int(session.expires_at.timestamp()))},
        }
        with translate_errors():
            self._dynamodb.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )

    def all(self, now: datetime) -> list[OperatorSession]:
        """The sessions that are alive, the newest first. Raises Unavailable."""
        found = map(
            _session,
            all_items(
                self._dynamodb.query,
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :session)",
                ExpressionAttributeValues={
                    ":pk": {"S": PARTITION},
                    ":session": {"S": "SESSION#"},
                },
            ),
        )
        alive = [session for session in found if session.is_alive(now)]
        return sorted(alive, key=lambda session: session.created_at, reverse=True)

    def end(self, id: str, now: datetime) -> bool:
        """End a session; False if there is none of that id. A second call keeps the first time.
        Raises Unavailable.
        """
        try:
            with translate_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=_key(id),
                    UpdateExpression="SET ended_at = if_not_exists(ended_at, :now)",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues={":now": {"S": stamp(now)}},
                )
        except ConcurrentUpdate:
            return False
        return True

    def use_link(self, mark: str, now: datetime) -> bool:
        """Whether the link of this mark is used for the first time: one conditional write. Raises
        Unavailable.
        """
        item: Item = {
            "pk": {"S": PARTITION},
            "sk": {"S": f"LINK#{mark}"},
            "ttl": {"N": str(int((now + LINK_KEPT).timestamp()))},
        }
        try:
            with translate_errors():
                self._dynamodb.put_item(
                    TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
                )
        except ConcurrentUpdate:
            return False
        return True


PARTITION = "OPERATORS"


def _key(id: str) -> Item:
    return {"pk": {"S": PARTITION}, "sk": {"S": f"SESSION#{id}"}}


def _session(item: Item) -> OperatorSession:
    session = load(item["body"]["S"], OperatorSession)
    ended = item.get("ended_at")
    return replace(session, ended_at=datetime.fromisoformat(ended["S"])) if ended else session
