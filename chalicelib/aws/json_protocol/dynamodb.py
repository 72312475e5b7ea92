"""DynamoDB's calls, named and answered as boto3 does. Attributes of type B are bytes on both
sides.
"""

import uuid
from collections.abc import Mapping
from typing import Any, TypedDict
from zlib import crc32

import msgspec
import urllib3
from botocore.exceptions import ResponseStreamingError

from chalicelib.aws.json_protocol.client import JsonClient
from chalicelib.aws.write_hook import about_to_write


class AttributeValue(TypedDict, total=False):
    """A value of an item: one of these."""

    S: str
    N: str
    B: bytes
    BOOL: bool
    NULL: bool
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    L: list["AttributeValue"]
    M: dict[str, "AttributeValue"]


Values = dict[str, AttributeValue]


class Keys(TypedDict, total=False):
    """What BatchGetItem left unread of a table."""

    Keys: list[Values]
    ConsistentRead: bool
    ProjectionExpression: str
    ExpressionAttributeNames: dict[str, str]


class Put(TypedDict):
    """The item of a put."""

    Item: Values


class Delete(TypedDict):
    """The key of a delete."""

    Key: Values


class Write(TypedDict, total=False):
    """One of both: what BatchWriteItem left unwritten."""

    PutRequest: Put
    DeleteRequest: Delete


class Reply(TypedDict, total=False):
    """What the calls of `DynamoDb` answer, all of them together."""

    Item: Values
    Items: list[Values]
    Attributes: Values
    Count: int
    ScannedCount: int
    LastEvaluatedKey: Values
    Responses: dict[str, list[Values]]
    UnprocessedKeys: dict[str, Keys]
    UnprocessedItems: dict[str, list[Write]]


# msgspec writes and reads bytes as base64, which is how JSON holds them in DynamoDB too.
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Reply).decode


class DynamoDb(JsonClient):
    """Takes and gives what boto3's client does."""

    service, target = "dynamodb", "DynamoDB_20120810"
    pause_scale = 0.025

    def get_item(self, **parameters: Any) -> Any:
        return self.call("GetItem", parameters)

    def batch_get_item(self, **parameters: Any) -> Any:
        return self.call("BatchGetItem", parameters)

    def query(self, **parameters: Any) -> Any:
        return self.call("Query", parameters)

    def scan(self, **parameters: Any) -> Any:
        return self.call("Scan", parameters)

    def put_item(self, **parameters: Any) -> Any:
        about_to_write()
        return self.call("PutItem", parameters)

    def update_item(self, **parameters: Any) -> Any:
        about_to_write()
        return self.call("UpdateItem", parameters)

    def delete_item(self, **parameters: Any) -> Any:
        about_to_write()
        return self.call("DeleteItem", parameters)

    def batch_write_item(self, **parameters: Any) -> Any:
        about_to_write()
        return self.call("BatchWriteItem", parameters)

    def transact_write_items(self, **parameters: Any) -> Any:
        """Sent again, the same token lets DynamoDB answer as it did the first time."""
        about_to_write()
        return self.call(
            "TransactWriteItems", {"ClientRequestToken": str(uuid.uuid4()), **parameters}
        )

    def _encoded(self, parameters: Mapping[str, Any]) -> bytes:
        return _encode(parameters)

    def _decoded(self, response: urllib3.BaseHTTPResponse) -> Any:
        sum_told = response.headers.get("x-amz-crc32")
        if sum_told is not None and int(sum_told) != crc32(response.data):
            raise ResponseStreamingError(error="The answer does not have its checksum.")
        try:
            return _decode(response.data)
        except msgspec.DecodeError as error:
            raise ResponseStreamingError(error=error) from error
