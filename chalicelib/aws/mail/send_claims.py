"""Claims that keep a message from being sent twice, in the partition of their account."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import client, read_one, translate_errors
from chalicelib.aws.items import Item, stamp
from chalicelib.domain.errors import ConcurrentUpdate
from chalicelib.domain.messaging.email_message import SendClaim

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class SendClaims:
    """Reads and writes claims: one item for each message that was ever attempted. Of several
    senders that claim a message at the same time, one succeeds.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or client()

    def load(self, account_id: str, key: str) -> SendClaim | None:
        """The claim of a message, if there is one: one consistent read. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, key_of(account_id, key))
        return _claim(account_id, key, item) if item else None

    def take(self, claim: SendClaim, before: SendClaim | None) -> None:
        """Write the claim, if there is none or the stored one still is `before`. Raises
        ConcurrentUpdate, Unavailable.
        """
        # If a reply is lost, the SDK repeats the write and finds its own claim. `taken_by` tells
        # that claim from another sender's.
        condition, values = "taken_by = :taker", {":taker": {"S": uuid.uuid4().hex}}
        if before is None:
            condition += " OR attribute_not_exists(pk)"
        else:
            condition += " OR (attempt = :attempt AND #state = :state)"
            values |= {":attempt": {"N": str(before.attempt)}, ":state": {"S": before.state}}
        put: Any = {
            "TableName": self._table,
            "Item": {**_item(claim), "taken_by": values[":taker"]},
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        if before is not None:
            put["ExpressionAttributeNames"] = {"#state": "state"}
        with translate_errors():
            self._dynamodb.put_item(**put)

    def confirm(self, claim: SendClaim, message_id: str) -> None:
        """Record that SES accepted the message. Idempotent. A claim that was erased in the
        meantime stays erased. Raises Unavailable.
        """
        try:
            with translate_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=key_of(claim.account_id, claim.key),
                    UpdateExpression="SET #state = :sent, message_id = :id",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={":sent": {"S": "sent"}, ":id": {"S": message_id}},
                )
        except ConcurrentUpdate:
            return

    def drop(self, claim: SendClaim) -> None:
        """Delete the claim after SES did not accept the message, so that it can be claimed again.
        Does nothing if another sender holds it by now. Raises Unavailable.
        """
        try:
            with translate_errors():
                self._dynamodb.delete_item(
                    TableName=self._table,
                    Key=key_of(claim.account_id, claim.key),
                    ConditionExpression="attempt = :attempt AND #state = :state",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={
                        ":attempt": {"N": str(claim.attempt)},
                        ":state": {"S": claim.state},
                    },
                )
        except ConcurrentUpdate:
            return


def key_of(account_id: str, key: str) -> Item:
    """The key of a claim."""
    return {"pk": {"S": f"ACCOUNT#{account_id}"}, "sk": {"S": f"MESSAGE#{key}"}}


def _item(claim: SendClaim) -> Item:
    item = {
        **key_of(claim.account_id, claim.key),
        "state": {"S": claim.state},
        "at": {"S": stamp(claim.at)},
        "attempt": {"N": str(claim.attempt)},
    }
    if claim.recipient:
        item["recipient"] = {"S": claim.recipient}
    return item | ({"message_id": {"S": claim.message_id}} if claim.message_id else {})


def _claim(account_id: str, key: str, item: Item) -> SendClaim:
    return SendClaim(
        account_id=account_id,
        key=key,
        state=item["state"]["S"],
        at=datetime.fromisoformat(item["at"]["S"]),
        attempt=int(item["attempt"]["N"]),
        message_id=item["message_id"]["S"] if "message_id" in item else None,
        recipient=item["recipient"]["S"] if "recipient" in item else "",
    )
