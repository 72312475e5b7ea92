"""Reads the dead-letter queue. SQS can only be read by receiving, which hides a message for a
while; what is not deleted is made visible again.
"""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.queues import GroupedQueue, Queue
from chalicelib.domain.changes.channels import BUS
from chalicelib.domain.errors import Unavailable
from ops.recovery.dead_letters.dead_letter import DeadLetter, feedback_of, read_letter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

OUT_OF_SIGHT = 600
"""Seconds for which a received message is invisible to others. It becomes visible again by itself
if this process stops.
"""

WAIT = 1
"""Seconds. Without a wait SQS asks only some of its servers, and may report a queue with messages
as empty.
"""


class Box:
    """The dead letters of a stage."""

    def __init__(self, url: str, sqs: "SQSClient") -> None:
        self._url, self._sqs = url, sqs
        self._out_of_sight: dict[str, DeadLetter] = {}

    def look(self, most: int) -> list[DeadLetter]:
        """Up to `most` dead letters, the oldest first, invisible to others from now on. Raises
        Unavailable.
        """
        found = self._out_of_sight
        while len(found) < most:
            letters = [
                read_letter(message) for message in self._receive(min(10, most - len(found)))
            ]
            fresh = {letter.id: letter for letter in letters if letter.id not in found}
            found |= fresh
            if not fresh:
                break
        return sorted(found.values(), key=lambda letter: (letter.at, letter.id))

    def give_back(self) -> None:
        """Make the messages that were received and not deleted visible again. If that fails, they
        become visible by themselves.
        """
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
        try:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.handle)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(
                f"The dead letter {letter.id} could not be deleted: {_said(error)}."
            ) from error
        self._out_of_sight.pop(letter.id, None)

    def _receive(self, most: int) -> list[Any]:
        try:
            return self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=most,
                VisibilityTimeout=OUT_OF_SIGHT,
                WaitTimeSeconds=WAIT,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"The dead letters cannot be read: {_said(error)}.") from error


def ways_back(
    queues: Mapping[str, str], function: str, sqs: "SQSClient", lambdas: Any
) -> dict[str, Callable[[DeadLetter], None]]:
    """The functions that send a dead letter back, by origin. `queues` has the URLs by origin (that
    of `bus` is the deliveries queue), `function` is the name of the function for SES's feedback.
    Each raises Unavailable.
    """

    def start(letter: DeadLetter) -> None:
        for told in feedback_of(letter.body):
            try:
                # As EventBridge starts it: again twice if it fails, and then here once more.
                lambdas.invoke(
                    FunctionName=function,
                    InvocationType="Event",
                    Payload=json.dumps(_by_eventbridge(told, letter)).encode(),
                )
            except (BotoCoreError, ClientError) as error:
                raise Unavailable(
                    f"The function for SES's feedback was not started: {_said(error)}."
                ) from error

    def to(url: str) -> Callable[[DeadLetter], None]:
        # Without the code and the reason: they said why it was in this queue, and are set again if
        # it comes back.
        return lambda letter: Queue(url, sqs).send(letter.body)

    def deliver(letter: DeadLetter) -> None:
        # Named after the letter: the queue takes the same task once in five minutes.
        task = {**json.loads(letter.body), "sent": letter.id}
        GroupedQueue(queues["bus"], sqs).send_many([(BUS, task)])

    ways = {origin: to(url) for origin, url in queues.items()} | {"feedback": start}
    return {**ways, "bus": deliver} if "bus" in queues else ways


def _by_eventbridge(told: Mapping[str, Any], letter: DeadLetter) -> dict[str, Any]:
    """SES's record in an event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": letter.id,
        "detail-type": "Redriven",
        "source": "aws.ses",
        "account": "",
        "time": letter.at.isoformat(),
        "region": "",
        "resources": [],
        "detail": dict(told),
    }


def _said(error: Exception) -> str:
    return (
        str(error.response["Error"]["Code"])
        if isinstance(error, ClientError)
        else type(error).__name__
    )
