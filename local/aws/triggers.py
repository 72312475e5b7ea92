"""What AWS does between a queue and a function: polls, gathers a batch, calls, and acts on what
comes back.
"""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.aws.frequent_calls import EmulatedQueues
from local.aws.lambda_context import LambdaContext
from local.aws.progress import Progress
from local.aws.resources import Made
from local.aws.template import REGION

Function = Callable[[dict[str, Any], Any], Any]

LOOK_SECONDS = 1
"""How often a queue is looked at without being told of a message, such as one that another process
sent.
"""

PAUSE_AFTER_FAILURE = 0.3

log = logging.getLogger("billhook.local")


class Trigger(ABC):
    """One polling thread. A failure of the emulator or of the function is logged and tried again;
    the thread ends only when told.
    """

    def __init__(self, name: str, stopping: threading.Event) -> None:
        self.stopping = stopping
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    @abstractmethod
    def poll(self) -> None:
        """Look once for what there is, and hand it on."""

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.poll()
            except Exception:
                if not self.stopping.is_set():
                    log.exception("%s: failed, tried again", self._thread.name)
                self.stopping.wait(PAUSE_AFTER_FAILURE)


@dataclass(frozen=True, slots=True)
class Source:
    """A queue, the function that takes its messages, and how many it takes at once. `gather`
    returns once there will be no more for a batch that has begun, or its window is over. Of a
    `grouped` queue no message can be received while one of its group is worked on.
    """

    queue: Made
    function: Function
    function_name: str
    batch: int = 100
    gather: Callable[[], object] = lambda: None
    grouped: bool = False


class QueueTrigger(Trigger):
    """Calls the function with batches of a queue's messages. Those that it names as failed, or all
    if it raises, are visible again at once.
    """

    def __init__(
        self,
        name: str,
        stopping: threading.Event,
        endpoint: str,
        source: Source,
        progress: Progress,
    ) -> None:
        super().__init__(name, stopping)
        self._sqs = EmulatedQueues(endpoint)
        self._source, self._progress = source, progress
        self._url = source.queue.ref
        self._is_back = self._is_next_free = False

    def poll(self) -> None:
        told, looks = 0, self._is_back or self._is_next_free
        if not looks and self._progress.await_message(self._url, LOOK_SECONDS):
            self._source.gather()
            if not (told := self._progress.take(self._url, self._source.batch)):
                return  # another worker takes them
        self._is_back = self._is_next_free = False
        with self._progress.at_work():
            messages = self._batch(told)
            failed = self._process(messages) if messages else []
        self._is_next_free = bool(messages) and self._source.grouped
        if failed:
            # So that a message that never succeeds is soon tried again, yet does not spin.
            self.stopping.wait(PAUSE_AFTER_FAILURE)
            self._give_back(failed)

    def _batch(self, told: int) -> list[dict[str, Any]]:
        """As many messages as were announced; if none were, as many as there are."""
        messages: list[dict[str, Any]] = []
        wanted = told or self._source.batch
        while len(messages) < wanted and (
            more := self._receive(self._source.batch - len(messages))
        ):
            messages += more
        return messages

    def _process(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The messages that failed; the others are deleted."""
        failed = self._call(messages)
        done = [message for message in messages if message["MessageId"] not in failed]
        self._each_ten(
            done,
            lambda entries: self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries),
        )
        self._progress.add(len(done))
        self._progress.came_back(self._url, failed, {message["MessageId"] for message in done})
        return [message for message in messages if message["MessageId"] in failed]

    def _give_back(self, messages: list[dict[str, Any]]) -> None:
        self._each_ten(
            messages,
            lambda entries: self._sqs.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[entry | {"VisibilityTimeout": 0} for entry in entries],
            ),
        )
        self._is_back = True

    def _receive(self, most: int) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(10, most),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        return received

    def _call(self, messages: list[dict[str, Any]]) -> set[str]:
        """The ids of the messages that failed."""
        everything = {message["MessageId"] for message in messages}
        try:
            event = {"Records": [self._record(message) for message in messages]}
            answer = self._source.function(event, LambdaContext(self._source.function_name, 60))
        except Exception:
            log.exception(
                "%s raised; its batch of %d comes back", self._source.function_name, len(messages)
            )
            return everything
        failed = {
            failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures", [])
        }
        # Lambda takes an identifier that it does not know as a failure of the whole batch.
        return failed if failed <= everything else everything

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {
                name: str(value) for name, value in message.get("Attributes", {}).items()
            },
            "messageAttributes": {
                name: _attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._source.queue.attributes["Arn"],
            "awsRegion": REGION,
        }

    def _each_ten(
        self, messages: list[dict[str, Any]], act: Callable[[list[dict[str, Any]]], Any]
    ) -> None:
        for start in range(0, len(messages), 10):
            act(
                [
                    {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]}
                    for place, message in enumerate(messages[start : start + 10])
                ]
            )


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """A message's own attribute as Lambda writes it."""
    names = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}
    return {names[key]: inner for key, inner in value.items() if key in names} | {
        "stringListValues": [],
        "binaryListValues": [],
    }
