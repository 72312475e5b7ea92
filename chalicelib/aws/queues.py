"""SQS queues: raw messages, such as Stripe's events and dead letters, and small JSON tasks."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, cast

from chalicelib.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef


@cache
def client() -> "SQSClient":
    """The client, made once. It has the type of boto3's client, so that mypy checks each call, and
    those of its methods that json_protocol/sqs.py lists.
    """
    from chalicelib.aws.json_protocol.sqs import Sqs

    return cast("SQSClient", Sqs())


A_BATCH = 10
"""Messages of one call, at most: SQS takes no more."""


class WorkQueue:
    """A queue of tasks, each a small JSON object."""

    def __init__(self, url: str, sqs: "SQSClient | None" = None) -> None:
        self._url = url
        self._sqs = sqs or client()

    def send(self, work: Mapping[str, str]) -> None:
        """Enqueue one task. Raises Unavailable."""
        Queue(self._url, self._sqs).send(json.dumps(work))

    def send_many(self, work: Sequence[Mapping[str, str]]) -> None:
        """Enqueue tasks, ten a call. Raises Unavailable if not all of them were enqueued."""
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": json.dumps(task)} for number, task in enumerate(work)
        ]
        _send_batches(self._sqs, self._url, entries)

    def depth(self, in_work: bool = False) -> int:
        """The approximate number of waiting messages, with those that somebody works on now if
        `in_work`. Raises Unavailable.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        names: list[QueueAttributeNameType] = ["ApproximateNumberOfMessages"]
        if in_work:
            names.append("ApproximateNumberOfMessagesNotVisible")
        try:
            answer = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
            return sum(int(answer["Attributes"][name]) for name in names)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The length of the queue cannot be read.") from error


class GroupedQueue:
    """A FIFO queue of tasks: while a task of a group is worked on, nobody gets another one of it.
    The same task of the same group is taken once in five minutes.
    """

    def __init__(self, url: str, sqs: "SQSClient | None" = None) -> None:
        self._url = url
        self._sqs = sqs or client()

    def send_many(self, work: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        """Enqueue tasks, each with its group, ten a call. Raises Unavailable if not all of them
        were enqueued.
        """
        entries = [
            _grouped(str(number), group, json.dumps(task, sort_keys=True))
            for number, (group, task) in enumerate(work)
        ]
        _send_batches(self._sqs, self._url, entries)


def _send_batches(
    sqs: "SQSClient", url: str, entries: "Sequence[SendMessageBatchRequestEntryTypeDef]"
) -> None:
    """Enqueue messages, ten a call. Raises Unavailable if not all of them were enqueued."""
    from botocore.exceptions import BotoCoreError, ClientError

    for start in range(0, len(entries), A_BATCH):
        batch = entries[start : start + A_BATCH]
        try:
            answer = sqs.send_message_batch(QueueUrl=url, Entries=batch)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue did not accept the tasks.") from error
        if failed := answer.get("Failed"):
            raise Unavailable(f"The queue did not accept {len(failed)} of {len(batch)} tasks.")


def _grouped(id: str, group: str, body: str) -> "SendMessageBatchRequestEntryTypeDef":
    same = hashlib.sha256(f"{group} {body}".encode()).hexdigest()
    return {
        "Id": id,
        "MessageBody": body,
        "MessageGroupId": group,
        "MessageDeduplicationId": same,
    }


class Queue:
    """One queue. SQS delivers messages at least once and in any order."""

    def __init__(self, url: str, sqs: "SQSClient | None" = None) -> None:
        self._url = url
        self._sqs = sqs or client()

    def send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        """Enqueue a message. Returns only after the queue stored it. Raises Unavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._sqs.send_message(
                QueueUrl=self._url,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in (attributes or {}).items()
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The queue did not accept the message. Try again.") from error
