"""Queues: news on its way in, and what no repetition will mend."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@cache
def client() -> "SQSClient":
    """The client, made once."""
    import boto3
    from botocore.config import Config

    return boto3.client("sqs", config=Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5))


class Queue:
    """One queue. A message may arrive more than once, in any order."""

    def __init__(self, url: str, sqs: "SQSClient | None" = None) -> None:
        self._url = url
        self._sqs = sqs or client()

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        """Put a message into the queue; return only once the queue has it. Raises Unavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._sqs.send_message(
                QueueUrl=self._url,
                MessageBody=body,
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()},
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue did not take the message: repeat it.") from error
