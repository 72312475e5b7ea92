"""The calls of the emulator that a local system makes over and over, by the client that the
functions have: boto3 takes several times as long.
"""

from typing import Any

from chalicelib.aws.json_protocol.client import JsonClient
from chalicelib.aws.json_protocol.connection import ServiceSettings
from chalicelib.aws.json_protocol.dynamodb import DynamoDb
from chalicelib.aws.json_protocol.sqs import Sqs
from local.aws.template import REGION

SCOPE = (
    f"AWS4-HMAC-SHA256 Credential=testing/20260101/{REGION}/{{service}}/aws4_request,"
    " SignedHeaders=host, Signature=none"
)

READ_SECONDS = 40
"""How long the emulator may take: a message that it hands out to nobody is lost for minutes."""


class _Unsigned(JsonClient):
    """Names the service where a signature would: the emulator looks for no more."""

    def __init__(self, endpoint: str) -> None:
        """For the emulator at `endpoint`, whatever the machine's own AWS settings say."""
        super().__init__(settings=ServiceSettings(endpoint, REGION, None, "", READ_SECONDS))

    def _signed_headers(self, operation: str, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": f"application/x-amz-json-{self.version}",
            "X-Amz-Target": f"{self.target}.{operation}",
            "Authorization": SCOPE.format(service=self.service),
        }


class EmulatedQueues(_Unsigned, Sqs):
    """SQS as its consumers use it. Attributes of type Binary are base64, as Lambda gives them."""

    def receive_message(self, **parameters: Any) -> Any:
        return self.call("ReceiveMessage", parameters)

    def delete_message_batch(self, **parameters: Any) -> Any:
        return self.call("DeleteMessageBatch", parameters)

    def change_message_visibility_batch(self, **parameters: Any) -> Any:
        return self.call("ChangeMessageVisibilityBatch", parameters)


class EmulatedTable(_Unsigned, DynamoDb):
    """DynamoDB."""


class EmulatedStreams(_Unsigned):
    """The streams of tables. Attributes of type B are base64, as Lambda gives them."""

    service, target = "dynamodb", "DynamoDBStreams_20120810"

    def describe_stream(self, **parameters: Any) -> Any:
        return self.call("DescribeStream", parameters)

    def get_shard_iterator(self, **parameters: Any) -> Any:
        return self.call("GetShardIterator", parameters)

    def get_records(self, **parameters: Any) -> Any:
        return self.call("GetRecords", parameters)
