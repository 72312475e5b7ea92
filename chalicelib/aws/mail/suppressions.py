"""Suppressed addresses, across all accounts: those in the table, and those on SES's own list for
the AWS account. The table has them as keyed hashes, so it holds no list of addresses.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import all_items, client, read_one, translate_errors
from chalicelib.aws.items import Item, keyed_hash, stamp
from chalicelib.domain.errors import ConcurrentUpdate, Unavailable
from chalicelib.domain.messaging.suppression import Suppression, after_bounce, after_complaint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRIES = 5
"""How often a suppression is written if others write it at the same time."""


class Suppressions:
    """Reads and writes suppressed addresses, upper and lower case alike."""

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def holds(self, email: str, stream: str = "billing") -> bool:
        """Whether mail of a stream does not go to the address: one consistent read. Raises
        Unavailable.
        """
        stored = self.load(email)
        return stored is not None and stored.stops(stream)

    def load(self, email: str) -> Suppression | None:
        """The suppression of the address, if there is one. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, self._key(email))
        return _suppression(item) if item else None

    def add(
        self,
        email: str,
        reason: str,
        at: datetime,
        message_id: str = "",
        about_a_notice: bool = False,
    ) -> None:
        """See Suppressions in usecases/ports/mail.py. Idempotent."""
        for _ in range(TRIES):
            stored = self.load(email)
            if reason == "bounce":
                new = after_bounce(stored, at)
            else:
                new = after_complaint(stored, at, message_id, about_a_notice)
            if new == stored:
                return
            try:
                self._put(email, stored, new)
            except ConcurrentUpdate:
                continue
            return
        raise Unavailable("Others suppressed the same address at the same time.")

    def lift(self, email: str) -> bool:
        """Write to the address again; False if it was not suppressed. Raises Unavailable."""
        with translate_errors():
            answer = self._dynamodb.delete_item(
                TableName=self._table, Key=self._key(email), ReturnValues="ALL_OLD"
            )
        return "Attributes" in answer

    def mark(self, email: str) -> str:
        """The hash that stands for the address, here and in the claims of messages."""
        return keyed_hash(email.strip().lower(), self._hash_key())

    def all(self) -> Iterator[tuple[str, Suppression, list[str]]]:
        """The mark of each suppressed address, its suppression, and the ids of the accounts that
        have the address. Reads the whole table. Raises Unavailable.
        """
        suppressed = all_items(
            self._dynamodb.scan,
            TableName=self._table,
            FilterExpression="sk = :suppressed",
            ExpressionAttributeValues={":suppressed": {"S": "SUPPRESSED"}},
        )
        for item in suppressed:
            mark = item["pk"]["S"].partition("#")[2]
            yield mark, _suppression(item), self._accounts(mark)

    def _accounts(self, mark: str) -> list[str]:
        """The accounts of the address: its pointers are under the same hash."""
        found = all_items(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"EMAIL#{mark}"}},
        )
        return sorted(item["account_id"]["S"] for item in found)

    def _put(self, email: str, stored: Suppression | None, new: Suppression) -> None:
        item = {**self._key(email), "reason": {"S": new.reason}, "at": {"S": stamp(new.at)}}
        if new.messages:
            item |= {"reach": {"S": new.reach}, "messages": {"SS": sorted(new.messages)}}
        put: Any = {"TableName": self._table, "Item": item}
        if stored is None:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            known = ["reason = :reason"]
            put["ExpressionAttributeValues"] = {":reason": {"S": stored.reason}}
            if stored.messages:
                known.append("messages = :messages")
                put["ExpressionAttributeValues"][":messages"] = {"SS": sorted(stored.messages)}
            else:
                known.append("attribute_not_exists(messages)")
            put["ConditionExpression"] = " AND ".join(known)
        with translate_errors():
            self._dynamodb.put_item(**put)

    def _key(self, email: str) -> Item:
        return {"pk": {"S": f"SUPPRESSED#{self.mark(email)}"}, "sk": {"S": "SUPPRESSED"}}


def _suppression(item: Item) -> Suppression:
    """The suppression in an item. One without a reach is a bounce, or of an older release, in which
    a complaint stopped everything: it stops lifecycle mail from now on.
    """
    reason = item["reason"]["S"]
    reach = "all" if reason == "bounce" else "lifecycle"
    return Suppression(
        reason,
        datetime.fromisoformat(item["at"]["S"]),
        item["reach"]["S"] if "reach" in item else reach,
        tuple(sorted(item["messages"]["SS"])) if "messages" in item else (),
    )


class SesSuppressionList:
    """SES's own list of suppressed addresses, one for the AWS account and region. SES adds to it
    what bounces for good, and then drops whatever is sent there.
    """

    def __init__(self, ses: Any = None) -> None:
        from chalicelib.aws.mail.mailer import client

        self._ses = ses or client()

    def lift(self, email: str) -> bool:
        """Take the address off; False if it is not on the list. Raises Unavailable, Refused."""
        try:
            self._ses.delete_suppressed_destination(EmailAddress=email)
        except Exception as error:
            if _code(error) == "NotFoundException":
                return False
            raise _translated(error) from None
        return True

    def all(self) -> Iterator[tuple[str, str, datetime]]:
        """Each address on the list, with its reason and time. Raises Unavailable, Refused."""
        more: dict[str, str] = {}
        while True:
            try:
                page = self._ses.list_suppressed_destinations(**more)
            except Exception as error:
                raise _translated(error) from None
            for one in page["SuppressedDestinationSummaries"]:
                yield one["EmailAddress"], one["Reason"].lower(), one["LastUpdateTime"]
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}


def _code(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def _translated(error: Exception) -> Exception:
    """Without SES's text, which has the address in it."""
    from botocore.exceptions import BotoCoreError, ClientError

    from chalicelib.domain.errors import Refused

    if isinstance(error, ClientError) and _code(error) in {"AccessDeniedException", "AccessDenied"}:
        return Refused(
            "SES does not let us change its suppression list: the role lacks"
            " ses:DeleteSuppressedDestination."
        )
    if isinstance(error, BotoCoreError | ClientError):
        return Unavailable(f"SES does not change its suppression list now ({_code(error)}).")
    return error
