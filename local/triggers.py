"""What AWS does between a queue or a stream and a function: polls, gathers a batch, calls, and acts on what comes back."""

import base64
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.context import LambdaContext
from local.filters import passes
from local.resources import Resources, client
from local.template import REGION

Function = Callable[[dict[str, Any], Any], Any]

BATCH = 100
QUEUE_WORKERS = 4
LONG_POLL_SECONDS = 1
PAUSE_AFTER_FAILURE = 0.3
STREAM_PAUSE = 0.1

log = logging.getLogger("billhook.local")


class Progress:
    """Counts what the triggers have finished, so that a wait can tell work from standstill."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = 0

    def add(self, number: int) -> None:
        with self._lock:
            self._done += number

    @property
    def done(self) -> int:
        return self._done


class Trigger:
    """One polling thread. A failure of the emulator or of the function is logged and tried again; the thread ends only when told."""

    def __init__(self, name: str, stopping: threading.Event) -> None:
        self.stopping = stopping
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def poll(self) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.poll()
            except Exception:
                if not self.stopping.is_set():
                    log.exception("%s: failed, tried again", self._thread.name)
                self.stopping.wait(PAUSE_AFTER_FAILURE)


class QueueTrigger(Trigger):
    """Calls the function with batches of a queue's messages. Those that it names as failed, or all if it raises, are visible again at once."""

    def __init__(
        self, name: str, stopping: threading.Event, endpoint: str, resources: Resources, function: Function, function_name: str, progress: Progress
    ) -> None:
        super().__init__(name, stopping)
        self._sqs = client("sqs", endpoint)
        self._url, self._arn = resources.events_queue_url, resources.events_queue_arn
        self._function, self._function_name, self._progress = function, function_name, progress

    def poll(self) -> None:
        messages = self._receive(LONG_POLL_SECONDS)
        while messages and len(messages) < BATCH and (more := self._receive(0, BATCH - len(messages))):
            messages += more
        if not messages:
            return
        failed = self._call(messages)
        done = [message for message in messages if message["MessageId"] not in failed]
        self._each_ten(done, lambda entries: self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries))
        self._progress.add(len(done))
        if failed:
            # So that a message that never succeeds is soon tried again, yet does not spin.
            self.stopping.wait(PAUSE_AFTER_FAILURE)
            back = [message for message in messages if message["MessageId"] in failed]
            self._each_ten(
                back,
                lambda entries: self._sqs.change_message_visibility_batch(
                    QueueUrl=self._url, Entries=[entry | {"VisibilityTimeout": 0} for entry in entries]
                ),
            )

    def _receive(self, wait: int, most: int = 10) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(10, most),
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        return received

    def _call(self, messages: list[dict[str, Any]]) -> set[str]:
        """The ids of the messages that failed."""
        everything = {message["MessageId"] for message in messages}
        try:
            answer = self._function({"Records": [self._record(message) for message in messages]}, LambdaContext(self._function_name, 60))
        except Exception:
            log.exception("%s raised; its batch of %d comes back", self._function_name, len(messages))
            return everything
        failed = {failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures", [])}
        # Lambda takes an identifier that it does not know as a failure of the whole batch.
        return failed if failed <= everything else everything

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {name: str(value) for name, value in message.get("Attributes", {}).items()},
            "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": REGION,
        }

    def _each_ten(self, messages: list[dict[str, Any]], act: Callable[[list[dict[str, Any]]], Any]) -> None:
        for start in range(0, len(messages), 10):
            act([{"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages[start : start + 10])])


class StreamTrigger(Trigger):
    """Calls the function with the table's changes that pass the template's filter, in order, again and again until it succeeds.

    The agenda carries out what Lambda would give up on after its last attempt; here nothing is given up. `idle_rounds` counts the looks at
    the stream that found nothing new, `seen` the records; `wake` asks for the next look at once.
    """

    def __init__(
        self, name: str, stopping: threading.Event, endpoint: str, resources: Resources, function: Function, function_name: str, progress: Progress
    ) -> None:
        super().__init__(name, stopping)
        self._streams = client("dynamodbstreams", endpoint)
        self._arn, self._filters = resources.stream_arn, resources.filters
        self._function, self._function_name, self._progress = function, function_name, progress
        self._shard = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"][0]["ShardId"]
        self._after: str | None = None
        self._iterator: str | None = None
        self.idle_rounds = 0
        self.seen = 0
        self.wake = threading.Event()

    def poll(self) -> None:
        try:
            records = self._read()
            self.seen += len(records)
            waiting = [record for record in records if passes(self._filters, record)]
            for start in range(0, len(waiting), BATCH):
                self._call(waiting[start : start + BATCH])
        except Exception:
            # Read again from behind the last record that was carried out.
            self._iterator = None
            raise
        if records:
            self._after = records[-1]["dynamodb"]["SequenceNumber"]
        else:
            self.idle_rounds += 1
            self.wake.wait(STREAM_PAUSE)
            self.wake.clear()

    def _read(self) -> list[dict[str, Any]]:
        answer = self._streams.get_records(ShardIterator=self._iterator or self._new_iterator(), Limit=1000)
        self._iterator = answer.get("NextShardIterator")
        return [_plain(record) | {"eventSourceARN": self._arn} for record in answer["Records"]]

    def _call(self, records: list[dict[str, Any]]) -> None:
        """Returns once nothing of the batch is left; a failure is tried again from the first record that failed."""
        while records and not self.stopping.is_set():
            answer = self._function({"Records": records}, LambdaContext(self._function_name, 60)) or {}
            failed = {failure["itemIdentifier"] for failure in answer.get("batchItemFailures") or []}
            sequence = [record["dynamodb"]["SequenceNumber"] for record in records]
            done = len(records) if not failed else next((place for place, number in enumerate(sequence) if number in failed), 0)
            if done:
                self._after = sequence[done - 1]
                self._progress.add(done)
            records = records[done:]
            if records:
                self.stopping.wait(PAUSE_AFTER_FAILURE)

    def _new_iterator(self) -> str:
        place: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self._after:
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._after}
        return str(self._streams.get_shard_iterator(StreamArn=self._arn, ShardId=self._shard, **place)["ShardIterator"])


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    """A message's own attribute as Lambda writes it."""
    names = {"StringValue": "stringValue", "BinaryValue": "binaryValue", "DataType": "dataType"}
    return {names[key]: _plain(inner) for key, inner in value.items() if key in names} | {"stringListValues": [], "binaryListValues": []}


def _plain(value: Any) -> Any:
    """What boto3 made of JSON, as JSON again."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.timestamp()
    return value
