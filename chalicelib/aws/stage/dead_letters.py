"""Reads the dead-letter queue. SQS can only be read by receiving, which hides a message for a
while; what is not deleted is made visible again.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chalicelib.aws.queues import client
from chalicelib.domain.changes.dead_letters import DeadLetter
from chalicelib.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

OUT_OF_SIGHT = 600
"""Seconds for which a received message is invisible to others, if no other number is given. It
becomes visible again by itself if this process stops.
"""

WAIT = 1
"""Seconds. Without a wait SQS asks only some of its servers, and may report a queue with messages
as empty.
"""


class DeadLetterQueue:
    """The dead letters of a stage, each as `read` reads the message. `out_of_sight` as above."""

    def __init__(
        self,
        url: str,
        read: Callable[[Mapping[str, Any]], DeadLetter],
        sqs: "SQSClient | None" = None,
        out_of_sight: int = OUT_OF_SIGHT,
    ) -> None:
        self._url, self._read, self._sqs = url, read, sqs or client()
        self._seconds = out_of_sight
        self._out_of_sight: dict[str, DeadLetter] = {}

    def look(self, most: int) -> list[DeadLetter]:
        """Up to `most` dead letters, the oldest first, invisible to others from now on. Raises
        Unavailable.
        """
        found = self._out_of_sight
        while len(found) < most:
            letters = map(self._read, self._receive(min(10, most - len(found))))
            fresh = {letter.id: letter for letter in letters if letter.id not in found}
            found |= fresh
            if not fresh:
                break
        return sorted(found.values(), key=lambda letter: (letter.at, letter.id))

    def release(self) -> None:
        """Make the messages that were received and not deleted visible again. If that fails, they
        become visible by themselves.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        waiting, self._out_of_sight = list(self._out_of_sight.values()), {}
        for start in range(0, len(waiting), 10):
            entries: Any = [
                {"Id": str(place), "ReceiptHandle": letter.handle, "VisibilityTimeout": 0}
                for place, letter in enumerate(waiting[start : start + 10])
            ]
            try:
                self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError):
                return

    def delete(self, letter: DeadLetter) -> None:
        """Delete it. Raises Unavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.handle)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(
                f"The dead letter {letter.id} could not be deleted: {_said(error)}."
            ) from error
        self._out_of_sight.pop(letter.id, None)

    def _receive(self, most: int) -> list[Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=most,
                VisibilityTimeout=self._seconds,
                WaitTimeSeconds=WAIT,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"The dead letters cannot be read: {_said(error)}.") from error


def _said(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if response else type(error).__name__
